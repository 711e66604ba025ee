"""The records of one stream that this copy has appended and that have no verdict yet."""

from collections.abc import Iterator

from patchbay.api.writing.attempts import PendingRecord
from patchbay.eventlog import Head
from patchbay.eventlog.contract import MAX_GROUP_BYTES

RUN_RECORDS = 256  # what one lost race can void at once
RUN_BYTES = 1_000_000  # one record may go beyond it


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
        self._accepted_height = 0

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
        return 0 if not self.room_bytes else max(0, self._window - len(self._records))

    @property
    def room_bytes(self) -> int:
        """How many bytes may be chained on."""
        return max(0, RUN_BYTES - self._bytes)

    def tail_on(self, head: Head) -> list[PendingRecord] | None:
        """
        Return the records above an accepted head; None if it cannot be told yet.

        A head that is not on this run's chain, or is above it, means that verdicts are on their way; one below what
        was accepted already means that the database has gone back.
        """
        if head.height < self._accepted_height:
            return None
        if not self._records:
            return []
        passed = head.height - self._records[0].sealed.height + 1  # so many of the run
        if not 0 <= passed <= len(self._records):
            return None
        at_head = self._records[passed - 1].sealed.digest if passed else self._records[0].parent.digest
        return self._records[passed:] if at_head == head.digest else None

    def extend(self, records: list[PendingRecord]) -> None:
        """Take records that are chained on the last."""
        for record in records:
            if self._records:
                self._records[-1].child = record
            self._records.append(record)
            self._bytes += record.sealed.size_bytes

    def accept(self, record: PendingRecord) -> None:
        """Let an accepted record go, and widen what may be pending."""
        self._window = min(self._window * 2, RUN_RECORDS)
        self._accepted_height = max(self._accepted_height, record.sealed.height)
        if record in self._records:
            self._records.remove(record)
            self._bytes -= record.sealed.size_bytes

    def lose(self, first: PendingRecord) -> list[PendingRecord]:
        """Another record won the height of `first`: it and all above it are void for ever. Return those of the run."""
        lost = self.forget(first)
        if lost:
            self._window = 1
        for record in lost:
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


def groups_of(records: list[PendingRecord]) -> Iterator[list[PendingRecord]]:
    """Cut a chain into groups that the log takes at once."""
    group: list[PendingRecord] = []
    room = MAX_GROUP_BYTES
    for record in records:
        if group and record.sealed.size_bytes > room:
            yield group
            group, room = [], MAX_GROUP_BYTES
        group.append(record)
        room -= record.sealed.size_bytes
    yield group
