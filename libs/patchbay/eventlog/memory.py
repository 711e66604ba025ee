"""A log in memory that keeps the contract of the real one, with the real one's bad days to order."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from enum import StrEnum
from secrets import token_hex
from time import time_ns

import msgspec

from patchbay.eventlog.contract import check_group
from patchbay.eventlog.envelope import MANIFEST_KEY
from patchbay.eventlog.errors import AppendError, LogRecreated, LogTruncated, NotSent, OutcomeUnknown
from patchbay.eventlog.identity import LogIdentity
from patchbay.eventlog.manifest import Manifest, manifest_headers
from patchbay.eventlog.record import StoredRecord, fingerprint
from patchbay.eventlog.seal import SealedRecord


class Fault(StrEnum):
    """What may happen to one append."""

    NOT_SENT = "not_sent"  # the session ends before it is sent
    REFUSED = "refused"  # sent, never lands; the session ends
    ACK_LOST = "ack_lost"  # lands, but nobody is told; the session ends
    DELAYED = "delayed"  # lands when `land_delayed` is called: a zombie; the session ends
    REDELIVERED = "redelivered"  # lands twice, acknowledged
    LOST = "lost"  # acknowledged, never lands: what only a broken log does
    SKIPPED = "skipped"  # refused while the session goes on, so that its child lands without it


def _wall_clock_ms() -> int:
    return time_ns() // 1_000_000


class MemoryLog:
    """The records of every partition, manifests first; appenders and readers share it as processes share a topic."""

    def __init__(
        self,
        partition_count: int = 4,
        *,
        topic: str = "memory",
        log_id: str | None = None,
        clock_ms: Callable[[], int] = _wall_clock_ms,
    ) -> None:
        self.identity = LogIdentity(log_id or token_hex(32), topic, partition_count)
        self._clock_ms = clock_ms
        self._faults: deque[Fault] = deque()
        self._delayed: list[tuple[int, Sequence[SealedRecord]]] = []
        self._partitions: list[list[StoredRecord]] = [[] for _ in range(partition_count)]
        self._grown = asyncio.Event()
        for partition in range(partition_count):
            manifest = Manifest(self.identity.log_id, partition_count, partition)
            headers = manifest_headers(event_id=token_hex(16), time="1970-01-01T00:00:00.000000Z")
            self.write(partition, MANIFEST_KEY, msgspec.json.encode(manifest), headers)

    def records(self, partition: int) -> Sequence[StoredRecord]:
        """Return all records of `partition`, the manifest first."""
        return tuple(self._partitions[partition])

    def write(
        self, partition: int, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]
    ) -> StoredRecord:
        """Store any record, as a stranger with access to the topic would."""
        records = self._partitions[partition]
        record = StoredRecord(partition, len(records), self._clock_ms(), key, value, tuple(headers))
        records.append(record)
        self._grown.set()
        self._grown = asyncio.Event()
        return record

    def inject(self, fault: Fault, *, count: int = 1) -> None:
        """Let `fault` befall the next append that has no other one waiting for it."""
        self._faults.extend([fault] * count)

    def land_delayed(self) -> None:
        """Store what was delayed, now: behind everything that was appended since."""
        delayed, self._delayed = self._delayed, []
        for partition, records in delayed:
            self._store(partition, records)

    def truncate(self, partition: int, end_offset: int) -> None:
        """Lose the records from `end_offset` on, as an unclean election does."""
        del self._partitions[partition][end_offset:]

    @contextlib.asynccontextmanager
    async def open_appender(self) -> AsyncIterator["MemoryAppender"]:
        """Yield an appender of its own session, as one more process has."""
        appender = MemoryAppender(self)
        try:
            yield appender
        finally:
            appender.close()

    @contextlib.asynccontextmanager
    async def open_reader(
        self, positions: Mapping[int, int], *, fingerprints: Mapping[int, bytes] | None = None
    ) -> AsyncIterator["MemoryReader"]:
        """
        Yield a reader from `positions` on.

        Args:
            positions: For each partition to read, the next offset.
            fingerprints: For each partition where it is known, of the record before its position.

        Raises:
            LogTruncated: A partition ends before its position.
            LogRecreated: A record before a position is another one than was read.
        """
        reader = MemoryReader(self, positions)
        for partition, expected in (fingerprints or {}).items():
            position = positions[partition]
            if fingerprint(self._partitions[partition][position - 1]) != expected:
                raise LogRecreated("another record than was read", partition=partition, position=position)
        yield reader

    def _take_fault(self) -> Fault | None:
        return self._faults.popleft() if self._faults else None

    def _store(self, partition: int, records: Sequence[SealedRecord]) -> None:
        for record in records:
            self.write(partition, record.key, record.value, record.headers)


class MemoryAppender:
    """Appends to a log in memory; see the contract."""

    def __init__(self, log: MemoryLog) -> None:
        self.session = 1
        self.healthy = True
        self.clock_skew_seconds = 0.0
        self._log = log
        self._queue: deque[tuple[int, Sequence[SealedRecord], asyncio.Future[None]]] = deque()
        self._callbacks: list[Callable[[int, str], None]] = []

    def append(self, records: Sequence[SealedRecord], *, session: int) -> asyncio.Future[None]:
        """Enqueue `records`; they are stored in the next round of the event loop."""
        partition, _, fault = check_group(records, self._log.identity)
        future = asyncio.get_running_loop().create_future()
        refusal = NotSent("closed") if not self.healthy else NotSent("stale_session")
        if fault is not None:
            future.set_exception(fault)
        elif session != self.session or not self.healthy:
            future.set_exception(refusal)
        else:
            self._queue.append((partition, records, future))
            asyncio.get_running_loop().call_soon(self._settle_next)
        return future

    def on_session_end(self, callback: Callable[[int, str], None]) -> None:
        """Call `callback(ended session, reason)` at each end."""
        self._callbacks.append(callback)

    def end_session(self, reason: str = "asked_for") -> None:
        """End the session, as the loss of a producer does; what is queued is not sent."""
        self._end(reason)

    def close(self) -> None:
        """End for good; what is queued is not sent."""
        self.healthy = False
        self._fail_queue("closed")

    def _settle_next(self) -> None:
        if not self._queue:
            return  # the session has ended since
        partition, records, future = self._queue.popleft()
        match self._log._take_fault():  # noqa: SLF001 - the two are one part
            case None:
                self._log._store(partition, records)  # noqa: SLF001 - the two are one part
                _resolve(future)
            case Fault.REDELIVERED:
                self._log._store(partition, records)  # noqa: SLF001 - the two are one part
                self._log._store(partition, records)  # noqa: SLF001 - the two are one part
                _resolve(future)
            case Fault.LOST:
                _resolve(future)
            case Fault.SKIPPED:
                _resolve(future, OutcomeUnknown("skipped"))
            case Fault.NOT_SENT:
                self._end("not_sent", future, NotSent("session_ended"))
            case Fault.REFUSED:
                self._end("refused", future, OutcomeUnknown("refused"))
            case Fault.ACK_LOST:
                self._log._store(partition, records)  # noqa: SLF001 - the two are one part
                self._end("ack_lost", future, OutcomeUnknown("ack_lost"))
            case Fault.DELAYED:
                self._log._delayed.append((partition, records))  # noqa: SLF001 - the two are one part
                self._end("delayed", future, OutcomeUnknown("delayed"))

    def _end(self, reason: str, future: asyncio.Future[None] | None = None, error: AppendError | None = None) -> None:
        ended, self.session = self.session, self.session + 1
        for callback in self._callbacks:
            callback(ended, reason)
        if future is not None:
            _resolve(future, error)
        self._fail_queue("session_ended")

    def _fail_queue(self, reason: str) -> None:
        while self._queue:
            _resolve(self._queue.popleft()[2], NotSent(reason))


class MemoryReader:
    """Reads a log in memory; see the contract."""

    def __init__(self, log: MemoryLog, positions: Mapping[int, int]) -> None:
        self._log = log
        self._positions = dict(positions)
        self._check_positions()

    async def fetch(self, *, max_records: int, timeout_seconds: float) -> Sequence[StoredRecord]:
        """Return the next records; none if there were none within the timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                while not (records := self._take(max_records)):
                    await self._log._grown.wait()  # noqa: SLF001 - the two are one part
                return records
        return ()

    async def end_offsets(self) -> Mapping[int, int]:
        """Return for each partition the offset that its next record will get."""
        return {partition: len(self._log.records(partition)) for partition in self._positions}

    async def passed_offsets(self) -> Mapping[int, int]:
        """Return for each partition the offset below which nothing is left to read."""
        return dict(self._positions)

    def _take(self, max_records: int) -> list[StoredRecord]:
        self._check_positions()
        taken: list[StoredRecord] = []
        for partition, position in self._positions.items():
            records = self._log.records(partition)[position : position + max_records - len(taken)]
            self._positions[partition] = position + len(records)
            taken.extend(records)
        return taken

    def _check_positions(self) -> None:
        for partition, position in self._positions.items():
            if position > len(self._log.records(partition)):
                raise LogTruncated("the log ends before a position", partition=partition, position=position)


def _resolve(future: asyncio.Future[None], error: AppendError | None = None) -> None:
    if future.done():
        return  # its caller no longer waits
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
        future.exception()  # a caller that does not look has chosen not to
