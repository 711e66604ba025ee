"""The tables of both projections and the history against a fold of the log, each as far as it has come."""

import argparse
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import msgspec

from patchbay.audit import Audit, Gap
from patchbay.callrouting import read_fact
from patchbay.cli.audit.history_rows import HistoryRows
from patchbay.cli.audit.log_access import OpenedLog, run_with_log
from patchbay.cli.audit.model_fold import ModelFold, Row, Rows
from patchbay.cli.audit.progressing import Progress
from patchbay.cli.audit.routing_fold import RoutingRows
from patchbay.cli.errors import BadUsage, CliError, Unreachable
from patchbay.cli.showing import as_json, clean
from patchbay.cli.whereabouts import Whereabouts
from patchbay.eventlog import Envelope, Record, Verdict
from patchbay.postgres import DATABASE_FAILURES, Connection, open_connection
from patchbay.projection.generations import live_generation, schema_of

READ_MODEL, ROUTING = "read_model", "routing"
_COMMAND_SECONDS: Final = 300.0  # for the first rows of a table
_PREFETCHED_ROWS: Final = 1_000
_KEYS: Final = (
    "key_id, account_id, secret_sha256, name, hint, scopes, expires_at, requests_per_hour, created_at, revoked_at, "
    "retires_at, replaced_by"
)
_LISTED: Final = (
    "assistant_id, account_id, created_height, updated_at, inbound_enabled, folded_name, type, provider, model, "
    "voice_provider, transcriptor_provider"
)
# Of each table, how many of its columns are its key, and its columns; without where an event lay in the log.
_TABLES: Final[Mapping[str, Mapping[str, tuple[int, str]]]] = {
    READ_MODEL: {
        "accounts": (1, "account_id, slug, name, created_at"),
        "keys": (1, _KEYS),
        "assistants": (1, "assistant_id, account_id, version, created_at, updated_at, record"),
        "listed_assistants": (1, _LISTED),
        "versions": (2, "assistant_id, version, stream, height"),
        "milestones": (2, "assistant_id, version, sha256(record)"),
        "numbers": (1, "number_id, phone_number, account_id, registration, status, fallback, created_at, updated_at"),
        "assignments": (2, "account_id, number_id, assistant_id, registration"),
        "number_events": (5, "number_id, account_id, stream, time, height, assistant_id, registration"),
    },
    ROUTING: {
        "numbers": (1, "number_id, phone_number, account_id, registration, status, fallback"),
        "assignments": (2, "account_id, number_id, assistant_id, registration"),
        "assistants": (2, "assistant_id, account_id"),
    },
}
_HEADS: Final = (1, "stream, height, digest, time, stopped_by")
_INBOUND: Final = (1, "number, account, assistant, outcome, fallback")


class Difference(msgspec.Struct, frozen=True):
    """A row that is not what the log says."""

    table: str
    key: Row
    found: Row | None  # None: there is none
    expected: Row | None


class Differing(CliError):
    """A table is not what the log says."""

    default_code = "differs"


class Standing(msgspec.Struct, frozen=True):
    """How far a projection is, and what it cannot fold."""

    schema: str
    positions: Mapping[int, int]  # next offsets
    quarantined: frozenset[str]


def run(arguments: argparse.Namespace) -> None:
    """
    Compare, and print every difference.

    Raises:
        Differing: There is one.
        Unreachable: The database does not answer.
    """
    where = Whereabouts(arguments.data_dir)
    database = where.site().database
    if database is None:
        raise BadUsage("DATABASE_URL is not set: it says which database is held against the log.")
    try:
        differences = run_with_log(where.log(), lambda log: compare(log, database))
    except DATABASE_FAILURES as error:
        raise Unreachable(f"Postgres does not answer ({error}): is Patchbay running?") from None
    for each in differences:
        print(as_json(_shown(each)) if arguments.json else _told(each))
    if differences:
        raise Differing(f"{len(differences)} rows are not what the log says.")


async def compare(log: OpenedLog, database_url: str) -> list[Difference]:
    """Return every row that is not what the log says; the rows of quarantined streams are not."""
    async with _snapshot(database_url) as connection:
        standings = {name: await _standing(connection, name) for name in (READ_MODEL, ROUTING)}
        folding = _Folding(log, standings)
        history = HistoryRows(connection)
        differences = [
            Difference("history.events", key, found, expected)
            async for key, found, expected in history.differences(folding.accepted(), standings[READ_MODEL].positions)
        ]
        for table, columns, expected in folding.expected():
            differences += [each async for each in _differences(connection, table, *columns, expected)]
    return differences


