"""The tables of both projections against a fold of the log, each at the position that it has reached."""

import argparse
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from patchbay.assistants.codec import decode_event, touched_assistants
from patchbay.assistants.errors import UnknownEventType
from patchbay.assistants.events import AccountOpened, AssistantDeleted, Event, NumbersAssigned
from patchbay.assistants.evolve import evolve_assistant, evolve_number
from patchbay.assistants.states import Assistant, Number
from patchbay.audit import Audit, Gap
from patchbay.callrouting import read_fact
from patchbay.callrouting.table import RoutingTable
from patchbay.cli.audit.log_access import OpenedLog, run_with_log
from patchbay.cli.audit.progressing import Progress
from patchbay.cli.errors import BadUsage, CliError, Unreachable
from patchbay.cli.showing import as_json, clean
from patchbay.cli.whereabouts import Whereabouts
from patchbay.eventlog import Envelope, Record, Verdict
from patchbay.postgres import DATABASE_FAILURES, Connection, open_connection
from patchbay.projection.generations import live_generation, schema_of

Row = tuple[Any, ...]
Rows = dict[Row, Row]  # by primary key

_READ_MODEL, _ROUTING = "read_model", "routing"
_COMMAND_SECONDS: Final = 300.0  # a whole table in one answer
_encode: Final = msgspec.json.Encoder().encode
# Table, how many of its columns are its key, and its columns.
_TABLES: Final = {
    "accounts": (1, "account_id, slug, name, created_at"),
    "assistants": (1, "assistant_id, account_id, version, created_at, updated_at, record"),
    "numbers": (1, "number_id, phone_number, account_id, registration, status, fallback, created_at, updated_at"),
    "assignments": (2, "account_id, number_id, assistant_id, registration"),
}
_HEADS: Final = (1, "stream, height, digest, stopped_by")
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


class ModelFold:
    """The read model as the log says it, in memory."""

    def __init__(self) -> None:
        self.accounts: Rows = {}
        self.assistants: dict[str, tuple[str, Assistant]] = {}  # with the account
        self.numbers: dict[str, Number] = {}
        self.assignments: Rows = {}
        self._held: dict[Row, tuple[str, ...]] = {}  # numbers by account and assistant

    def take(self, envelope: Envelope) -> None:
        """Take an accepted event over; one of a type that does not concern the read model is passed over."""
        try:
            event: Event = decode_event(envelope.type, envelope.dataschema, envelope.value)
        except UnknownEventType:
            return
        stream, time = envelope.stream, envelope.time
        if stream.startswith("pn_"):
            number = self.numbers.get(stream) or Number(id=stream)
            self.numbers[stream] = evolve_number(number, event, height=envelope.height, time=time)
            return
        if isinstance(event, AccountOpened):
            self.accounts[stream,] = (event.slug, event.name, time)
        for assistant_id in dict.fromkeys(touched_assistants(event)):
            _, before = self.assistants.get(assistant_id, (stream, None))
            after = evolve_assistant(before, event, assistant_id=assistant_id, time=time)
            self.assistants[assistant_id] = (stream, after)
        if isinstance(event, NumbersAssigned | AssistantDeleted):
            self._hold(stream, event)

    def _hold(self, account_id: str, event: NumbersAssigned | AssistantDeleted) -> None:
        assistant_id = event.assistant_id
        for number_id in self._held.pop((account_id, assistant_id), ()):
            if self.assignments.get((account_id, number_id), (None,))[0] == assistant_id:  # else another one took it
                del self.assignments[account_id, number_id]
        if isinstance(event, AssistantDeleted):
            self.assistants.pop(assistant_id, None)
            return
        self._held[account_id, assistant_id] = tuple(number.number_id for number in event.numbers)
        for number in event.numbers:
            self.assignments[account_id, number.number_id] = (assistant_id, number.registration)

    def rows(self, table: str) -> Rows:
        """Return what a table must hold."""
        if table == "accounts":
            return self.accounts
        if table == "assignments":
            return self.assignments
        if table == "numbers":
            return {
                (n.id,): tuple(msgspec.structs.astuple(n)[1:])
                for n in self.numbers.values()
                if n.phone_number is not None
            }
        return {
            (a.id,): (account_id, a.version, a.created_at, a.updated_at, _encode(a))
            for account_id, a in self.assistants.values()
        }


