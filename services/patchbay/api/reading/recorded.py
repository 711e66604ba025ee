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


class Recorded(msgspec.Struct, frozen=True):
    """One event with its origin."""

    event: Event
    type: str
    time: str  # ISO 8601, UTC, six digits
    actor: str | None  # id of a key
    reason: str | None
    command_id: str | None


def recorded(row: "Record") -> Recorded:
    """Return the event of a row that has `COLUMNS`."""
    headers = dict(decode_headers(row["headers"]))
    return Recorded(
        event=decode_event(row["type"], _text(headers, "ce_dataschema"), row["value"]),
        type=row["type"],
        time=_text(headers, "ce_time") or "",
        actor=_text(headers, "ce_actor"),
        reason=_text(headers, "ce_reason"),
        command_id=_text(headers, "ce_commandid"),
    )


def _text(headers: Mapping[str, bytes | None], name: str) -> str | None:
    content = headers.get(name)
    return None if content is None else content.decode("utf-8", "replace")
