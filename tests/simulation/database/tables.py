"""Tables in memory: rows, what one statement or transaction sees and changes, and the locks that keep writers apart."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import asyncpg

from patchbay.projection import generations, history
from patchbay.projector import tables as read_model
from patchbay.routing import tables as routing

Key = Any
Line = dict[str, Any]  # a row, by column; never changed once it is in a table
Table = dict[Key, Line]
Schema = dict[str, Table]


class Row(tuple[Any, ...]):
    """A row of a result: a tuple whose items have names too, as asyncpg's records are."""

    __slots__ = ()
    names: dict[str, int]

    def __getitem__(self, key: Any) -> Any:
        """Return an item by name or place."""
        return tuple.__getitem__(self, self.names[key] if type(key) is str else key)


def rows_named(*names: str) -> Callable[[Iterable[Any]], Row]:
    """Return what makes rows with these names."""
    places = {name: place for place, name in enumerate(names)}
    return type("Row", (Row,), {"__slots__": (), "names": places})


class Changes:
    """What a transaction has changed so far, on top of what is committed."""

    def __init__(self, schemas: dict[str, Schema]) -> None:
        self._schemas = schemas
        self._touched: dict[tuple[str, str], Table] = {}
        self.notifications: list[tuple[str, str]] = []

    def table(self, schema: str, name: str) -> Table:
        """Return a table as this transaction sees it; not to be written to."""
        touched = self._touched.get((schema, name))
        if touched is not None:
            return touched
        found = self._schemas.get(schema)
        if found is None:
            raise asyncpg.UndefinedTableError(f'relation "{schema}.{name}" does not exist')
        return found[name]

    def writable(self, schema: str, name: str) -> Table:
        """Return the table to write to."""
        key = (schema, name)
        if key not in self._touched:
            self._touched[key] = dict(self.table(schema, name))
        return self._touched[key]

    def commit(self) -> None:
        """Let everybody see it."""
        for (schema, name), table in self._touched.items():
            self._schemas[schema][name] = table

    def insert(self, schema: str, name: str, key: Key, line: Line) -> None:
        """Insert a row; fails if there is one of this key."""
        table = self.writable(schema, name)
        if key in table:
            raise asyncpg.UniqueViolationError(f"duplicate key value violates unique constraint: {name} {key}")
        table[key] = line


class Access:
    """One statement's view: `read` is how things were before it, as Postgres shows it to all its parts."""

    def __init__(self, changes: Changes, schemas: dict[str, str], now: float, pid: int = 0) -> None:
        self.changes = changes
        self.schemas = schemas  # `read_model` and `routing` to the generations that the text names
        self.now = now
        self.pid = pid  # of the session
        self.before: dict[str, Table] = {}  # tables as they were before a commit, which all its parts see

    def read(self, projection: str, name: str) -> Table:
        """Return a table of the generation that the statement names."""
        return self.changes.table(self.schemas.get(projection, projection), name)

    def live(self, projection: str) -> int:
        """Return the live generation, as this statement's snapshot shows it."""
        generation: int = self.changes.table("projection", "live")[projection]["generation"]
        return generation


def keys_of_tables(ddl: str) -> dict[str, tuple[str, ...]]:
    """Return the tables that these statements make, each with the columns of its primary key."""
    found = {}
    for name, columns in re.findall(r"CREATE TABLE \S+?\.(\w+) \((.*?)\n\)", ddl, re.DOTALL):
        several = re.search(r"PRIMARY KEY \((.*?)\)", columns)
        single = re.search(r"^\s*(\w+) .*PRIMARY KEY", columns, re.MULTILINE)
        key = several[1] if several else single[1] if single else ""
        found[name] = tuple(column.strip() for column in key.split(","))
    return found


LOOP_TABLES = keys_of_tables(generations._LOOP_TABLES)
TABLES: dict[str, dict[str, tuple[str, ...]]] = {
    "read_model": {**keys_of_tables(read_model.TABLES.tables), **LOOP_TABLES},
    "routing": {**keys_of_tables(routing.TABLES.tables), **LOOP_TABLES},
    "history": keys_of_tables(history.HISTORY_TABLES),
}


def key_columns_of(schema: str, name: str) -> tuple[str, ...]:
    """Return the columns of a table's primary key."""
    return TABLES[schema.rstrip("0123456789").rstrip("_")][name]


def key_of(columns: tuple[str, ...], line: Line) -> Key:
    """Return a row's key: a value, or several as a tuple."""
    return line[columns[0]] if len(columns) == 1 else tuple([line[column] for column in columns])


def lines(columns: Sequence[str], arrays: Sequence[Sequence[Any]]) -> Iterator[Line]:
    """Return the rows that travel as arrays, as `unnest` does."""
    return (dict(zip(columns, values, strict=True)) for values in zip(*arrays, strict=True))
