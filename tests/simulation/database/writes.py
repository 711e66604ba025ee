"""What the statements that change something do: the commit of a projection, and the writes that travel in it."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import asyncpg
import msgspec
from tests.simulation.database.tables import Access, Line, key_columns_of, key_of, lines

from patchbay.projection import holdings, quarantine, statement
from patchbay.projector import writes as read_model
from patchbay.projector.listing import DELETE_LISTED
from patchbay.routing import writes as routing

Columns = Sequence[Sequence[Any]]
Effect = Callable[[Access, str, Columns], None]  # with the schema that `{schema}` stands for

_INSERT = re.compile(r"INSERT INTO (\S+)\s*\((.*?)\)", re.DOTALL)
_CONFLICT = re.compile(r"ON CONFLICT \((.*?)\) DO UPDATE SET(.*)", re.DOTALL)
_UNNEST = re.compile(r"AS (\w+) \(([^()]*)\)")
_PART = re.compile(r",\nw\d+ AS \(\n(.*?)\n\)(?=,\nw\d+ AS \(|\nSELECT 1 / )", re.DOTALL)
_TARGET = re.compile(r"(?:UPDATE|DELETE FROM) \{schema\}\.(\w+)")
_PLAIN_UPDATE = re.compile(
    r"UPDATE \S+ (\w+)\s+SET (?:(\w+) = (\w+)\.\2,?\s+)+FROM unnest\([^()]*\)\s+AS \3 \([^()]*\)\s+"
    r"WHERE \1\.(\w+) = ANY \(ARRAY\[\3\.\4\]\)"
)
_PLAIN_DELETE = re.compile(
    r"DELETE FROM \S+ (\w+)\s+USING unnest\([^()]*\) AS (\w+) \([^()]*\)\s+"
    r"WHERE \1\.(\w+) = ANY \(ARRAY\[\2\.\3\]\)(?: AND \1\.(\w+) = ANY \(ARRAY\[\2\.\4\]\))*"
)
_PLACE = re.compile(r"\$(\d+)")


class UnknownStatement(AssertionError):
    """The simulated database does not know this statement: what it does is to be said in this folder."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip().strip('"') for name in text.split(","))


def _insert(sql: str) -> Effect:
    """Return the effect of a plain insert, or of one that replaces what is there: the text says all of it."""
    target = _INSERT.search(sql)
    if target is None:
        raise UnknownStatement(sql)
    columns, conflict = _names(target[2]), _CONFLICT.search(sql)
    *schema, name = target[1].split(".")
    replaced = tuple(re.findall(r"(\w+)\"? = excluded", conflict[2])) if conflict else ()

    def effect(at: Access, own: str, arrays: Columns) -> None:
        into = own if schema == ["{schema}"] else schema[0]
        before, key_columns = at.changes.table(into, name), key_columns_of(into, name)
        for line in lines(columns[: len(arrays)], arrays):
            if "scopes" in line:
                line["scopes"] = msgspec.json.decode(line["scopes"])
            key = key_of(key_columns, line)
            if conflict and key in before:
                line = {**before[key], **{column: line[column] for column in replaced}}  # noqa: PLW2901 - one row
                at.changes.writable(into, name)[key] = line
            else:
                at.changes.insert(into, name, key, line)

    return effect


def _changing(sql: str, change: Callable[[Line, Line], Line | None]) -> Effect:
    """Return the effect of an UPDATE or DELETE of rows by key; `change` returns the row after it, None to delete it."""
    named, target = _UNNEST.search(sql), _TARGET.search(sql)
    if named is None or target is None:
        raise UnknownStatement(sql)
    columns, name = _names(named[2]), target[1]

    def effect(at: Access, own: str, arrays: Columns) -> None:
        key_columns = key_columns_of(own, name)
        for new in lines(columns, arrays):
            key = key_of(key_columns, new)
            old = at.changes.table(own, name).get(key)
            if old is None:
                continue
            after = change(old, new)
            if after is None:
                del at.changes.writable(own, name)[key]
            elif after is not old:
                at.changes.writable(own, name)[key] = after

    return effect


def _plainly_changing(sql: str) -> Effect | None:
    """Return the effect of an UPDATE that sets columns to what travels, or of a DELETE by key; None of any other."""
    if _PLAIN_DELETE.fullmatch(sql):
        return _changing(sql, lambda _old, _new: None)
    if _PLAIN_UPDATE.fullmatch(sql):
        return _changing(sql, lambda old, new: {**old, **new})
    return None


def _number_changed(freed: str, time: str) -> Callable[[Line, Line], Line]:
    def change(old: Line, new: Line) -> Line:
        after = {**old, "updated_at": new[time]}
        after.update({column: new[column] for column in ("partition", "offset") if column in new})
        if new[freed]:
            after["account_id"] = None
        if new["status"] is not None:
            after["status"] = new["status"]
        if new["is_redirected"]:
            after["fallback"] = new["fallback"]
        return after

    return change


def _key_changed(old: Line, new: Line) -> Line:
    if old["account_id"] != new["account_id"]:
        return old
    retires = [time for time in (old["retires_at"], new["retires_at"]) if time is not None]
    return {
        **old,
        "revoked_at": new["revoked_at"] or old["revoked_at"],
        "retires_at": min(retires, default=None),
        "replaced_by": new["replaced_by"] or old["replaced_by"],
    }


