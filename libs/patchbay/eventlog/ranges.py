"""
Reading one partition from one offset to another: every record, and every stretch of offsets that has none.

By fetches of its own: what aiokafka's consumer does beside decoding takes as long as judging a record does.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from patchbay.eventlog.access import BootstrapServers
from patchbay.eventlog.brokers import bounded, open_consumer
from patchbay.eventlog.errors import LogRecreated, LogRefused, LogTruncated, LogUnavailable
from patchbay.eventlog.identity import LogIdentity
from patchbay.eventlog.lenient import Fetched, fetch_records, holds_markers_only
from patchbay.eventlog.manifest import read_manifest
from patchbay.eventlog.record import Record
from patchbay.eventlog.refusing import FORBIDDEN

_look_seconds: Final = 1.0  # without a record before the end: there may be none any more
_retry_seconds: Final = 0.2
_silence_seconds: Final = 20.0
_visit_seconds: Final = 10.0


class Hole(msgspec.Struct, frozen=True):
    """Offsets that no record has."""

    partition: int
    offset: int  # the first
    until: int  # the first behind them
    is_explained: bool  # they are those of the ends of transactions


async def read_range(
    bootstrap_servers: BootstrapServers, identity: LogIdentity, partition: int, start: int, until: int
) -> AsyncIterator[Sequence[Record] | Hole]:
    """
    Yield what lies in `partition` from `start` to before `until`, in order: records, and holes between them.

    Raises:
        LogTruncated: The partition ends before.
        LogRecreated: It is another log's.
        LogRefused: The brokers do not let this process read it.
        LogUnavailable: The brokers do not answer, or refuse.
    """
    async with AsyncExitStack() as stack:
        async with bounded(_visit_seconds, "opening a reader"):
            consumer = await stack.enter_async_context(open_consumer(bootstrap_servers))
            source = _Source(consumer, identity, partition)
            await source.check_manifest()
        stack.push_async_callback(source.close)
        position, reached, heard_at = start, start, time.monotonic()
        while position < until:
            fetched = await source.fetch(reached, until)
            for stretch in _stretches(fetched.records, until):
                if stretch[0].offset != position:
                    yield await source.hole(position, stretch[0].offset)
                yield stretch
                position = stretch[-1].offset + 1
            now = time.monotonic()
            if fetched.reached > reached:
                reached, heard_at = fetched.reached, now
            is_silent = now - heard_at > _look_seconds
            if position < until and (reached >= until or is_silent):
                hole = await source.hole(position, until)
                if reached >= until or hole.is_explained:
                    yield hole
                    return
            if now - heard_at > _silence_seconds:
                raise LogUnavailable(f"partition {partition} gives nothing from offset {position} on")


class _Source:
    """One partition; what comes next is fetched while what came before is worked on."""

    def __init__(self, consumer: AIOKafkaConsumer, identity: LogIdentity, partition: int) -> None:
        self._consumer = consumer
        self._identity = identity
        self._partition = TopicPartition(identity.topic, partition)
        self._ahead: tuple[int, asyncio.Task[Fetched]] | None = None

    async def check_manifest(self) -> None:
        """
        Look whether the partition is the log's.

        Raises:
            LogRecreated: It is another one's.
        """
        await self._consumer.end_offsets([self._partition])  # the leader is known by then
        manifest = None
        if records := (await self._fetch(0)).records:
            manifest = read_manifest(records[0])
        if manifest is None or manifest.log_id != self._identity.log_id:
            partition = self._partition.partition
            raise LogRecreated(f"partition {partition}: the manifest is another log's", partition=partition, position=0)

    async def fetch(self, offset: int, until: int) -> Fetched:
        """Return what lies there, and begin to fetch what is behind it."""
        if self._ahead is None or self._ahead[0] != offset:
            await self.close()
            fetched = await self._fetch(offset)
        else:
            fetched, self._ahead = await self._ahead[1], None
        if offset < fetched.reached < until:
            self._ahead = (fetched.reached, asyncio.create_task(self._fetch(fetched.reached)))
        return fetched

    async def close(self) -> None:
        """Let go of what was fetched ahead."""
        if self._ahead is not None:
            task, self._ahead = self._ahead[1], None
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # nobody else looks at it, and the event loop would complain

    async def hole(self, offset: int, until: int) -> Hole:
        """Return what is known of offsets that no record has."""
        async with bounded(_visit_seconds, "looking at offsets without a record"):
            is_explained = await holds_markers_only(self._consumer, self._partition, offset, until)
        return Hole(self._partition.partition, offset, until, is_explained)

    async def _fetch(self, offset: int) -> Fetched:
        """Ask until there is an answer: a leader may move, a connection may break."""
        deadline = time.monotonic() + _silence_seconds
        while True:
            try:
                return await fetch_records(self._consumer, self._partition, offset)
            except OffsetOutOfRangeError as failure:
                partition = self._partition.partition
                message = f"partition {partition} has nothing at offset {offset} any more"
                raise LogTruncated(message, partition=partition, position=offset) from failure
            except FORBIDDEN as failure:
                raise LogRefused(f"reading: this login may not do it ({failure!r})") from failure
            except KafkaError as failure:
                if not failure.retriable or time.monotonic() > deadline:
                    raise LogUnavailable(f"reading: {failure!r}") from failure
            await asyncio.sleep(_retry_seconds)
            await self._consumer._client.force_metadata_update()  # noqa: SLF001 - another broker may lead by now


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
