"""Which records of an export a log has that ends at an earlier moment."""

from datetime import UTC, datetime

from patchbay.eventlog import Envelope, Foreign, Record, Verdict


class Cut:
    """
    Keeps each stream up to and with its last event by a moment, as `at=` does; records are to be given in order.

    What is kept of a stream is a beginning of its records, so verdicts stay what they are: had a winner's record gone
    and a loser's behind it stayed, that one would count. What never counted is kept if it was appended by then.
    """

    def __init__(self, until: str) -> None:
        """`until`: ISO 8601, UTC, six digits."""
        self._until = until
        self._until_ms = int(datetime.fromisoformat(until).astimezone(UTC).timestamp() * 1000)
        self._ended: set[str] = set()

    def keeps(self, record: Record, content: Envelope | Foreign, verdict: Verdict) -> bool:
        """Return whether the next record of its partition is in it."""
        if isinstance(content, Foreign):
            return record.offset == 0 or record.timestamp <= self._until_ms
        if verdict is Verdict.ACCEPTED and content.time > self._until:
            self._ended.add(content.stream)
        if content.stream in self._ended:
            return False
        return verdict is Verdict.ACCEPTED or record.timestamp <= self._until_ms
