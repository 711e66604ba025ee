"""
Copies that write to one stream take turns, instead of voiding each other's runs.

Nothing is agreed upon, and nothing depends on it: whoever writes out of turn wins or loses the race as ever. Who has
lost one waits until the stream is quiet, and who has had its turn is quiet for a moment, so that another one can begin.
How long quiet is, is measured: in rounds, each the time from an append to its verdict.
"""

import random

TURN_SECONDS = 0.1  # or so many rounds, where these are long
TURN_ROUNDS = 5.0
CONTENDED_SECONDS = 1.0  # after the last sign of it; or so many turns, where these are long
CONTENDED_TURNS = 4.0
PATIENCE_TURNS = 3.0  # of others; then the stream is written to though it is not quiet
QUIET_ROUNDS = (2.5, 4.0)  # before another copy's turn counts as over: who has waited longest begins first
QUIET_ROUND_SECONDS = 0.045  # no round counts for more in that: how long it is elsewhere, nobody knows
PAUSE_SECONDS = 0.4  # after a turn: somebody else has begun by then who wants to, also where rounds are long
FIRST_ROUND_SECONDS = 0.008
ROUND_LIMIT_SECONDS = 0.06
_WEIGHT = 0.1  # of the newest round in their mean


class _Rivalry:
    """One stream that this copy and others have written to lately."""

    __slots__ = (
        "contended_until",
        "is_ours",
        "next_offset",
        "tried_at",
        "turn_until",
        "waiting_since",
        "written_at",
    )

    def __init__(self) -> None:
        self.contended_until = 0.0  # loop time, like the others
        self.next_offset = 0  # behind the newest event
        self.is_ours = False  # the newest event
        self.written_at = 0.0  # when that was
        self.turn_until = 0.0
        self.waiting_since: float | None = None  # for a turn
        self.tried_at = 0.0  # out of turn, or began to wait


class Rivals:
    """What this copy knows of other copies that write to its streams."""

    def __init__(self) -> None:
        self._streams: dict[str, _Rivalry] = {}
        self._round_seconds = FIRST_ROUND_SECONDS
        self._swept_at = 0.0

    def lost(self, stream: str, now: float) -> None:
        """Take note that a record of this copy has lost its height."""
        rivalry = self._streams.get(stream)
        if rivalry is None:
            self._forget_old(now)
            rivalry = self._streams[stream] = _Rivalry()
        rivalry.contended_until = now + max(CONTENDED_SECONDS, CONTENDED_TURNS * self._turn_seconds)
        rivalry.is_ours = False
        rivalry.written_at = now

    def won(self, stream: str, now: float, round_seconds: float, next_offset: int) -> None:
        """
        Take note that a record of this copy was accepted.

        Args:
            stream: Whose record.
            now: Loop time.
            round_seconds: From its append until now.
            next_offset: Behind the record.
        """
        self._round_seconds += (min(round_seconds, ROUND_LIMIT_SECONDS) - self._round_seconds) * _WEIGHT
        rivalry = self._streams.get(stream)
        if rivalry is None or next_offset <= rivalry.next_offset:
            return
        if not rivalry.is_ours:
            rivalry.is_ours = True
            rivalry.turn_until = now + self._turn_seconds
            rivalry.contended_until = now + max(CONTENDED_SECONDS, CONTENDED_TURNS * self._turn_seconds)
            rivalry.waiting_since = None
        rivalry.written_at = now
        rivalry.next_offset = next_offset

    def wrote(self, stream: str, now: float, next_offset: int) -> None:
        """Take note that another copy's event was accepted; what is older than the newest one is no news."""
        rivalry = self._streams.get(stream)
        if rivalry is None or next_offset <= rivalry.next_offset:
            return
        if rivalry.is_ours:
            rivalry.is_ours = False
            rivalry.contended_until = now + max(CONTENDED_SECONDS, CONTENDED_TURNS * self._turn_seconds)
        rivalry.written_at = now
        rivalry.next_offset = next_offset

    def seconds_to_wait(self, stream: str, now: float) -> float:
        """Return how long to hold back what is to be written; to be asked again then. 0: go on."""
        rivalry = self._streams.get(stream)
        if rivalry is None:
            return 0.0
        if now >= rivalry.contended_until:
            del self._streams[stream]
            return 0.0
        if rivalry.is_ours:
            return self._until_next_turn(rivalry, now)
        if rivalry.waiting_since is None:
            rivalry.waiting_since = rivalry.tried_at = now
        patience_seconds = PATIENCE_TURNS * self._turn_seconds
        if now - rivalry.tried_at >= patience_seconds:
            rivalry.tried_at = now
            return 0.0
        shortest, longest = QUIET_ROUNDS
        waited = min(1.0, (now - rivalry.waiting_since) / (2 * patience_seconds))  # three copies have had turns by then
        rounds = longest - (longest - shortest) * waited + random.uniform(0, 0.2)  # noqa: S311 - spreads, hides nothing
        return max(0.0, rivalry.written_at + rounds * min(self._round_seconds, QUIET_ROUND_SECONDS) - now)

    @property
    def _turn_seconds(self) -> float:
        return max(TURN_SECONDS, TURN_ROUNDS * self._round_seconds)

    def _until_next_turn(self, rivalry: _Rivalry, now: float) -> float:
        if now < rivalry.turn_until:
            return 0.0
        seconds = rivalry.written_at + PAUSE_SECONDS - now
        if seconds > 0:
            return seconds
        rivalry.turn_until = now + self._turn_seconds
        return 0.0

    def _forget_old(self, now: float) -> None:
        if now - self._swept_at >= CONTENDED_SECONDS:
            self._swept_at = now
            self._streams = {name: each for name, each in self._streams.items() if each.contended_until > now}
