"""Records that others than Patchbay write into the log: everything that Kafka takes."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from tests.servers import eventually

from patchbay.eventlog import LogIdentity, SealedRecord, end_offsets

GOLDEN = Path(__file__).parents[3] / "schemas" / "golden"

Headers = Sequence[tuple[str, bytes | None]]


class RawName(str):
    """A header's name that is written as bytes which are no UTF-8."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


class Stranger:
    """Writes any record into any partition."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def write(self, partition: int, key: bytes | None, value: bytes | None, headers: Headers) -> int:
        """Append a record; return its offset."""
        batch = self._producer.create_batch()
        # The builder in C takes no null as a header's value, and no bytes as its name.
        batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, 0, 1_000_000)
        batch.append(timestamp=None, key=key, value=value, headers=list(headers))
        stored = await (await self._producer.send_batch(batch, self._topic, partition=partition))
        offset: int = stored.offset
        return offset

    async def write_foreign_records(self, partition_count: int) -> None:
        """Append every record of the golden vectors that is no event, and one with a name that is no text."""
        for vector in json.loads((GOLDEN / "envelopes.json").read_text(encoding="utf-8"))["records"]:
            if vector["foreign"] is None:
                continue
            record = vector["record"]
            headers = [(name, decoded(value)) for name, value in record["headers"]]
            await self.write(
                record["partition"] % partition_count, decoded(record["key"]), decoded(record["value"]), headers
            )
        await self.write(0, b"k", b"{}", [(RawName("x"), b"1")])


def decoded(content: str | None) -> bytes | None:
    """Return the bytes of base64, None for Kafka's null."""
    return None if content is None else b64decode(content)


@asynccontextmanager
async def stranger(kafka: str, topic: str) -> AsyncIterator[Stranger]:
    """Yield somebody who may write into the topic."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        yield Stranger(producer, topic)
    finally:
        await producer.stop()


@asynccontextmanager
async def transaction(kafka: str, topic: str, name: str) -> AsyncIterator[AIOKafkaProducer]:
    """Yield a producer inside a transaction that is aborted at the end, which leaves a gap in the offsets."""
    # The brokers end a transaction by themselves after a minute, which a slow machine needs for the readers.
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, transactional_id=f"{topic}.{name}", transaction_timeout_ms=600_000
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        yield producer
        await producer.abort_transaction()
    finally:
        await producer.stop()


async def send(producer: AIOKafkaProducer, topic: str, partition: int, record: SealedRecord) -> None:
    """Append an event of ours by a producer that is not ours."""
    await producer.send_and_wait(topic, record.value, key=record.key, partition=partition, headers=record.headers)


async def end_with_a_transaction(kafka: str, identity: LogIdentity, partition: int) -> None:
    """Have somebody write a record within a transaction behind the manifest, and end it."""
    async with transaction(kafka, identity.topic, "stranger") as producer:
        await producer.send_and_wait(identity.topic, b"{}", partition=partition)

    async def is_ended() -> bool:
        return (await end_offsets(kafka, identity))[partition] == 3  # the broker answers before it writes the end

    await eventually(is_ended)
