"""What both projections make of a log, without where in the log it comes from."""

import asyncio
import functools
from typing import Any

import asyncpg
from tests.servers import eventually

from patchbay.eventlog import open_log, open_reader
from patchbay.projection import Progress, Projection, Projector
from patchbay.projector.composition import PROJECTION as READ_MODEL
from patchbay.routing.composition import PROJECTION as ROUTING

_PLACES = {"partition", "offset", "position", "since"}  # where an event lay, and when somebody noticed something
_TABLES = """
SELECT table_schema, table_name, array_agg(column_name::text ORDER BY ordinal_position) AS columns
  FROM information_schema.columns
 WHERE table_schema IN ('read_model_1', 'routing_1', 'history', 'routing') AND table_name <> 'checkpoints'
 GROUP BY 1, 2 ORDER BY 1, 2
"""

Tables = dict[str, list[tuple[Any, ...]]]


async def tables_of(kafka: str, topic: str, database_url: str, *, with_places: bool = False) -> Tables:
    """Fold a whole log into an empty database; return the rows of each table, sorted."""
    identity = await open_log(kafka, topic)
    stop = asyncio.Event()
    projections: tuple[Projection[Any], ...] = (READ_MODEL, ROUTING)
    progress = [Progress(projection.tables.projection) for projection in projections]
    tasks = [
        asyncio.create_task(
            Projector(
                projection,
                identity,
                functools.partial(open_reader, kafka, identity),
                database_url=database_url,
                instance_id="one",
                progress=told,
            ).run(stop)
        )
        for projection, told in zip(projections, progress, strict=True)
    ]
    try:
        await eventually(lambda: all(told.lag_records == 0 for told in progress), 60)
    finally:
        stop.set()
        await asyncio.gather(*tasks)
    return await rows_of(database_url, with_places=with_places)


async def rows_of(database_url: str, *, with_places: bool = False) -> Tables:
    """Return the rows of each table, sorted; without where their events lay, if that is not wanted."""
    connection = await asyncpg.connect(database_url)
    try:
        found: Tables = {}
        for schema, table, columns in await connection.fetch(_TABLES):
            kept = ", ".join(f'"{column}"' for column in columns if with_places or column not in _PLACES)
            rows = await connection.fetch(f'SELECT {kept} FROM {schema}."{table}"')
            found[f"{schema}.{table}"] = sorted((tuple(row) for row in rows), key=repr)
        return found
    finally:
        await connection.close()
