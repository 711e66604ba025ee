"""An event as the history holds it, and what its envelope tells of who made it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from patchbay.assistants.codec import decode_event
from patchbay.assistants.events import Event
from patchbay.projection.history import decode_headers

if TYPE_CHECKING:
    from asyncpg import Record

COLUMNS = "e.type, e.headers, e.value"  # of history.events e


class Origin(msgspec.Struct, frozen=True):
    """Who made an event, when and why."""

    time: str  # ISO 8601, UTC, six digits
    actor: str | None  # id of a key
    reason: str | None
    command_id: str | None
    subject: str | None
    dataschema: str | None


class Recorded(msgspec.Struct, frozen=True):
    """One event with its origin."""

    event: Event
    type: str
    time: str  # ISO 8601, UTC, six digits
    actor: str | None  # id of a key
    reason: str | None
    command_id: str | None


def origin(row: "Record") -> Origin:
    """Return who made the event of a row that has `COLUMNS`; the event itself need not be known."""
    headers = dict(decode_headers(row["headers"]))
    return Origin(
        time=_text(headers, "ce_time") or "",
        actor=_text(headers, "ce_actor"),
        reason=_text(headers, "ce_reason"),
        command_id=_text(headers, "ce_commandid"),
        subject=_text(headers, "ce_subject"),
        dataschema=_text(headers, "ce_dataschema"),
    )


def recorded(row: "Record") -> Recorded:
    """Return the event of a row that has `COLUMNS`."""
    made = origin(row)
    return Recorded(
        event=decode_event(row["type"], made.dataschema, row["value"]),
        type=row["type"],
        time=made.time,
        actor=made.actor,
        reason=made.reason,
        command_id=made.command_id,
    )


def _text(headers: Mapping[str, bytes | None], name: str) -> str | None:
    content = headers.get(name)
    return None if content is None else content.decode("utf-8", "replace")
