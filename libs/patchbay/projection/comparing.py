"""Two generations at equal positions, row by row: every difference, in one snapshot, while traffic runs on."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec

from patchbay.postgres import Connection, open_connection
from patchbay.projection.errors import GenerationRefused
from patchbay.projection.generations import Generation
from patchbay.projection.meeting import meeting
from patchbay.projection.swapping import read_pair

_CHUNK_ROWS = 500
_STATEMENT_SECONDS = 3_600.0  # a table of many millions is read twice
# What says who projects and since when, and nothing of what was projected.
_NOT_COMPARED = {
    "checkpoints": {"owner", "epoch", "lease_until", "backend_pid"},
    "quarantine": {"since"},
}
_READ_COLUMNS = """
SELECT c.relname AS name, a.attname AS column, coalesce(a.attnum = ANY(i.indkey), false) AS is_key
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
 WHERE c.relnamespace = to_regnamespace($1) AND c.relkind = 'r' ORDER BY c.relname, a.attnum
"""


class Difference(msgspec.Struct, frozen=True):
    """A row that is not the same in both."""

    table: str
    key: str  # JSON, by column
    live: str | None  # JSON of the row; None: it has none
    other: str | None


class Table(msgspec.Struct, frozen=True):
    """A table as both generations have it."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]  # that are compared, the key's too
    only_live: tuple[str, ...] = ()  # columns that the other one has not
    only_other: tuple[str, ...] = ()


class Comparison(msgspec.Struct, frozen=True):
    """What is compared: both generations as they were when they met."""

    connection: Connection
    live: Generation
    other: Generation
    positions: Mapping[int, int]
    tables: list[Table]
    unmatched: list[str]  # tables that only one of them has

    async def count(self, table: Table) -> int:
        """Return how many rows the live one has."""
        count: int = await self.connection.fetchval(f'SELECT count(*) FROM {self.live.schema}."{table.name}"')
        return count

    async def differences(self, table: Table) -> AsyncIterator[Difference]:
        """
        Yield every row that differs in a column that both have.

        Raises:
            DATABASE_FAILURES: The database is away, or slow.
        """
        statement = _differing(table, self.live.schema, self.other.schema)
        async for row in self.connection.cursor(statement, prefetch=_CHUNK_ROWS):
            yield Difference(table.name, row["key"], row["live"], row["other"])


@asynccontextmanager
async def comparing(database_url: str, projection: str) -> AsyncIterator[Comparison]:
    """
    Give both generations as they are at equal positions; nobody is held up while they are compared.

    Raises:
        NotPrepared: There is no such projection.
        GenerationRefused: There is nothing to compare with, or it does not catch up.
        DATABASE_FAILURES: The database is away, or slow.
    """
    async with (
        open_connection(database_url, name="comparing", command_timeout_seconds=_STATEMENT_SECONDS) as reading,
        reading.transaction(isolation="repeatable_read", readonly=True),
    ):
        async with open_connection(database_url, name="comparing: meeting") as connection:
            pair = await read_pair(connection, projection)
            if pair.other is None:
                raise GenerationRefused(f"there is nothing beside {pair.live.schema} to compare it with")
            async with meeting(connection, pair.live, pair.other) as positions:
                live = await _columns(reading, pair.live)  # the first statement takes the snapshot
                other = await _columns(reading, pair.other)
        tables = [_table(name, live[name], other[name]) for name in live if name in other]
        unmatched = [f"{pair.live.schema}.{name}" for name in live if name not in other]
        unmatched += [f"{pair.other.schema}.{name}" for name in other if name not in live]
        yield Comparison(reading, pair.live, pair.other, positions, tables, unmatched)


async def _columns(connection: Connection, generation: Generation) -> dict[str, dict[str, bool]]:
    """Return by table its columns, and whether each is part of the key."""
    found: dict[str, dict[str, bool]] = {}
    for row in await connection.fetch(_READ_COLUMNS, generation.schema):
        found.setdefault(row["name"], {})[row["column"]] = row["is_key"]
    return found


def _table(name: str, live: Mapping[str, bool], other: Mapping[str, bool]) -> Table:
    not_compared = _NOT_COMPARED.get(name, set())
    return Table(
        name,
        key=tuple(column for column, is_key in live.items() if is_key),
        columns=tuple(column for column in live if column in other and column not in not_compared),
        only_live=tuple(column for column in live if column not in other),
        only_other=tuple(column for column in other if column not in live),
    )


def _differing(table: Table, live: str, other: str) -> str:
    columns = [f'"{column}"' for column in table.columns]
    keys = [f'"{column}"' for column in table.key]
    on = " AND ".join([f"l.{key} = o.{key}" for key in keys])
    same = " AND ".join([f"l.{column} IS NOT DISTINCT FROM o.{column}" for column in columns])
    key = ", ".join([f"'{key[1:-1]}', coalesce(l.{key}, o.{key})" for key in keys])
    return f"""
SELECT json_build_object({key})::text AS key, {_as_json("l", keys[0], columns)} AS live,
       {_as_json("o", keys[0], columns)} AS other
  FROM {live}."{table.name}" l FULL JOIN {other}."{table.name}" o ON {on}
 WHERE NOT ({same})
"""


def _as_json(alias: str, key: str, columns: Sequence[str]) -> str:
    """Return an expression: the row as JSON, null if there is none."""
    row = ", ".join([f"{alias}.{column}" for column in columns])
    return f"CASE WHEN {alias}.{key} IS NOT NULL THEN (SELECT row_to_json(r)::text FROM (SELECT {row}) r) END"