class Tables(msgspec.Struct, frozen=True):
    """What the database held, in one snapshot."""

    positions: Mapping[str, Mapping[int, int]]  # of each projection: next offsets
    quarantined: Mapping[str, frozenset[str]]
    rows: Mapping[str, Rows]


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
    async with (
        open_connection(database_url, name="audit compare", command_timeout_seconds=_COMMAND_SECONDS) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        tables = await _read(connection)
    ends = {partition: max(each.get(partition, 0) for each in tables.positions.values()) for partition in log.ends}
    model, routing = ModelFold(), RoutingTable()

    def route(envelope: Envelope) -> None:
        if (fact := read_fact(envelope)) is not None:
            routing.apply(fact)

    folds = {_READ_MODEL: model.take, _ROUTING: route}
    audits = {name: Audit(log.identity) for name in tables.positions}
    progress, done = Progress("comparing", sum(ends.values())), 0
    for partition, end in ends.items():

        def reached(offsets: int, before: int = done) -> None:
            progress.reached(before + offsets)

        async for content in _each(log.read(partition, 0, end, reached=reached)):
            for name, positions in tables.positions.items():
                if isinstance(content, Gap) or content.offset >= positions.get(partition, 0):
                    continue
                envelope, verdict = audits[name].take(content)
                if verdict is not Verdict.ACCEPTED or not isinstance(envelope, Envelope):
                    continue
                if envelope.stream not in tables.quarantined[name]:  # else nobody can fold it
                    folds[name](envelope)
        done += end
    progress.end()
    expected = {table: model.rows(table) for table in _TABLES}
    expected |= {f"{name} heads": _heads(audit) for name, audit in audits.items()}
    expected["routing.inbound"] = _routes(routing)
    pairs = [(table, tables.rows[table], rows) for table, rows in expected.items()]
    return [difference for pair in pairs for difference in _differences(*pair)]


async def _each(batches: AsyncIterator[Sequence[Record | Gap]]) -> AsyncIterator[Record | Gap]:
    async for batch in batches:
        for content in batch:
            yield content


async def _read(connection: Connection) -> Tables:
    positions, quarantined, rows = {}, {}, {}
    for name in (_READ_MODEL, _ROUTING):
        schema = schema_of(name, await live_generation(connection, name))
        found = await connection.fetch(f"SELECT partition, next_offset FROM {schema}.checkpoints")
        positions[name] = {row["partition"]: row["next_offset"] for row in found}
        blocked = await connection.fetch(f"SELECT stream FROM {schema}.quarantine")
        quarantined[name] = frozenset(row["stream"] for row in blocked)
        rows[f"{name} heads"] = await _rows(connection, f"{schema}.heads", *_HEADS)
        if name == _READ_MODEL:
            for table, (keys, columns) in _TABLES.items():
                rows[table] = await _rows(connection, f"{schema}.{table}", keys, columns)
    rows["routing.inbound"] = await _rows(connection, "routing.inbound", *_INBOUND)
    return Tables(positions, quarantined, rows)


async def _rows(connection: Connection, table: str, key_columns: int, columns: str) -> Rows:
    found = await connection.fetch(f"SELECT {columns} FROM {table}")
    return {tuple(row)[:key_columns]: tuple(row)[key_columns:] for row in found}


def _heads(audit: Audit) -> Rows:
    stopped = audit.stopped()
    streams = {head.stream for head in audit.heads()} | stopped.keys()
    found: Rows = {}
    for stream in streams:
        head = audit.head_of(stream)
        stop = None if head.stopped_by is None else bytes.fromhex(head.stopped_by)
        found[stream,] = (head.height, bytes.fromhex(head.digest), stop)
    return found


def _routes(routing: RoutingTable) -> Rows:
    answers = ((number, routing.look_up(number)) for number in routing.phone_numbers())
    return {(number,): (a.account_id, a.assistant_id, a.outcome.value, a.fallback) for number, a in answers}


def _differences(table: str, found: Rows, expected: Rows) -> Iterator[Difference]:
    for key in sorted(found.keys() | expected.keys()):
        if found.get(key) != expected.get(key):
            yield Difference(table, key, found.get(key), expected.get(key))


def _told(difference: Difference) -> str:
    key = " ".join(map(str, difference.key))
    return clean(f"{difference.table} {key}: {_row(difference.found)} instead of {_row(difference.expected)}")


def _row(row: Row | None) -> str:
    return "nothing" if row is None else as_json(_plain(row))


def _plain(row: Sequence[Any]) -> list[Any]:
    # A record is JSON in bytes, a digest is bytes alone.
    return [_text(value) if isinstance(value, bytes) else value for value in row]


def _text(content: bytes) -> str:
    return content.decode() if content[:1] == b"{" and content.isascii() else content.hex()


def _shown(difference: Difference) -> dict[str, Any]:
    return {
        "table": difference.table,
        "key": _plain(difference.key),
        "found": None if difference.found is None else _plain(difference.found),
        "expected": None if difference.expected is None else _plain(difference.expected),
    }
