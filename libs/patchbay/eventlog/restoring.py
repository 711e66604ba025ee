"""
Filling an empty topic with the records of another log, byte for byte and with their times.

While it is filled the topic takes the times that it is given, which that of a log must not: an API that meets it is not
ready.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from secrets import token_hex
from typing import Any, Final

import msgspec
from aiokafka import TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from patchbay.eventlog.access import BootstrapServers
from patchbay.eventlog.brokers import bounded, open_admin, open_consumer
from patchbay.eventlog.contract import MAX_GROUP_BYTES
from patchbay.eventlog.envelope import MANIFEST_KEY
from patchbay.eventlog.errors import LogUnavailable, NotALog
from patchbay.eventlog.manifest import Manifest, manifest_headers
from patchbay.eventlog.producer import Producer
from patchbay.eventlog.record import Record, StoredRecord, names_and_values
from patchbay.eventlog.topic import await_partitions, create_topic, settings_of

_visit_seconds: Final = 30.0
_append_seconds: Final = 30.0
_MAX_BATCH_RECORDS: Final = 2_000
_COSTS_BYTES: Final = 100  # of a record beside its content, at most
_TIMES: Final = "message.timestamp.type"


@contextlib.asynccontextmanager
async def restored_topic(
    bootstrap_servers: BootstrapServers, topic: str, *, partitions: int, replication_factor: int = 1
) -> AsyncIterator[None]:
    """
    Have a topic that can be filled, created if it is not there; when the body is left in order, it is a log.

    Raises:
        NotALog: The topic has records, or another number of partitions.
        LogUnavailable: The brokers do not answer, or refuse.
    """
    settings = dict(settings_of(replication_factor))
    async with bounded(_visit_seconds, f"creating topic {topic}"):
        await create_topic(bootstrap_servers, topic, partitions=partitions, replication_factor=replication_factor)
        await _check_empty(bootstrap_servers, topic, partitions)
        await _alter(bootstrap_servers, topic, settings | {_TIMES: "CreateTime"})
    yield
    async with bounded(_append_seconds, "finishing"):
        await _alter(bootstrap_servers, topic, settings)


@contextlib.asynccontextmanager
async def open_restorer(bootstrap_servers: BootstrapServers, topic: str) -> AsyncIterator["Restorer"]:
    """
    Yield what fills a topic, or a part of it; several may at the same time, each stream's records all in one of them.

    When it is left in order, all that was given to it is there.

    Raises:
        LogUnavailable: The brokers do not answer, or refuse.
    """
    producer = Producer(bootstrap_servers, topic, request_timeout_seconds=_append_seconds)
    try:
        async with bounded(_visit_seconds, "starting a producer"):
            await producer.start()
        restorer = Restorer(producer)
        yield restorer
        await restorer.flush()
        async with bounded(_append_seconds, "finishing"):
            await producer.stop()
    finally:
        await producer.abandon()


class Restorer:
    """Appends records as they were; those of one partition in order."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._waiting: dict[int, list[Record]] = {}
        self._waiting_bytes: dict[int, int] = {}
        self._sent: dict[int, asyncio.Future[Any]] = {}  # by partition: handed over, and not known to have landed

    async def append(self, partition: int, record: Record) -> None:
        """
        Append a record behind all that were given for the partition before; it may wait for more of them.

        Raises:
            LogUnavailable: The brokers do not take it; what was appended until then is there.
        """
        size_bytes = _size_of(record)
        waiting = self._waiting.setdefault(partition, [])
        waiting_bytes = self._waiting_bytes.get(partition, 0)
        if waiting and (waiting_bytes + size_bytes > MAX_GROUP_BYTES or len(waiting) >= _MAX_BATCH_RECORDS):
            await self._send(partition)
            waiting_bytes = 0
        self._waiting[partition].append(record)
        self._waiting_bytes[partition] = waiting_bytes + size_bytes

    async def append_manifest(self, manifest: Manifest) -> None:
        """
        Append the manifest of a partition, as its first record.

        Raises:
            LogUnavailable: The brokers do not take it.
        """
        now = datetime.now(UTC)
        headers = manifest_headers(event_id=token_hex(16), time=now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        value = msgspec.json.encode(manifest)
        record = StoredRecord(manifest.partition, 0, int(now.timestamp() * 1000), MANIFEST_KEY, value, tuple(headers))
        await self.append(manifest.partition, record)

    async def flush(self) -> None:
        """
        Append what waits.

        Raises:
            LogUnavailable: The brokers do not take it.
        """
        for partition in list(self._waiting):
            await self._send(partition)
        for partition, sent in self._sent.items():
            async with bounded(_append_seconds, f"appending to partition {partition}"):
                await sent
        self._sent.clear()

    async def _send(self, partition: int) -> None:
        """Hand over what waits; the one before may still be under way, the one before that is not."""
        records = self._waiting[partition]
        if not records:
            return
        self._waiting[partition] = []
        async with bounded(_append_seconds, f"appending to partition {partition}"):
            sent = await self._producer.send_batch(_batch_of(self._producer, records), partition)
            before, self._sent[partition] = self._sent.get(partition), sent
            if before is not None:
                await before


def _batch_of(producer: Producer, records: Sequence[Record]) -> Any:  # noqa: ANN401 - aiokafka has no types
    batch = producer.create_batch()
    if any(None in names_and_values(record.headers)[1] for record in records if record.headers):
        # The builder in C takes no null as a header's value; this one is not asked for its state by aiokafka.
        builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, 0, 2 * MAX_GROUP_BYTES)
        batch._builder = builder  # noqa: SLF001 - there is no other way in
        batch._set_producer_state = builder.set_producer_state  # noqa: SLF001 - see above
    for record in records:
        stored = batch.append(
            timestamp=max(record.timestamp, 0), key=record.key, value=record.value, headers=list(record.headers)
        )
        if stored is None:
            raise LogUnavailable("a batch does not take what it was made for")  # else there would be a hole
    return batch


def _size_of(record: Record) -> int:
    size_bytes = len(record.key or b"") + len(record.value or b"") + _COSTS_BYTES
    if record.headers:
        names, values = names_and_values(record.headers)
        size_bytes += _size_of_names(names) + sum(map(len, filter(None, values)))
    return size_bytes


@lru_cache(maxsize=256)  # lists of names; those of a stranger may not fill the memory
def _size_of_names(names: tuple[str, ...]) -> int:
    return sum(len(name) * 4 + 10 for name in names)


async def _check_empty(bootstrap_servers: BootstrapServers, topic: str, partitions: int) -> None:
    async with open_admin(bootstrap_servers) as admin:
        count = await await_partitions(admin, topic)
    if count != partitions:
        raise NotALog(topic, f"topic {topic} has {count} partitions already, not {partitions}")
    async with open_consumer(bootstrap_servers) as consumer:
        ends = await consumer.end_offsets([TopicPartition(topic, partition) for partition in range(count)])
    if any(ends.values()):
        raise NotALog(
            topic, f"topic {topic} is not empty: a log is imported into a topic of its own, before the API is started"
        )


async def _alter(bootstrap_servers: BootstrapServers, topic: str, settings: dict[str, str]) -> None:
    async with open_admin(bootstrap_servers) as admin:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)
        for answer in await admin.alter_configs([resource]):
            for code, message, *_ in answer.resources:
                if code:
                    raise for_code(code)(message)
