"""What every log promises to those who append and read, be it Kafka or memory; the contract tests hold all to it."""

from asyncio import Future
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from patchbay.eventlog.errors import RecordTooLarge
from patchbay.eventlog.identity import LogIdentity
from patchbay.eventlog.record import Record
from patchbay.eventlog.seal import SealedRecord

MAX_RECORD_BYTES: Final = 512 * 1024  # an eighth of what the topic takes: a refusal would end the session
MAX_GROUP_BYTES: Final = 1024 * 1024  # what goes to a partition at once; a quarter of what the topic takes


class Appender(Protocol):
    """Appends to the log's end, in sessions: what one session takes is in the log in order, or not at all."""

    @property
    def session(self) -> int:
        """Number of the live session; it only grows."""

    @property
    def healthy(self) -> bool:
        """True if the live session can send now."""

    @property
    def clock_skew_seconds(self) -> float:
        """How far the broker's clock is ahead of this one's, by the newest acknowledgement that tells; else 0."""

    def append(self, records: Sequence[SealedRecord], *, session: int) -> Future[None]:
        """
        Enqueue `records`, all of one partition, behind everything that was enqueued for it before.

        The future is done within a bound. A result means that the broker has stored them: a hint, never a verdict.
        Nothing is ever sent twice by us.

        Raises:
            ValueError: There are no records, or they belong to several partitions.

        The future raises:
            NotSent: Nothing of them left this process, and never will.
            OutcomeUnknown: They may be there, land at any time, or never.
        """

    def on_session_end(self, callback: Callable[[int, str], None]) -> None:
        """Call `callback(ended session, reason)` at each end, before any future of that session fails."""


class LogReader(Protocol):
    """Reads on from given positions, for ever; nobody else's reading or writing disturbs it."""

    async def fetch(self, *, max_records: int, timeout_seconds: float) -> Sequence[Record]:
        """
        Return the next records, in order within each partition; none if there were none within the timeout.

        Raises:
            LogTruncated: The log ends before a position that was read.
        """

    async def end_offsets(self) -> Mapping[int, int]:
        """
        Return for each partition the offset that its next record will get.

        Raises:
            LogUnavailable: The brokers did not answer within the bound.
        """

    async def passed_offsets(self) -> Mapping[int, int]:
        """
        Return for each partition the offset below which nothing is left to read: at its end, the end offset.

        That may be behind the last record, for the end of a transaction takes an offset and is no record.
        """


def check_group(records: Sequence[SealedRecord], identity: LogIdentity) -> tuple[int, int, RecordTooLarge | None]:
    """
    Return the partition of `records`, their size in bytes, and the reason not to send them, if there is one.

    Raises:
        ValueError: There are no records, or they belong to several partitions.
    """
    partitions = {identity.partition_of(record.stream) for record in records}
    if len(partitions) != 1:
        raise ValueError(f"an append needs records of one partition, not of {len(partitions)}")
    largest = max(record.size_bytes for record in records)
    total = sum(record.size_bytes for record in records)
    fault = None
    if largest > MAX_RECORD_BYTES:
        fault = RecordTooLarge(largest, MAX_RECORD_BYTES)
    elif total > MAX_GROUP_BYTES:
        fault = RecordTooLarge(total, MAX_GROUP_BYTES)
    return partitions.pop(), total, fault
