"""Which writes may begin to wait: a copy that has too much to do says so at once, and no account has all the room."""

from patchbay.api.writing.outcomes import Unavailable

WAITING_WRITES = 4096  # in all; beyond this a copy sheds load before its memory grows
UNCROWDED_WRITES = 256  # that may wait in a crowd, shared by its accounts; twice as many if each is its account's first
SLOW_SECONDS = 0.1  # if even the fastest write of a moment takes longer, there are more of them than can be done
MOMENT_SECONDS = 0.1
SHARE = 4.0  # one account may wait with so many writes for each one that there is room for
SLOW_SHARE = 0.5  # the same in a crowd
FEWEST_SHARERS = 3  # in a crowd an equal part is anybody's; one or two accounts leave a part for the next


class Admission:
    """
    Counts who waits, and for how long.

    That nothing is answered for a while, as when a broker is lost, is no overload: then writes wait for as long as they
    may. Overload is when all that is answered has waited long.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, int] = {}  # by account
        self._total = 0
        self._is_slow = False
        self._fastest_seconds = float("inf")  # of this moment
        self._moment_until = 0.0  # loop time

    def begin(self, account: str) -> None:
        """
        Let one more write of this account wait.

        Raises:
            Unavailable: There are too many, in all or of this account. It does not wait, and nothing was sent.
        """
        own = self._waiting.get(account, 0)
        if self._total >= (self._most if own else min(2 * self._most, WAITING_WRITES)):
            raise Unavailable("too many writes are waiting already; nothing was sent")
        if own and own > max(self._equal_part, self._share * (self._most - self._total)):
            raise Unavailable("too many writes of this account are waiting already; nothing was sent")
        self._waiting[account] = own + 1
        self._total += 1

    def end(self, account: str) -> None:
        """Let one that began wait no longer."""
        self._total -= 1
        left = self._waiting[account] - 1
        if left:
            self._waiting[account] = left
        else:
            del self._waiting[account]

    def took(self, now: float, seconds: float) -> None:
        """Take note of how long a write took that was carried out."""
        if now < self._moment_until:
            self._fastest_seconds = min(self._fastest_seconds, seconds)
            return
        self._is_slow = self._fastest_seconds > SLOW_SECONDS and self._moment_until > 0
        self._fastest_seconds = seconds
        self._moment_until = now + MOMENT_SECONDS

    @property
    def _equal_part(self) -> float:
        """How much of the room of a crowd an account may have, whatever is left; none where it is no crowd."""
        return UNCROWDED_WRITES / max(FEWEST_SHARERS, len(self._waiting)) if self._is_slow else 0

    @property
    def _share(self) -> float:
        return SLOW_SHARE if self._is_slow else SHARE

    @property
    def _most(self) -> int:
        return UNCROWDED_WRITES if self._is_slow else WAITING_WRITES
