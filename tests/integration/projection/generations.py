"""Services with all that they do about generations, on a log in memory and the run's real Postgres."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from tests.integration.projection.running import Database, passed, running

from patchbay.eventlog import MemoryLog
from patchbay.projection import (
    Generation,
    Projection,
    RebuildProgress,
    comparing,
    keeping_generations,
    rebuild,
    swap,
)


@contextlib.asynccontextmanager
async def service(
    projection: Projection[Any], log: MemoryLog, database_url: str, *, instance_id: str = "one"
) -> AsyncIterator[None]:
    """Run what a projection's process runs."""
    async with (
        keeping_generations(
            projection, log.identity, log.open_reader, database_url=database_url, instance_id=instance_id
        ),
        running(projection, log, database_url, instance_id=instance_id),
    ):
        yield


async def rebuilt(
    projection: Projection[Any],
    log: MemoryLog,
    database_url: str,
    *,
    stop: asyncio.Event | None = None,
    batch_records: int = 1_000,
) -> list[RebuildProgress]:
    """Rebuild to the end, or until `stop` is set; return what it told."""
    told: list[RebuildProgress] = []
    await rebuild(
        projection,
        log.identity,
        log.open_reader,
        database_url=database_url,
        stop=stop or asyncio.Event(),
        tell=told.append,
        batch_records=batch_records,
    )
    return told


async def swapped(database: Database, projection: str, *, back: bool = False) -> Generation:
    """Swap and return what is live."""
    _, live = await swap(database, projection, back=back)
    return live


async def differences(database_url: str, projection: str) -> list[tuple[str, str]]:
    """Return by table and key what differs between both generations."""
    async with comparing(database_url, projection) as comparison:
        return [(d.table, d.key) for table in comparison.tables async for d in comparison.differences(table)]


async def both_passed(database: Database, projection: str, log: MemoryLog, generations: tuple[int, int]) -> None:
    """Wait until both generations have passed the whole log."""
    for generation in generations:
        await passed(database, f"{projection}_{generation}", log)
