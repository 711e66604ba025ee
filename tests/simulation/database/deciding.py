"""What the statements do by which writes are decided, settled and told again."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from tests.simulation.database.registering import LIVE, ONE, beside_pointers, named, reads
from tests.simulation.database.tables import Access, Row, rows_named
from tests.simulation.database.writes import UnknownStatement

from patchbay.api.reading import commands
from patchbay.api.writing import announcements, loading, replaying, standings

_PART = rows_named("kind", "a", "b", "c", "d", "e", "f", "n", "m", "x", "y")
_PARTS = {
    4: "assistants", 5: "numbers", 6: "holdings_of", 7: "holders_of", 8: "keys", 9: "numbers_of", 10: "names",
}  # fmt: skip


@cache
def loaded_parts(template: str) -> list[str] | None:
    """Return the names of a loading statement's parameters; None if it is another statement."""
    if not template.startswith(loading._ALWAYS):
        return None
    rest, names = template[len(loading._ALWAYS) :], ["streams", "streams_of_commands", "commands"]
    for number, branch in loading._OPTIONAL:
        written = branch.replace(f"${number}", f"${len(names) + 1}")
        if rest.startswith(written):
            rest = rest[len(written) :]
            names.append(_PARTS[number])
    if rest:
        raise UnknownStatement(rest)
    return names


def load(at: Access, names: Sequence[str], arguments: Sequence[Any]) -> list[Row]:
    """Return what the loading statement finds."""
    asked = {**dict.fromkeys(_PARTS.values(), ()), **dict(zip(names, arguments, strict=True))}
    found: list[tuple[Any, ...]] = [
        _part("live", a=p, n=v["generation"]) for p, v in at.read("projection", "live").items()
    ]
    checkpoints = at.read("read_model", "checkpoints").values()
    found += [_part("at", n=line["partition"], m=line["next_offset"]) for line in checkpoints]
    for stream in dict.fromkeys(asked["streams"]):
        if head := at.read("read_model", "heads").get(stream):
            found.append(
                _part("head", a=stream, b=head["time"], n=head["height"], x=head["digest"], y=head["stopped_by"])
            )
        for projection in ("read_model", "routing"):
            if stream in at.read(projection, "quarantine"):
                found.append(_part("quarantine", a=stream, b=projection))
        if account := at.read("read_model", "accounts").get(stream):
            found.append(_part("account", a=stream, b=account["slug"], c=account["name"], d=account["created_at"]))
    found += _load_commands(at, asked)
    found += [
        _assistant(at, assistant_id) for assistant_id in asked["assistants"] if _has(at, "assistants", assistant_id)
    ]
    found += _load_numbers(at, asked)
    for key_id in asked["keys"]:
        if key := at.read("read_model", "keys").get(key_id):
            found.append(_key(key))
    return [_PART(row) for row in found]


def _part(kind: str, **columns: Any) -> tuple[Any, ...]:
    return (kind, *(columns.get(column) for column in "abcdefnmxy"))


def _has(at: Access, table: str, key: str) -> bool:
    return key in at.read("read_model", table)


def _assistant(at: Access, assistant_id: str) -> tuple[Any, ...]:
    line = at.read("read_model", "assistants")[assistant_id]
    return _part("assistant", a=assistant_id, b=line["account_id"], x=line["record"])


