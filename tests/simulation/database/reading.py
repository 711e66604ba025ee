"""What the statements do by which resources, positions and pointers are read."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.simulation.database.registering import ONE, beside_pointers, named, reads
from tests.simulation.database.tables import Access, Row, rows_named

from patchbay.api import live
from patchbay.api.reading import accounts, assistants, inbound, numbers, positions, principals, versions
from patchbay.projection import generations
from patchbay.projector.tables import TABLES as READ_MODEL
from patchbay.routing.tables import TABLES as ROUTING

_POINTER = rows_named("projection", "generation")


@reads(live._READ_POINTERS)
def _read_pointers(at: Access) -> Sequence[Row]:
    return [_POINTER((name, line["generation"])) for name, line in at.read("projection", "live").items()]


@reads("SELECT to_regclass('projection.live')")
def _is_there(_at: Access) -> Sequence[Row]:
    return [ONE(("projection.live",))]


@reads("SELECT to_regclass('projection.generations')")
def _are_there(_at: Access) -> Sequence[Row]:
    return [ONE(("projection.generations",))]


_GENERATION = rows_named("projection", "generation", "shape", "publish", "made_at", "filled_at", "is_live")
_TABLES = {tables.projection: tables for tables in (READ_MODEL, ROUTING)}
_MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)


@reads(generations._READ_GENERATIONS)
def _read_generations(at: Access, projection: str) -> Sequence[Row]:
    """Return the live one, of the shape of all processes here: the others are nobody's."""
    live, tables = at.live(projection), _TABLES[projection]
    publish = tables.publish.replace("{schema}", generations.schema_of(projection, live))
    return [_GENERATION((projection, live, tables.shape, publish, _MADE_AT, _MADE_AT, True))]


@reads("SELECT generation FROM projection.live WHERE projection = $1")
def _live_generation(at: Access, projection: str) -> Sequence[Row]:
    return [ONE((at.live(projection),))]


@reads("SELECT 1")
def _heartbeat(_at: Access) -> Sequence[Row]:
    return [ONE((1,))]


_PRINCIPAL_COLUMNS = (
    "secret_sha256",
    "key_id",
    "account_id",
    "name",
    "slug",
    "scopes",
    "requests_per_hour",
    "expires_at",
)
_PRINCIPAL = named(*_PRINCIPAL_COLUMNS)


@reads(principals._READ)
def _read_principals(at: Access, digests: Sequence[bytes]) -> Sequence[Row]:
    found = []
    for key in at.read("read_model", "keys").values():
        if key["secret_sha256"] in digests and key["revoked_at"] is None:
            account = at.read("read_model", "accounts").get(key["account_id"])
            ends = [time for time in (key["expires_at"], key["retires_at"]) if time is not None]
            more = {"slug": account and account["slug"], "expires_at": min(ends, default=None)}
            found.append(tuple({**key, **more}[column] for column in _PRINCIPAL_COLUMNS))
    return beside_pointers(at, _PRINCIPAL, found)


_ACCOUNT_COLUMNS = ("account_id", "slug", "name", "created_at")
_ACCOUNT = named(*_ACCOUNT_COLUMNS)


@reads(accounts._FIND)
def _find_accounts(at: Access, account_ids: Sequence[str]) -> Sequence[Row]:
    found = (at.read("read_model", "accounts").get(account_id) for account_id in account_ids)
    return beside_pointers(at, _ACCOUNT, [tuple(line[c] for c in _ACCOUNT_COLUMNS) for line in found if line])


_ASSISTANT_COLUMNS = ("assistant_id", "account_id", "version", "record")
_ASSISTANT = named(*_ASSISTANT_COLUMNS)
_VERSION = named("version", "type", "headers", "value", "record")


