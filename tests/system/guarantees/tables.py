"""Every table of the projections as it must be by the log, and how it differs from that."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec
from tests.system.guarantees.folding import Log

from patchbay.assistants.states import Key, Number
from patchbay.callrouting import CallRouting
from patchbay.eventlog import BootstrapServers
from patchbay.projection.history import decode_headers

Row = tuple[Any, ...]
Rows = dict[Row, Row]  # by primary key

_encode = msgspec.json.Encoder().encode


def _accounts(log: Log) -> Rows:
    return {(a.id,): (a.slug, a.name, a.created_at) for a in log.accounts.values() if a.slug is not None}


def _keys(log: Log) -> Rows:
    states = [log.operators.keys, *(account.keys for account in log.accounts.values())]
    return {(key.id,): _key_row(log, key) for keys in states for key in keys.values() if key is not None}


def _key_row(log: Log, key: Key) -> Row:
    facts = (key.name, key.hint, list(key.scopes), key.expires_at, key.requests_per_hour, key.created_at)
    return (key.account_id, log.secrets[key.id], *facts, key.revoked_at)


def _assistants(log: Log) -> Rows:
    return {
        (a.id,): (account.id, a.version, a.created_at, a.updated_at, _encode(a))
        for account in log.accounts.values()
        for a in account.assistants.values()
        if a is not None
    }


def _versions(log: Log) -> Rows:
    return dict(log.versions.items())


def _numbers(log: Log) -> Rows:
    return {(number.id,): (*_number_row(number), number.created_at, number.updated_at) for number in _registered(log)}


def _number_row(number: Number) -> Row:
    return (number.phone_number, number.account_id, number.registration, number.status, number.fallback)


def _registered(log: Log) -> list[Number]:
    return [number for number in log.numbers.values() if number.phone_number is not None]


def _assignments(log: Log) -> Rows:
    return {
        (account.id, number_id): (holding.assistant_id, holding.registration)
        for account in log.accounts.values()
        for number_id, holding in account.holders.items()
        if holding is not None
    }


def _heads(log: Log) -> Rows:
    return {
        (stream,): (head.height, bytes.fromhex(head.digest), head.time, head.stopped_by)
        for stream, head in log.heads.items()
        if head.height
    }


def _history(log: Log) -> Rows:
    rows = {}
    for accepted in log.accepted:
        e = accepted.envelope
        ids = (bytes.fromhex(e.digest), _octets(e.command_id), _octets(e.request_digest))
        facts = (e.type, e.subject, datetime.fromisoformat(e.time), accepted.partition, accepted.offset)
        rows[e.stream, e.height] = (*ids, *facts, tuple(e.headers), e.value)
    return rows


def _octets(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


def _routing_numbers(log: Log) -> Rows:
    return {(number.id,): _number_row(number) for number in _registered(log)}


def _answering(log: Log) -> Rows:
    return {
        (assistant.id, account.id): ()
        for account in log.accounts.values()
        for assistant in account.assistants.values()
        if assistant is not None and assistant.inbound_enabled
    }


def routes(log: Log) -> Rows:
    """Return for each number that belongs to somebody: account, assistant, outcome, fallback; by phone number."""
    return {(n.phone_number,): _route(log, n) for n in _registered(log) if n.account_id is not None}


def _route(log: Log, number: Number) -> Row:
    account = log.accounts[number.account_id or ""]
    holding = account.holders.get(number.id)
    if holding is not None and holding.registration != number.registration:
        holding = None  # of a life of the number that is over
    assistant = None if holding is None else account.assistants[holding.assistant_id]
    if number.status != "active":
        outcome = "suspended"
    elif assistant is None:
        outcome = "unassigned"
    else:
        outcome = "routed" if assistant.inbound_enabled else "inbound_disabled"
    fallback = None if outcome == "routed" else number.fallback
    return (account.id, None if assistant is None else assistant.id, outcome, fallback)


_HISTORY: Final = "history.events"
_PARTITION: Final = 6  # of the columns behind its key; the offset is the next one
# Table, how many columns its key has, its columns, and what it must hold.
_TABLES: Final[tuple[tuple[str, int, str, Callable[[Log], Rows]], ...]] = (
    ("read_model_1.accounts", 1, "account_id, slug, name, created_at", _accounts),
    (
        "read_model_1.keys",
        1,
        "key_id, account_id, secret_sha256, name, hint, scopes, expires_at, requests_per_hour, created_at, revoked_at",
        _keys,
    ),
    ("read_model_1.assistants", 1, "assistant_id, account_id, version, created_at, updated_at, record", _assistants),
    ("read_model_1.versions", 2, "assistant_id, version, stream, height", _versions),
    (
        "read_model_1.numbers",
        1,
        "number_id, phone_number, account_id, registration, status, fallback, created_at, updated_at",
        _numbers,
    ),
    ("read_model_1.assignments", 2, "account_id, number_id, assistant_id, registration", _assignments),
    ("read_model_1.heads", 1, "stream, height, digest, time, stopped_by", _heads),
    ("read_model_1.quarantine", 1, "stream", lambda _: {}),
    (
        _HISTORY,
        2,
        "stream, height, digest, command_id, request_digest, type, subject, time, partition, offset, headers, value",
        _history,
    ),
    ("routing_1.numbers", 1, "number_id, phone_number, account_id, registration, status, fallback", _routing_numbers),
    ("routing_1.assignments", 2, "account_id, number_id, assistant_id, registration", _assignments),
    ("routing_1.assistants", 2, "assistant_id, account_id", _answering),
    ("routing_1.heads", 1, "stream, height, digest, time, stopped_by", _heads),
    ("routing_1.quarantine", 1, "stream", lambda _: {}),
    ("routing.inbound", 1, "number, account, assistant, outcome, fallback", routes),
)


async def differences(log: Log, database_url: str) -> list[str]:
    """Return every row of every table that is not as the log says; the projections must have passed all of it."""
    actual = await rows_of_tables(database_url)
    return [fault for table, _, _, expected in _TABLES for fault in _compare(table, actual[table], expected(log))]


async def differences_between(one_url: str, other_url: str, *, with_places: bool = True) -> list[str]:
    """Return every row that is not the same in both databases; without where events lie, if that is not wanted."""
    one, other = await rows_of_tables(one_url), await rows_of_tables(other_url)
    if not with_places:
        for tables in (one, other):
            history = tables[_HISTORY]
            tables[_HISTORY] = {key: (*row[:_PARTITION], *row[_PARTITION + 2 :]) for key, row in history.items()}
    return [fault for table, rows in one.items() for fault in _compare(table, rows, other[table])]


async def rows_of_tables(database_url: str) -> dict[str, Rows]:
    """Return every row of every table, of one moment."""
    found = {}
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            for table, key_columns, columns, _ in _TABLES:
                quoted = ", ".join(f'"{column}"' for column in columns.split(", "))
                rows = [tuple(row) for row in await connection.fetch(f"SELECT {quoted} FROM {table}")]
                if table == _HISTORY:
                    rows = [(*row[:-2], decode_headers(row[-2]), row[-1]) for row in rows]
                found[table] = {row[:key_columns]: row[key_columns:] for row in rows}
    finally:
        await connection.close()
    return found


async def differences_in_memory(log: Log, bootstrap_servers: BootstrapServers) -> list[str]:
    """Return every number that a telephony router, which follows the log by itself, would route in another way."""
    async with CallRouting.subscribe(bootstrap_servers=bootstrap_servers, topic=log.identity.topic) as routing:
        answers = {number: routing.look_up(number) for number in routing.table.phone_numbers()}
    actual = {(number,): (a.account_id, a.assistant_id, a.outcome.value, a.fallback) for number, a in answers.items()}
    return _compare("the table in memory", actual, routes(log))


def _compare(table: str, actual: Mapping[Row, Row], expected: Mapping[Row, Row]) -> list[str]:
    return [
        f"{table} {key}: {actual.get(key, 'missing')} instead of {expected.get(key, 'nothing')}"
        for key in sorted(actual.keys() | expected.keys())
        if actual.get(key) != expected.get(key)
    ]
