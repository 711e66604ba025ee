"""The records of one stream that this copy has appended and that have no verdict yet."""

from collections.abc import Iterator

from patchbay.api.writing.attempts import PendingRecord
from patchbay.eventlog import Head

RUN_RECORDS = 256  # what one lost race can void at once
RUN_BYTES = 1_000_000


class Run:
    """
    A chain of pending records of one producer session, bounded in records and bytes.

    After a lost race it may hold one record, then twice as many at each win: copies that contend for one stream stop
    voiding each other's long runs.
    """

    def __init__(self) -> None:
        self._records: list[PendingRecord] = []
        self._bytes = 0
        self._window = RUN_RECORDS

    def __bool__(self) -> bool:
        """True if a record has no verdict."""
        return bool(self._records)

    def __contains__(self, record: PendingRecord) -> bool:
        """True if the record has no verdict and was not forgotten."""
        return record in self._records

    def __iter__(self) -> Iterator[PendingRecord]:
        """The records in chain order."""
        return iter(self._records)

    def room(self, session: int) -> int:
        """Return how many records may be chained on; none while another session's are unsettled."""
        if self._records and self._records[-1].session != session:
            return 0
        return 0 if self._bytes > RUN_BYTES else max(0, self._window - len(self._records))

    def tail_on(self, head: Head) -> list[PendingRecord] | None:
        """Return the records above an accepted head; None if the head is not on this run's chain (yet)."""
        at_head = next((record for record in self._records if record.sealed.height == head.height), None)
        if at_head is not None and at_head.sealed.digest != head.digest:
            return None
        tail = [record for record in self._records if record.sealed.height > head.height]
        if tail and (tail[0].sealed.height != head.height + 1 or tail[0].parent.digest != head.digest):
            return None
        return tail

    def extend(self, records: list[PendingRecord]) -> None:
        """Take records that were appended behind the last."""
        self._records.extend(records)
        self._bytes += sum(record.sealed.size_bytes for record in records)

    def accept(self, record: PendingRecord) -> None:
        """Let an accepted record go, and widen what may be pending."""
        self._window = min(self._window * 2, RUN_RECORDS)
        if record in self._records:
            self._records.remove(record)
            self._bytes -= record.sealed.size_bytes

    def lose(self, first: PendingRecord) -> list[PendingRecord]:
        """Another record won the height of `first`: it and all above it are void for ever. Return them."""
        self._window = 1
        lost = self.forget(first)
        for record in lost:
            record.void = True
            record.attempt.lost_races += 1
        return lost

    def forget(self, first: PendingRecord) -> list[PendingRecord]:
        """Take the records from `first` on out of the run, and return them; none if it is not in it."""
        if first not in self._records:
            return []
        at = self._records.index(first)
        forgotten, self._records = self._records[at:], self._records[:at]
        for record in forgotten:
            record.forgotten = True
            self._bytes -= record.sealed.size_bytes
        return forgotten