def _clear_assignments(at: Access, own: str, arrays: Columns) -> None:
    whose = set(zip(arrays[0], arrays[1], strict=True))
    kept = set(arrays[2])
    for key, line in list(at.read(own, "assignments").items()):
        if (line["account_id"], line["assistant_id"]) in whose and f"{key[0]} {key[1]}" not in kept:
            del at.changes.writable(own, "assignments")[key]


def _delete_assignments(at: Access, own: str, arrays: Columns) -> None:
    for key in zip(*arrays, strict=True):
        if key in at.read(own, "assignments"):
            at.changes.writable(own, "assignments").pop(key, None)


def _deleting(name: str) -> Effect:
    """Return the effect of a DELETE of the rows of some keys."""

    def effect(at: Access, own: str, arrays: Columns) -> None:
        for key in arrays[0]:
            at.changes.writable(own, name).pop(key, None)

    return effect


def _insert_number_events(at: Access, own: str, arrays: Columns) -> None:
    columns = ("number_id", "account_id", "stream", "time", "height", "assistant_id", "registration", "is_certain")
    for line in lines(columns, arrays):
        number = at.before["numbers"].get(line["number_id"])
        is_certain, named = line.pop("is_certain"), line["account_id"]
        if named is None:
            line["account_id"] = number and number["account_id"]
        if line["account_id"] is None:
            continue
        g = at.before["assignments"].get((named, line["number_id"]))
        held = g is not None and (g["assistant_id"], g["registration"]) == (line["assistant_id"], line["registration"])
        if is_certain or not held:
            at.changes.insert(own, "number_events", key_of(key_columns_of(own, "number_events"), line), line)


_EFFECTS: dict[str, Effect] = {
    read_model.INSERT_NUMBER_EVENTS.sql: _insert_number_events,
    holdings._CLEAR.sql: _clear_assignments,
    holdings._DELETE.sql: _delete_assignments,
    quarantine._DELETE_QUARANTINE.sql: _deleting("quarantine"),
    DELETE_LISTED.sql: _deleting("listed_assistants"),
    read_model.UPDATE_KEYS.sql: _changing(read_model.UPDATE_KEYS.sql, _key_changed),
    read_model.UPDATE_NUMBERS.sql: _changing(
        read_model.UPDATE_NUMBERS.sql, _number_changed("is_released", "updated_at")
    ),
    routing.UPDATE_NUMBERS.sql: _changing(routing.UPDATE_NUMBERS.sql, _number_changed("is_freed", "time")),
}


def _effect_of(sql: str) -> Effect:
    """Return the effect of a write, given its text as it stands in a statement."""
    places = [int(place) for place in _PLACE.findall(sql)]
    first = min(places)
    template = _PLACE.sub(lambda place: f"{{{int(place[1]) - first}}}", sql)
    known = _EFFECTS.get(template)
    if known is not None:
        return known
    if "INSERT INTO" in template and "FROM unnest(" in template and "JOIN" not in template:
        return _insert(template)
    plain = _plainly_changing(template)
    if plain is None:
        raise UnknownStatement(template)
    return plain


@cache
def parts_of(text: str) -> list[tuple[int, Effect]]:
    """Return how many arrays each write of a commit takes, and what it does, given the text with `{schema}` in it."""
    begin, end = statement._MOVE, statement._END
    if not (text.startswith(begin) and text.endswith(end)):
        raise UnknownStatement(text)
    return [(len(set(_PLACE.findall(sql))), _effect_of(sql)) for sql in _PART.findall(text)]


def commit(at: Access, own: str, text: str, arguments: Sequence[Any]) -> None:
    """Move the checkpoints and do all that follows, or fail."""
    facts, more = arguments[: statement.FIRST_FREE_PARAMETER - 1], arguments[statement.FIRST_FREE_PARAMETER - 1 :]
    partitions, before, after, marks, owner, epoch, lease_seconds = facts[:7]
    checkpoints, moved = at.changes.writable(own, "checkpoints"), 0
    for partition, old, new, mark in zip(partitions, before, after, marks, strict=True):
        line = checkpoints.get(partition)
        if line is None or (line["next_offset"], line["owner"], line["epoch"]) != (old, owner, epoch):
            continue
        moved += 1
        fingerprint = line["fingerprint"] if mark is None else mark
        lease = {"lease_until": at.now + lease_seconds}
        checkpoints[partition] = {**line, "next_offset": new, "fingerprint": fingerprint, **lease}
    if moved != len(partitions):
        raise asyncpg.DivisionByZeroError("division by zero")
    at.before = {name: at.changes.table(own, name) for name in ("numbers", "assignments")}
    for count, effect in parts_of(text):
        effect(at, own, more[:count])
        more = more[count:]
    at.changes.notifications += _notifications(facts)


def _notifications(facts: Sequence[Any]) -> Iterator[tuple[str, str]]:
    yield facts[7], facts[8]
    if len(facts) > 9:
        yield from ((facts[9], payload) for payload in facts[10])


def copy_rows(at: Access, schema: str, name: str, columns: Sequence[str], records: Sequence[Sequence[Any]]) -> None:
    """Copy rows into a table."""
    key_columns = key_columns_of(schema, name)
    for record in records:
        line = dict(zip(columns, record, strict=True))
        at.changes.insert(schema, name, key_of(key_columns, line), line)