@reads(assistants._READ)
def _find_assistants(at: Access, assistant_ids: Sequence[str]) -> Sequence[Row]:
    found = (at.read("read_model", "assistants").get(assistant_id) for assistant_id in dict.fromkeys(assistant_ids))
    return beside_pointers(at, _ASSISTANT, [tuple(line[c] for c in _ASSISTANT_COLUMNS) for line in found if line])


def _folded_from(at: Access, assistant_id: str, asked: int) -> Sequence[Row]:
    """Return the milestone below a version, and the events from there to it."""
    events, made = at.read("history", "events"), at.read("read_model", "versions")
    milestones = at.read("read_model", "milestones")
    base = max((v for one, v in milestones if one == assistant_id and v < asked), default=0)
    found = [(base, None, None, None, milestones[assistant_id, base]["record"])] if base else []
    for version in range(base + 1, asked + 1):
        if line := made.get((assistant_id, version)):
            event = events[line["stream"], line["height"]]
            found.append((version, event["type"], event["headers"], event["value"], None))
    return beside_pointers(at, _VERSION, found)


@reads(versions._READ)
def _read_version(at: Access, assistant_id: str, version: int) -> Sequence[Row]:
    return _folded_from(at, assistant_id, version)


@reads(versions._READ_MADE)
def _read_made(at: Access, assistant_id: str, height: int) -> Sequence[Row]:
    lines = at.read("read_model", "versions").values()
    found = (v["version"] for v in lines if v["assistant_id"] == assistant_id and v["height"] <= height)
    return _folded_from(at, assistant_id, max(found, default=0))


_NUMBER = named(
    "number_id", "account_id", "phone_number", "status", "fallback", "assistant_id", "created_at", "updated_at"
)


@reads(numbers._READ)
def _find_numbers(at: Access, number_ids: Sequence[str]) -> Sequence[Row]:
    found = []
    for number_id in dict.fromkeys(number_ids):
        n = at.read("read_model", "numbers").get(number_id)
        if n and n["account_id"] is not None:
            g = at.read("read_model", "assignments").get((n["account_id"], number_id))
            holder = g["assistant_id"] if g and g["registration"] == n["registration"] else None
            owner = (number_id, n["account_id"], n["phone_number"], n["status"], n["fallback"])
            found.append((*owner, holder, n["created_at"], n["updated_at"]))
    return beside_pointers(at, _NUMBER, found)


_ROUTE = named("number", "account", "assistant", "outcome", "fallback", "record")


def routes(at: Access) -> dict[str, tuple[Any, ...]]:
    """Return what the public view shows, by number: it stands on the live generation."""
    schema, found = f"routing_{at.live('routing')}", {}
    for n in at.read(schema, "numbers").values():
        if n["account_id"] is None:
            continue
        g = at.read(schema, "assignments").get((n["account_id"], n["number_id"]))
        holder = g["assistant_id"] if g and g["registration"] == n["registration"] else None
        answers = holder is not None and (holder, n["account_id"]) in at.read(schema, "assistants")
        outcome = "routed" if answers else "unassigned" if holder is None else "inbound_disabled"
        outcome = outcome if n["status"] == "active" else "suspended"
        fallback = None if outcome == "routed" else n["fallback"]
        found[n["phone_number"]] = (n["phone_number"], n["account_id"], holder, outcome, fallback)
    return found


@reads(inbound._READ)
def _find_routes(at: Access, phones: Sequence[str]) -> Sequence[Row]:
    shown, found = routes(at), []
    for phone in dict.fromkeys(phones):
        if route := shown.get(phone):
            line = at.read("read_model", "assistants").get(route[2])
            found.append((*route, line and line["record"]))
    return beside_pointers(at, _ROUTE, found)


_POSITION = named("projection", "partition", "next_offset")


@reads(positions._READ)
def _read_positions(at: Access) -> Sequence[Row]:
    found = [
        (projection, line["partition"], line["next_offset"])
        for projection in ("read_model", "routing")
        for line in at.read(projection, "checkpoints").values()
    ]
    return beside_pointers(at, _POSITION, found)