@asynccontextmanager
async def _snapshot(database_url: str) -> AsyncIterator[Connection]:
    async with (
        open_connection(database_url, name="audit compare", command_timeout_seconds=_COMMAND_SECONDS) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


class _Folding:
    """Folds the log as far as each projection had come."""

    def __init__(self, log: OpenedLog, standings: Mapping[str, Standing]) -> None:
        self._log = log
        self._standings = standings
        self._model, self._routing = ModelFold(), RoutingRows()
        self._audits = {name: Audit(log.identity) for name in standings}

    async def accepted(self) -> AsyncIterator[tuple[Envelope, int, int]]:
        """Fold all of it; yield what the read model accepted, with partition and offset, in order."""
        positions = {name: standing.positions for name, standing in self._standings.items()}
        ends = {p: max(each.get(p, 0) for each in positions.values()) for p in self._log.ends}
        progress, done = Progress("comparing", sum(ends.values())), 0
        for partition, end in ends.items():

            def reached(offsets: int, before: int = done) -> None:
                progress.reached(before + offsets)

            async for batch in self._log.read(partition, 0, end, reached=reached):
                for record in () if isinstance(batch, Gap) else batch:
                    if (envelope := self._take(record)) is not None:
                        yield envelope, partition, record.offset
            done += end
        progress.end()

    def _take(self, record: Record) -> Envelope | None:
        """Fold one record; return the event if the read model accepted it."""
        found = None
        for name, standing in self._standings.items():
            if record.offset >= standing.positions.get(record.partition, 0):
                continue
            envelope, verdict = self._audits[name].take(record)
            if verdict is not Verdict.ACCEPTED or not isinstance(envelope, Envelope):
                continue
            if name == READ_MODEL:
                found = envelope
            if envelope.stream not in standing.quarantined:  # else nobody can fold it
                self._fold(name, envelope)
        return found

    def _fold(self, name: str, envelope: Envelope) -> None:
        if name == READ_MODEL:
            self._model.take(envelope)
        elif (fact := read_fact(envelope)) is not None:
            self._routing.take(fact)

    def expected(self) -> Iterator[tuple[str, tuple[int, str], Rows]]:
        """Return each table with its columns, and what it must hold."""
        for name, tables in ((READ_MODEL, self._model.tables()), (ROUTING, self._routing.tables())):
            schema = self._standings[name].schema
            for table, rows in tables.items():
                yield f"{schema}.{table}", _TABLES[name][table], rows
            yield f"{schema}.heads", _HEADS, _heads(self._audits[name])
        yield "routing.inbound", _INBOUND, self._routing.inbound()


async def _standing(connection: Connection, name: str) -> Standing:
    schema = schema_of(name, await live_generation(connection, name))
    found = await connection.fetch(f"SELECT partition, next_offset FROM {schema}.checkpoints")
    blocked = await connection.fetch(f"SELECT stream FROM {schema}.quarantine")
    positions = {row["partition"]: row["next_offset"] for row in found}
    return Standing(schema, positions, frozenset(row["stream"] for row in blocked))


def _heads(audit: Audit) -> Rows:
    found: dict[Row, Row] = {}
    for stream in {head.stream for head in audit.heads()} | audit.stopped().keys():
        head = audit.head_of(stream)
        stop = None if head.stopped_by is None else bytes.fromhex(head.stopped_by)
        found[stream,] = (head.height, bytes.fromhex(head.digest), head.time, stop)
    return found


async def _differences(
    connection: Connection, table: str, key_columns: int, columns: str, expected: Rows
) -> AsyncIterator[Difference]:
    """Yield the rows that differ; of the table only some are in memory at once."""
    async for row in connection.cursor(f"SELECT {columns} FROM {table}", prefetch=_PREFETCHED_ROWS):
        key, found = tuple(row)[:key_columns], tuple(row)[key_columns:]
        wanted = expected.pop(key, None)
        if found != wanted:
            yield Difference(table, key, found, wanted)
    for key, wanted in expected.items():
        yield Difference(table, key, None, wanted)


def _told(difference: Difference) -> str:
    key = " ".join(str(_plain_value(value)) for value in difference.key)
    return clean(f"{difference.table} {key}: {_row(difference.found)} instead of {_row(difference.expected)}")


def _row(row: Row | None) -> str:
    return "nothing" if row is None else as_json(_plain(row))


def _plain(row: Iterable[Any]) -> Sequence[Any]:
    return [_plain_value(value) for value in row]


def _plain_value(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, bytes):
        return value
    # A record is JSON in bytes, a digest is bytes alone.
    return value.decode() if value[:1] == b"{" and value.isascii() else value.hex()


def _shown(difference: Difference) -> dict[str, Any]:
    return {
        "table": difference.table,
        "key": _plain(difference.key),
        "found": None if difference.found is None else _plain(difference.found),
        "expected": None if difference.expected is None else _plain(difference.expected),
    }
