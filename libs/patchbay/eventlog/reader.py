"""Reading from Kafka: from positions that the caller keeps, after a look whether the log is still the one it read."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from time import time

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError, OffsetOutOfRangeError

from patchbay.eventlog.access import BootstrapServers
from patchbay.eventlog.brokers import bounded, open_consumer
from patchbay.eventlog.errors import LogDamaged, LogRecreated, LogTruncated, LogUnavailable
from patchbay.eventlog.identity import LogIdentity
from patchbay.eventlog.lenient import read_leniently
from patchbay.eventlog.manifest import read_manifest
from patchbay.eventlog.record import Record, fingerprint

_request_timeout_seconds = 5.0


@contextlib.asynccontextmanager
async def open_reader(
    bootstrap_servers: BootstrapServers,
    identity: LogIdentity,
    positions: Mapping[int, int],
    *,
    fingerprints: Mapping[int, bytes] | None = None,
    open_timeout_seconds: float = 10.0,
) -> AsyncIterator["KafkaReader"]:
    """
    Yield a reader from `positions` on.

    Args:
        bootstrap_servers: `host:port`, several with commas between; or `Brokers`.
        identity: The log, as `open_log` found it.
        positions: For each partition to read, the next offset.
        fingerprints: For each partition where it is known, of the record before its position.
        open_timeout_seconds: The bound on connecting and on the first look.

    Raises:
        LogTruncated: A partition ends before its position.
        LogRecreated: A record before a position is another one than was read, or the manifest is another log's.
        LogDamaged: One of these is damaged.
        LogUnavailable: The brokers did not answer within the bound.
    """
    async with contextlib.AsyncExitStack() as stack:
        async with bounded(open_timeout_seconds, "opening a reader"):
            consumer = await stack.enter_async_context(open_consumer(bootstrap_servers))
            reader = KafkaReader(consumer, identity, positions)
            try:
                await reader.look_back(fingerprints or {})
            except OffsetOutOfRangeError as failure:
                raise reader.truncated(failure) from failure
        yield reader


class KafkaReader:
    """Reads from Kafka; see the contract."""

    def __init__(self, consumer: AIOKafkaConsumer, identity: LogIdentity, positions: Mapping[int, int]) -> None:
        self._consumer = consumer
        self._identity = identity
        self._positions = dict(positions)
        self._partitions = {partition: TopicPartition(identity.topic, partition) for partition in positions}
        self._opened_at = time()
        self._damage: LogDamaged | None = None  # that was met; all that lies before it is given first
        consumer.assign(list(self._partitions.values()))
        self._seek(dict.fromkeys(positions, 0))

    @property
    def positions(self) -> Mapping[int, int]:
        """For each partition the offset that is read next."""
        return self._positions

    @property
    def seconds_since_contact(self) -> float:
        """How long ago the brokers last answered, for the partition that waits longest; below 1 when all is well."""
        polls = [self._consumer.last_poll_timestamp(partition) for partition in self._partitions.values()]
        last = min((poll / 1000 for poll in polls if poll is not None), default=self._opened_at)
        return max(0.0, time() - last)

    async def fetch(self, *, max_records: int, timeout_seconds: float) -> Sequence[Record]:
        """
        Return the next records, in order within each partition; none if there were none within the timeout.

        Raises:
            LogTruncated: The log ends before a position that was read.
            LogDamaged: What comes next is damaged; all that lies before it has been returned.
            LogUnavailable: The brokers refuse to be read.
        """
        if self._damage is not None:
            raise self._damage
        try:
            batches = await self._consumer.getmany(timeout_ms=int(timeout_seconds * 1000), max_records=max_records)
        except OffsetOutOfRangeError as failure:
            raise self.truncated(failure) from failure
        except (UnicodeDecodeError, CorruptRecordException):
            return await self._fetch_leniently(max_records)
        except KafkaError as failure:
            self._seek(self._positions)  # what it had taken from other partitions is gone with the error
            raise LogUnavailable(f"reading: {failure!r}") from failure
        records: list[Record] = []
        for partition, batch in batches.items():
            if batch:
                self._positions[partition.partition] = batch[-1].offset + 1
                records += batch
        return records

    async def end_offsets(self) -> Mapping[int, int]:
        """
        Return for each partition the offset that its next record will get.

        Raises:
            LogUnavailable: The brokers did not answer within the bound.
        """
        async with bounded(_request_timeout_seconds, "asking for the end of the log"):
            ends = await self._consumer.end_offsets(list(self._partitions.values()))
        return {partition.partition: end for partition, end in ends.items()}

    async def passed_offsets(self) -> Mapping[int, int]:
        """Return for each partition the offset below which nothing is left to read: at its end, the end offset."""
        # aiokafka's own position goes on behind what it skips; ours stays behind the last record, as checkpoints do.
        return {index: await self._consumer.position(partition) for index, partition in self._partitions.items()}

    async def lag_offsets(self) -> int:
        """Return how many offsets there are to be read, by the brokers' newest answers; 0 at the end."""
        passed = await self.passed_offsets()
        marks = {index: self._consumer.highwater(partition) for index, partition in self._partitions.items()}
        return sum(max(0, mark - passed[index]) for index, mark in marks.items() if mark is not None)

    async def look_back(self, fingerprints: Mapping[int, bytes]) -> None:
        """Compare the manifests and the records before the positions with what is known, then take the positions."""
        ends = await self.end_offsets()
        for partition, position in self._positions.items():
            if position > ends[partition]:
                raise LogTruncated(
                    f"partition {partition} ends at offset {ends[partition]}, but was read up to {position}",
                    partition=partition,
                    position=position,
                )
        for partition in self._positions:
            manifest = read_manifest(await self._one(partition, 0))
            if manifest is None or manifest.log_id != self._identity.log_id:
                raise self._recreated(partition, "the manifest is another log's")
        known = {partition: self._positions[partition] - 1 for partition in fingerprints}
        self._seek({partition: offset for partition, offset in known.items() if offset >= 0})
        for partition, offset in known.items():
            if offset >= 0 and fingerprint(await self._one(partition, offset)) != fingerprints[partition]:
                raise self._recreated(partition, f"another record at offset {offset} than was read")
        self._seek(self._positions)

    async def _fetch_leniently(self, max_records: int) -> Sequence[Record]:
        # aiokafka has lost what it had decoded before the failure: everything is read again from our own positions.
        records: list[Record] = []
        async with bounded(_request_timeout_seconds, "reading a record that aiokafka cannot decode"):
            for partition, position in self._positions.items():
                try:
                    batch = await read_leniently(self._consumer, self._partitions[partition], position)
                except LogDamaged as damage:
                    self._damage = damage
                    continue
                taken = batch[: max_records - len(records)]
                records += taken
                if taken:
                    self._positions[partition] = taken[-1].offset + 1
        self._seek(self._positions)
        if self._damage is not None and not records:
            raise self._damage
        return records

    def _seek(self, positions: Mapping[int, int]) -> None:
        for partition, position in positions.items():
            self._consumer.seek(self._partitions[partition], position)

    async def _one(self, partition: int, offset: int) -> Record:
        try:
            record: Record = await self._consumer.getone(self._partitions[partition])
        except (UnicodeDecodeError, CorruptRecordException):
            return (await read_leniently(self._consumer, self._partitions[partition], offset))[0]
        return record

    def truncated(self, failure: OffsetOutOfRangeError) -> LogTruncated:
        """Return which partition `failure` is about."""
        partition, position = next(iter(failure.args[0].items()))
        return LogTruncated(
            f"partition {partition.partition} has nothing at offset {position} any more",
            partition=partition.partition,
            position=position,
        )

    def _recreated(self, partition: int, message: str) -> LogRecreated:
        return LogRecreated(
            f"partition {partition}: {message}", partition=partition, position=self._positions[partition]
        )
