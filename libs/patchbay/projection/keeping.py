"""A service's second task: a complete generation of its shape beside the live one is kept current, for swaps."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import structlog

from patchbay.eventlog import EventLogError, LogIdentity
from patchbay.postgres import DATABASE_FAILURES, Connection, open_connection
from patchbay.projection.errors import Fenced, ProjectionError
from patchbay.projection.following import Follower, pause
from patchbay.projection.generations import Generation, read_generations
from patchbay.projection.loop import OpenReader, Projection

log = structlog.get_logger()

LOOK_SECONDS = 1.0
RETRY_SECONDS = 5.0


@contextlib.asynccontextmanager
async def keeping_generations(
    projection: Projection[Any], identity: LogIdentity, open_reader: OpenReader, *, database_url: str, instance_id: str
) -> AsyncIterator[None]:
    """
    Follow, for as long as the body runs, what the live generation was before a swap, or will be after one.

    Whatever goes wrong with it is logged and tried again; the live generation does not notice.
    """
    stop = asyncio.Event()
    keeper = _Keeper(projection, identity, open_reader, database_url, instance_id)
    task = asyncio.create_task(keeper.run(stop), name="keeping generations")
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait([task], timeout=10)
        task.cancel()
        await asyncio.wait([task])


class _Keeper:
    def __init__(
        self,
        projection: Projection[Any],
        identity: LogIdentity,
        open_reader: OpenReader,
        database_url: str,
        instance_id: str,
    ) -> None:
        self._projection = projection
        self._identity = identity
        self._open_reader = open_reader
        self._database_url = database_url
        self._instance_id = instance_id

    async def run(self, stop: asyncio.Event) -> None:
        name = self._projection.tables.projection
        while not stop.is_set():
            retry_seconds = RETRY_SECONDS
            try:
                async with open_connection(self._database_url, name=f"generations {name}") as connection:
                    found = await self._await_one(connection, stop)
                if found is not None:
                    await self._follow(found, stop)
            except Fenced:
                retry_seconds = 0.1  # a swap: the other one is to be followed from now on
            except DATABASE_FAILURES as error:
                log.info("generation_not_followed", projection=name, reason=str(error) or type(error).__name__)
            except (EventLogError, ProjectionError) as error:
                log.warning("generation_not_followed", projection=name, reason=str(error))
            except Exception:  # what nobody reads is no reason to end the live projection
                log.exception("generation_not_followed", projection=name)
            await pause(stop, retry_seconds)

    async def _await_one(self, connection: Connection, stop: asyncio.Event) -> Generation | None:
        """Return a generation that is to be followed, as soon as there is one."""
        tables = self._projection.tables
        while not stop.is_set():
            for found in await read_generations(connection, tables.projection):
                if not found.is_live and found.filled_at is not None and found.shape == tables.shape:
                    return found
            await pause(stop, LOOK_SECONDS)
        return None

    async def _follow(self, found: Generation, stop: asyncio.Event) -> None:
        follower = Follower(
            self._projection,
            self._identity,
            self._open_reader,
            database_url=self._database_url,
            owner=self._instance_id,
            generation=found.generation,
        )
        await follower.run(stop)
