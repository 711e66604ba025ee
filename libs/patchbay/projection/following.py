"""
Generations beside the live one: brought up to its positions from the log, and kept there, never ahead of it.

Never ahead: so a swap has to wait for one side only, and every event that a generation shows is in the history.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec
import structlog

from patchbay.eventlog import LogIdentity, LogReader, Record
from patchbay.postgres import BY_INDEX, DATABASE_FAILURES, Connection, open_connection
from patchbay.projection.generations import live_generation, schema_of
from patchbay.projection.loop import FETCH_SECONDS, OpenReader, Projection
from patchbay.projection.opening import open_tenure
from patchbay.projection.ownership import HeldByAnother, Ownership, Role, claim, end_lease_of_the_gone, release
from patchbay.projection.refolding import refold
from patchbay.projection.tenure import Tenure

log = structlog.get_logger()

E = TypeVar("E")

PACE_SECONDS = 0.1  # between two commits: nobody's answer depends on them
LOOK_SECONDS = 0.01  # between looks whether the live one has passed what was fetched
_READ_POSITIONS = "SELECT partition, next_offset FROM {schema}.checkpoints"
# What is lost in a crash of the database is projected again: rows and checkpoint go together.
_SESSION = {**BY_INDEX, "synchronous_commit": "off"}


class Advance(msgspec.Struct, frozen=True):
    """How far a generation is, by partition."""

    next_offsets: Mapping[int, int]
    live_offsets: Mapping[int, int]  # how far the live one was, a moment ago

    @property
    def behind_records(self) -> int:
        """How many records there are to read up to the live one."""
        return sum(max(0, offset - self.next_offsets[p]) for p, offset in self.live_offsets.items())


class Follower(Generic[E]):
    """Projects the log into one generation that is not live, as far as the live one is."""

    def __init__(
        self,
        projection: Projection[E],
        identity: LogIdentity,
        open_reader: OpenReader,
        *,
        database_url: str,
        owner: str,
        generation: int,
        batch_records: int = 2_000,
    ) -> None:
        self._projection = projection
        self._name = projection.tables.projection
        self._identity = identity
        self._open_reader = open_reader
        self._database_url = database_url
        self._owner = owner
        self._generation = generation
        self._batch_records = batch_records

    async def run(
        self,
        stop: asyncio.Event,
        *,
        until_level: bool = False,
        on_advance: Callable[[Advance], None] | None = None,
    ) -> bool:
        """
        Follow until `stop` is set, or once the live one was reached where that is asked for; return whether it was.

        Args:
            stop: Ends it after the batch under way.
            until_level: End when the live one is reached, without a pause between commits on the way.
            on_advance: Called after each pass.

        Raises:
            Fenced: Somebody else owns the generation, or it is the live one by now.
            LogUnavailable, LogTruncated, LogRecreated, PartitionsChanged, Unprojectable: As for the live one.
            DATABASE_FAILURES: The database is away, or slow; or the generation was dropped.
        """
        schema = schema_of(self._name, self._generation)
        async with open_connection(self._database_url, name=f"projection {schema}", session=_SESSION) as connection:
            ownership = await self._await_ownership(connection, schema, stop)
            if ownership is None:
                return False
            try:
                tenure = await open_tenure(connection, ownership, self._identity, self._projection, is_live=False)
                async with self._open_reader(ownership.next_offsets, fingerprints=ownership.fingerprints) as reader:
                    await refold(tenure)
                    live_schema = schema_of(self._name, await live_generation(connection, self._name))
                    passes = _Passes(tenure, reader, connection, _READ_POSITIONS.format(schema=live_schema))
                    return await self._follow(passes, stop, until_level=until_level, on_advance=on_advance)
            finally:
                with contextlib.suppress(*DATABASE_FAILURES):
                    await release(connection, ownership)

    async def _await_ownership(self, connection: Connection, schema: str, stop: asyncio.Event) -> Ownership | None:
        while not stop.is_set():
            found = await claim(
                connection,
                schema,
                owner=self._owner,
                partition_count=self._identity.partition_count,
                also_own_lease=False,
                role=Role(self._name, self._generation, is_live=False),
            )
            if not isinstance(found, HeldByAnother):
                log.info("generation_followed", schema=schema, epoch=found.epoch, next_offsets=found.next_offsets)
                return found
            await end_lease_of_the_gone(connection, schema)
            await pause(stop, 0.5)
        return None

    async def _follow(
        self,
        passes: "_Passes[E]",
        stop: asyncio.Event,
        *,
        until_level: bool,
        on_advance: Callable[[Advance], None] | None,
    ) -> bool:
        while not stop.is_set():
            begun_at = time.monotonic()
            advance = await passes.once(self._batch_records, stop)
            if on_advance is not None:
                on_advance(advance)
            if not until_level:
                await pause(stop, begun_at + PACE_SECONDS - time.monotonic())
            elif not advance.behind_records:
                return True
        return False


class _Passes(Generic[E]):
    """What is fetched, and how much of it may be projected."""

    def __init__(self, tenure: Tenure[E], reader: LogReader, connection: Connection, read_positions: str) -> None:
        self._tenure = tenure
        self._reader = reader
        self._connection = connection
        self._read_positions = read_positions
        self._waiting: list[Record] = []  # in order within each partition
        self._fetched = dict(tenure.committer.next_offsets)

    async def once(self, batch_records: int, stop: asyncio.Event) -> Advance:
        """Project what the live one has passed, up to so many records and what was fetched before."""
        live = await self._live_offsets()
        is_short = any(self._fetched[partition] < offset for partition, offset in live.items())
        if is_short or not self._waiting:
            await self._fetch(batch_records, LOOK_SECONDS if self._waiting else FETCH_SECONDS)
            live = live if is_short else await self._live_offsets()
        ready = [record for record in self._waiting if record.offset < live[record.partition]]
        if ready:
            self._waiting = [record for record in self._waiting if record.offset >= live[record.partition]]
            await self._tenure.project(ready)
        elif self._waiting:
            await pause(stop, LOOK_SECONDS)
        if self._tenure.committer.is_renewal_due:
            await self._tenure.renew()
        return Advance(dict(self._tenure.committer.next_offsets), live)

    async def _fetch(self, batch_records: int, timeout_seconds: float) -> None:
        count, more = 0, await self._reader.fetch(max_records=batch_records, timeout_seconds=timeout_seconds)
        while more:
            count += len(more)
            self._waiting += more
            for record in more:
                self._fetched[record.partition] = record.offset + 1
            if count >= batch_records:
                return
            more = await self._reader.fetch(max_records=batch_records - count, timeout_seconds=0)

    async def _live_offsets(self) -> dict[int, int]:
        return {partition: offset for partition, offset in await self._connection.fetch(self._read_positions)}  # noqa: C416 - rows are no pairs to mypy


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until `stop` is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await stop.wait()