def _load_commands(at: Access, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
    wanted = set(zip(asked["streams_of_commands"], asked["commands"], strict=True))
    return [
        _part("command", a=line["stream"], n=line["height"], x=line["command_id"], y=line["request_digest"])
        for line in at.read("history", "events").values()
        if (line["stream"], line["command_id"]) in wanted
    ]


def _load_numbers(at: Access, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
    found = []
    for number_id in asked["numbers"]:
        if n := at.read("read_model", "numbers").get(number_id):
            times = {"e": n["created_at"], "f": n["updated_at"]}
            owner = {"b": n["phone_number"], "c": n["account_id"], "d": n["status"], "n": n["registration"]}
            fallback = None if n["fallback"] is None else n["fallback"].encode()
            found.append(_part("number", a=number_id, x=fallback, **owner, **times))
    streams, held = set(asked["streams"]), list(at.read("read_model", "assignments").values())
    for g in held:
        if g["account_id"] in streams and g["number_id"] in asked["numbers"]:
            found.append(_holding(g))
        if g["assistant_id"] in asked["holdings_of"]:
            found.append(_holding(g))
        if g["account_id"] in streams and g["number_id"] in asked["holders_of"]:
            if _has(at, "assistants", g["assistant_id"]):
                found.append(_assistant(at, g["assistant_id"]))
            whose = (g["account_id"], g["assistant_id"])
            found += [_holding(o) for o in held if (o["account_id"], o["assistant_id"]) == whose]
    return found


def _holding(line: dict[str, Any]) -> tuple[Any, ...]:
    return _part("holding", a=line["number_id"], b=line["account_id"], c=line["assistant_id"], n=line["registration"])


def _key(line: dict[str, Any]) -> tuple[Any, ...]:
    raise UnknownStatement(f"keys are not written in the simulation: {line['key_id']}")


_STANDING = rows_named(
    "stream", "head", "stopped_by", "routing_height", "quarantined", "routing_quarantined", "height", "digest",
    "partition", "offset", *LIVE,
)  # fmt: skip


@reads(standings._READ_STANDINGS)
def _read_standings(at: Access, streams: Sequence[str], lowest: Sequence[int]) -> Sequence[Row]:
    rows = []
    events = at.read("history", "events")
    pointers = (at.live("read_model"), at.live("routing"))
    for stream, low in zip(streams, lowest, strict=True):
        head = at.read("read_model", "heads").get(stream)
        routed = at.read("routing", "heads").get(stream)
        facts = (
            stream,
            head and head["height"],
            head and head["stopped_by"],
            routed and routed["height"],
            stream in at.read("read_model", "quarantine"),
            stream in at.read("routing", "quarantine"),
        )
        heights = range(low, low + standings._HEIGHTS)
        found = [e for e in (events.get((stream, height)) for height in heights if (stream, height) in events) if e]
        rows += [
            _STANDING((*facts, e["height"], e["digest"], e["partition"], e["offset"], *pointers))
            for e in found or [dict.fromkeys(("height", "digest", "partition", "offset"))]
        ]
    return rows


_EVENT_COLUMNS = ("height", "type", "time", "partition", "offset", "headers", "value")
_EVENT = rows_named(*_EVENT_COLUMNS)


@reads(replaying._READ_EVENT)
def _read_event(at: Access, stream: str, height: int) -> Sequence[Row]:
    line = at.read("history", "events").get((stream, height))
    return [] if line is None else [_EVENT(line[column] for column in _EVENT_COLUMNS)]


@reads(replaying._READ_NUMBER)
def _read_number(at: Access, stream: str, up_to: int) -> Sequence[Row]:
    rows = [row for height in range(1, up_to + 1) for row in _read_event(at, stream, height)]
    registered = [place for place, row in enumerate(rows) if row["type"] == "NumberRegistered"]
    return rows[registered[-1] :] if registered else []


_ROUTED = rows_named("height", *LIVE)
_STATUS = rows_named("accepted", "height", "quarantined", "routing_height", *LIVE)


def _height(at: Access, projection: str, stream: str) -> int:
    head = at.read(projection, "heads").get(stream)
    return head["height"] if head else 0


@reads(replaying._READ_ROUTED)
def _read_routed(at: Access, stream: str) -> Sequence[Row]:
    return [_ROUTED((_height(at, "routing", stream), at.live("read_model"), at.live("routing")))]


def _heights_of(at: Access, stream: str, command_id: bytes) -> list[int]:
    found = at.read("history", "events").values()
    return [e["height"] for e in found if e["stream"] == stream and e["command_id"] == command_id]


@reads(replaying._READ_STATUS)
def _read_status(at: Access, stream: str, command_id: bytes) -> Sequence[Row]:
    accepted = min(_heights_of(at, stream, command_id), default=None)
    facts = (accepted, _height(at, "read_model", stream), stream in at.read("read_model", "quarantine"))
    return [_STATUS((*facts, _height(at, "routing", stream), at.live("read_model"), at.live("routing")))]


_HEIGHT = named("height")


@reads(commands._READ)
def _read_command(at: Access, stream: str, command_id: bytes) -> Sequence[Row]:
    return beside_pointers(at, _HEIGHT, [(height,) for height in _heights_of(at, stream, command_id)[:1]])


@reads(announcements._IS_OWNER)
def _is_owner(at: Access, pid: int) -> Sequence[Row]:
    owners = {line["backend_pid"] for line in at.read("read_model", "checkpoints").values()}
    return [ONE((pid in owners,))]
