"""Generations: each shape of a projection has a schema of its own, and a pointer says which one is live."""

import hashlib
from datetime import datetime

import msgspec

from patchbay.postgres import Connection
from patchbay.projection.errors import NotPrepared, OtherShape
from patchbay.projection.granting import grant_rights
from patchbay.projection.history import HISTORY_TABLES

FIRST_GENERATION = 1
# Whoever prepares or swaps holds this lock, so that processes that start together do not meet in the middle.
PREPARE_LOCK = 0x7061746368626179  # "patchbay"


class ProjectionTables(msgspec.Struct, frozen=True):
    """The tables of one projection, as they are made in the schema of a generation."""

    projection: str  # read_model, routing
    tables: str  # DDL; `{schema}` stands for the generation's schema
    publish: str = ""  # DDL that makes `{schema}` what the outside sees, run whenever the pointer moves
    revision: int = 1  # to be raised when the fold makes other rows of the same events in the same tables

    @property
    def shape(self) -> str:
        """What tells generations apart: a process projects those of its own shape and no other."""
        parts = (str(self.revision), _LOOP_TABLES, self.tables, self.publish)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


class Generation(msgspec.Struct, frozen=True):
    """One generation of a projection, as the database knows it."""

    projection: str
    generation: int
    shape: str
    publish: str
    made_at: datetime
    filled_at: datetime | None  # when it had reached the live one; None: it never has
    is_live: bool

    @property
    def schema(self) -> str:
        """Name of the schema that holds its tables."""
        return schema_of(self.projection, self.generation)


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
CREATE TABLE IF NOT EXISTS projection.generations (
    projection text COLLATE "C" NOT NULL,
    generation int NOT NULL,
    shape text COLLATE "C" NOT NULL,
    publish text NOT NULL, -- what makes it what the outside sees; whoever swaps need not know its shape
    made_at timestamptz NOT NULL DEFAULT now(),
    filled_at timestamptz,
    PRIMARY KEY (projection, generation)
);
"""
_REGISTER = """
INSERT INTO projection.generations (projection, generation, shape, publish) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
"""
_READ_GENERATIONS = """
SELECT g.projection, g.generation, g.shape, g.publish, g.made_at, g.filled_at, l.generation IS NOT NULL AS is_live
  FROM projection.generations g LEFT JOIN projection.live l USING (projection, generation)
 WHERE g.projection = $1 ORDER BY g.generation
"""
_MOVE_POINTER = """
INSERT INTO projection.live (projection, generation) VALUES ($1, $2)
ON CONFLICT (projection) DO UPDATE SET generation = excluded.generation
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


async def read_generations(connection: Connection, projection: str) -> list[Generation]:
    """Return what generations of a projection there are, the oldest first; none if the database is not prepared."""
    if await connection.fetchval("SELECT to_regclass('projection.generations')") is None:
        return []
    return [Generation(*row) for row in await connection.fetch(_READ_GENERATIONS, projection)]


async def prepare_database(connection: Connection, tables: ProjectionTables) -> int:
    """
    Make what is missing: the pointers, the history, and the first generation of a projection; return the live one.

    Safe at every start, also of several processes at once; once all is there it only reads.

    Raises:
        OtherShape: The live generation is of another version of this projection.
    """
    live = await _live_of(connection, tables)
    if live is None:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", PREPARE_LOCK)
            await connection.execute(_POINTER_TABLE)
            if await connection.fetchval("SELECT to_regclass('history.events')") is None:
                await connection.execute(HISTORY_TABLES)
            live = await _live_of(connection, tables)
            if live is None:
                await create_generation(connection, tables, FIRST_GENERATION)
                await make_live(connection, tables, FIRST_GENERATION)
                return FIRST_GENERATION
    if live.shape != tables.shape:
        raise OtherShape(live.schema)
    return live.generation


async def _live_of(connection: Connection, tables: ProjectionTables) -> Generation | None:
    generations = await read_generations(connection, tables.projection)
    return next((found for found in generations if found.is_live), None)


async def create_generation(connection: Connection, tables: ProjectionTables, generation: int) -> None:
    """Make the empty schema of a generation. To be called in a transaction."""
    schema = schema_of(tables.projection, generation)
    await connection.execute(f"CREATE SCHEMA {schema}")
    await connection.execute((_LOOP_TABLES + tables.tables).replace("{schema}", schema))
    publish = tables.publish.replace("{schema}", schema)
    await connection.execute(_REGISTER, tables.projection, generation, tables.shape, publish)
    await grant_rights(connection)


async def make_live(connection: Connection, tables: ProjectionTables, generation: int) -> None:
    """Make a generation live that is there and complete. To be called in a transaction."""
    await mark_filled(connection, tables.projection, generation)
    await move_pointer(connection, tables.projection, generation)


async def mark_filled(connection: Connection, projection: str, generation: int) -> None:
    """Note that a generation has reached the live one: from now on processes of its shape keep it current."""
    await connection.execute(
        """UPDATE projection.generations SET filled_at = clock_timestamp()
            WHERE projection = $1 AND generation = $2 AND filled_at IS NULL""",
        projection,
        generation,
    )


async def move_pointer(connection: Connection, projection: str, generation: int) -> None:
    """Move the pointer, and what the outside sees, to a generation of whatever shape. To be called in a transaction."""
    await connection.execute(_MOVE_POINTER, projection, generation)
    publish = await connection.fetchval(
        "SELECT publish FROM projection.generations WHERE projection = $1 AND generation = $2", projection, generation
    )
    if publish:
        await connection.execute(publish)
        await grant_rights(connection)
