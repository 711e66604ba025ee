"""Generations: each shape of a projection has a schema of its own, and a pointer says which one is live."""

import msgspec

from patchbay.postgres import Connection
from patchbay.projection.errors import NotPrepared
from patchbay.projection.history import HISTORY_TABLES

FIRST_GENERATION = 1
# Whoever prepares or swaps holds this lock, so that processes that start together do not meet in the middle.
PREPARE_LOCK = 0x7061746368626179  # "patchbay"


class ProjectionTables(msgspec.Struct, frozen=True):
    """The tables of one projection, as they are made in the schema of a generation."""

    projection: str  # read_model, routing
    tables: str  # DDL; `{schema}` stands for the generation's schema
    publish: str = ""  # DDL that makes `{schema}` what the outside sees, run whenever the pointer moves


# What the loop itself keeps in every generation. Rows of heads and checkpoints change all the time: room is left in
# their pages, so that no index has to change with them.
_LOOP_TABLES = """
CREATE TABLE {schema}.heads (
    stream text COLLATE "C" PRIMARY KEY,
    height bigint NOT NULL,
    digest bytea NOT NULL,
    time text COLLATE "C" NOT NULL,
    stopped_by bytea
) WITH (fillfactor = 70);
CREATE INDEX heads_stopped ON {schema}.heads (stream) WHERE stopped_by IS NOT NULL;
CREATE TABLE {schema}.checkpoints (
    partition int PRIMARY KEY,
    next_offset bigint NOT NULL DEFAULT 0,
    fingerprint bytea,
    owner text,
    epoch bigint NOT NULL DEFAULT 0,
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    backend_pid int -- of the owner's connection: whose notifications are its own
) WITH (fillfactor = 10);
CREATE TABLE {schema}.quarantine (
    stream text COLLATE "C" PRIMARY KEY,
    from_height bigint NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL
);
"""

_POINTER_TABLE = """
CREATE SCHEMA IF NOT EXISTS projection;
CREATE TABLE IF NOT EXISTS projection.live (
    projection text COLLATE "C" PRIMARY KEY,
    generation int NOT NULL
);
"""


def schema_of(projection: str, generation: int) -> str:
    """Return the name of the schema that holds a generation of a projection."""
    return f"{projection}_{generation}"


async def live_generation(connection: Connection, projection: str) -> int:
    """
    Return the number of the live generation.

    Raises:
        NotPrepared: There is none yet.
    """
    if await connection.fetchval("SELECT to_regclass('projection.live')") is not None:
        statement = "SELECT generation FROM projection.live WHERE projection = $1"
        generation: int | None = await connection.fetchval(statement, projection)
        if generation is not None:
            return generation
    raise NotPrepared(projection)


async def prepare_database(connection: Connection, tables: ProjectionTables) -> int:
    """
    Make what is missing: the pointers, the history, and the first generation of a projection; return the live one.

    Safe at every start, also of several processes at once; once all is there it only reads.
    """
    try:
        return await live_generation(connection, tables.projection)
    except NotPrepared:
        pass
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", PREPARE_LOCK)
        await connection.execute(_POINTER_TABLE)
        if await connection.fetchval("SELECT to_regclass('history.events')") is None:
            await connection.execute(HISTORY_TABLES)
        try:
            return await live_generation(connection, tables.projection)
        except NotPrepared:
            await create_generation(connection, tables, FIRST_GENERATION)
            await make_live(connection, tables, FIRST_GENERATION)
    return FIRST_GENERATION


async def create_generation(connection: Connection, tables: ProjectionTables, generation: int) -> None:
    """Make the empty schema of a generation. To be called in a transaction."""
    schema = schema_of(tables.projection, generation)
    await connection.execute(f"CREATE SCHEMA {schema}")
    await connection.execute((_LOOP_TABLES + tables.tables).replace("{schema}", schema))


async def make_live(connection: Connection, tables: ProjectionTables, generation: int) -> None:
    """Move the pointer, and what the outside sees, to a generation. To be called in a transaction."""
    await connection.execute(
        """INSERT INTO projection.live (projection, generation) VALUES ($1, $2)
           ON CONFLICT (projection) DO UPDATE SET generation = excluded.generation""",
        tables.projection,
        generation,
    )
    if tables.publish:
        schema = schema_of(tables.projection, generation)
        await connection.execute(tables.publish.replace("{schema}", schema))
