"""Projectors on a log in memory and the run's real Postgres."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from tests.servers import eventually
from tests.unit.projection.chains import Written

from patchbay.eventlog import MemoryLog
from patchbay.projection import OpenReader, Progress, Projection, Projector
from patchbay.projector.composition import PROJECTION as READ_MODEL
from patchbay.routing.composition import PROJECTION as ROUTING

__all__ = ["READ_MODEL", "ROUTING", "Database", "becomes", "connected", "log_with", "passed", "run_to_end", "running"]

Database = Any  # asyncpg's connection is generic in its stubs only


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[Database]:
    """Yield a connection to look with."""
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def run_to_end(projection: Projection[Any], log: MemoryLog, database_url: str) -> None:
    """Run a projector that nobody stops, until it ends by itself, and raise what it raises."""
    name = projection.tables.projection
    projector = Projector(
        projection,
        log.identity,
        log.open_reader,
        database_url=database_url,
        instance_id="one",
        progress=Progress(name),
    )
    await asyncio.wait_for(projector.run(asyncio.Event()), 10)


@asynccontextmanager
async def running(
    projection: Projection[Any],
    log: MemoryLog,
    database_url: str,
    *,
    instance_id: str = "one",
    open_reader: OpenReader | None = None,
) -> AsyncIterator[Progress]:
    """Run a projector until the end of the body, which fails with what it raised."""
    stop = asyncio.Event()
    progress = Progress(projection.tables.projection)
    projector = Projector(
        projection,
        log.identity,
        open_reader or log.open_reader,
        database_url=database_url,
        instance_id=instance_id,
        progress=progress,
    )
    task = asyncio.create_task(projector.run(stop))
    try:
        yield progress
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def passed(database: Database, schema: str, log: MemoryLog) -> None:
    """Wait until a projection has passed the whole log."""
    ends = {partition: len(log.records(partition)) for partition in range(log.identity.partition_count)}

    async def is_there() -> bool:
        if await database.fetchval("SELECT to_regclass($1)", f"{schema}.checkpoints") is None:
            return False
        rows = await database.fetch(f"SELECT partition, next_offset FROM {schema}.checkpoints")
        return {row["partition"]: row["next_offset"] for row in rows} == ends

    condition: Callable[[], Awaitable[bool]] = is_there
    await eventually(condition, 20)


async def becomes(value: Callable[[], Awaitable[Any]], wanted: object) -> None:
    """Wait until `value` returns `wanted`."""

    async def is_so() -> bool:
        found = await value()
        assert found == wanted
        return True

    condition: Callable[[], Awaitable[bool]] = is_so
    await eventually(condition, 20)


def log_with(*, partitions: int = 2) -> tuple[MemoryLog, Written]:
    """Return an empty log and what writes to it."""
    log = MemoryLog(partitions)
    return log, Written(log)
