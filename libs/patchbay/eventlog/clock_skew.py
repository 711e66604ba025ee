"""How far this machine's clock is off the broker's, as far as it was seen lately."""

from collections.abc import Callable
from time import monotonic
from typing import Final

remembered_seconds: Final = 5.0  # a clock that was put right is found out by the next append after this


class ClockSkew:
    """
    The newest sight of the skew, for some seconds.

    Only an acknowledgement shows the skew. A copy that stops to append because of it would never learn that its clock
    was put right: so an old sight counts for nothing, and one append looks again.
    """

    def __init__(self, clock_seconds: Callable[[], float] = monotonic) -> None:
        self._clock_seconds = clock_seconds
        self._seconds = 0.0
        self._seen_at = clock_seconds()

    def note(self, seconds: float) -> None:
        """Take what an acknowledgement shows."""
        self._seconds = seconds
        self._seen_at = self._clock_seconds()

    @property
    def seconds(self) -> float:
        """Seconds that the broker's clock is ahead of this one's; 0 if nothing was seen lately."""
        return self._seconds if self._clock_seconds() - self._seen_at < remembered_seconds else 0.0
