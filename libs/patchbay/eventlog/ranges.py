"""Reading one partition from one offset to another: every record, and every stretch of offsets that has none."""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from patchbay.eventlog.brokers import bounded, open_consumer
from patchbay.eventlog.errors import LogUnavailable
from patchbay.eventlog.identity import LogIdentity
from patchbay.eventlog.lenient import holds_markers_only
from patchbay.eventlog.reader import open_reader
from patchbay.eventlog.record import Record

_FETCH_RECORDS: Final = 2_000
_fetch_seconds: Final = 0.5
_look_seconds: Final = 1.0  # without a record before the end: there may be none any more
_silence_seconds: Final = 20.0
_visit_seconds: Final = 10.0


class Hole(msgspec.Struct, frozen=True):
    """Offsets that no record has."""

    partition: int
    offset: int  # the first
    until: int  # the first behind them
    is_explained: bool  # they are those of the ends of transactions


async def read_range(
    bootstrap_servers: str, identity: LogIdentity, partition: int, start: int, until: int
) -> AsyncIterator[Sequence[Record] | Hole]:
    """
    Yield what lies in `partition` from `start` to before `until`, in order: records, and holes between them.

    Raises:
        LogTruncated: The partition ends before.
        LogUnavailable: The brokers do not answer, or refuse.
    """
    position, heard_at = start, time.monotonic()
    async with open_reader(bootstrap_servers, identity, {partition: start}) as reader:
        while position < until:
            records = await reader.fetch(max_records=_FETCH_RECORDS, timeout_seconds=_fetch_seconds)
            for stretch in _stretches(records, until):
                if stretch[0].offset != position:
                    yield await _hole(bootstrap_servers, identity, partition, position, stretch[0].offset)
                yield stretch
                position = stretch[-1].offset + 1
            now = time.monotonic()
            has_passed = bool(records) and records[-1].offset >= until
            if position < until and (has_passed or now - heard_at > _look_seconds):
                hole = await _hole(bootstrap_servers, identity, partition, position, until)
                if has_passed or hole.is_explained:
                    yield hole
                    return
            if records:
                heard_at = now
            elif now - heard_at > _silence_seconds:
                raise LogUnavailable(f"partition {partition} gives nothing from offset {position} on")


def _stretches(records: Sequence[Record], until: int) -> Iterator[Sequence[Record]]:
    """Return the records before `until`, those together whose offsets follow one another."""
    begin = 0
    for index, record in enumerate(records):
        if record.offset >= until:
            records = records[:index]
            break
        if index > begin and record.offset != records[index - 1].offset + 1:
            yield records[begin:index]
            begin = index
    if begin < len(records):
        yield records[begin:]


async def _hole(bootstrap_servers: str, identity: LogIdentity, partition: int, offset: int, until: int) -> Hole:
    topic_partition = TopicPartition(identity.topic, partition)
    async with (
        bounded(_visit_seconds, "looking at offsets without a record"),
        open_consumer(bootstrap_servers) as consumer,
    ):
        await consumer.end_offsets([topic_partition])  # the leader is known by then
        try:
            is_explained = await holds_markers_only(consumer, topic_partition, offset, until)
        except KafkaError as failure:
            raise LogUnavailable(f"looking at offset {offset} of partition {partition}: {failure!r}") from failure
    return Hole(partition, offset, until, is_explained)
