"""Who changed what of an account, when and why: each event with every field before and after."""

from contextlib import suppress
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from patchbay.api.answers import encode
from patchbay.api.moments import Moment
from patchbay.api.reading.audit_sources import Mark, Sources, Wanted
from patchbay.api.reading.number_history import NumberHistory
from patchbay.api.reading.reader import Reader
from patchbay.api.reading.recorded import Origin, origin
from patchbay.api.reading.versions import Versions
from patchbay.assistants import ids
from patchbay.assistants.codec import decode_event, subject_of, touched_assistants
from patchbay.assistants.errors import MalformedEvent, UnfoldableEvent, UnknownEventType
from patchbay.assistants.events import AssistantCreated, Event, NumberReleased, NumberUpdated
from patchbay.assistants.evolve import evolve_assistant
from patchbay.assistants.states import Assistant
from patchbay.assistants.telling import HOLDER, HOLDS, Fields, told_fields

if TYPE_CHECKING:
    from asyncpg import Record

PAGE_BYTES: Final = 4 * 1024 * 1024  # a page ends with the entry that goes over it
CHUNK_EVENTS: Final = 50  # in memory at once, with all of their texts
LOOKED_AT_EVENTS: Final = 1_000  # for one page, however few of them are wanted
_LEAST: Final = timedelta(microseconds=1)


class AuditChange(msgspec.Struct, frozen=True, kw_only=True, rename={"before": "from", "after": "to"}):
    """A field before and after."""

    subject: str  # the assistant, number, key or account whose field it is
    field: str
    before: Any
    after: Any


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The public record of an event that changed something; its JSON, in this field order, is what clients see."""

    time: str
    type: str  # of the event
    subject: str  # the assistant, number, key or account that it is about
    actor: str | None  # id of the key that acted
    reason: str | None
    command_id: str | None
    stream: str
    height: int
    changes: list[AuditChange]


class AuditPage(msgspec.Struct, frozen=True):
    """Part of an audit."""

    entries: list[bytes]  # the JSON that clients see
    last: Mark | None  # where it goes on; None at its end


class AuditTrail:
    """Tells of an account's own past, the newest first."""

    def __init__(
        self,
        reader: Reader,
        versions: Versions,
        numbers: NumberHistory,
        *,
        looked_at_events: int = LOOKED_AT_EVENTS,
    ) -> None:
        self._looked_at_events = looked_at_events
        self._sources = Sources(reader, versions)
        self._versions = versions
        self._numbers = numbers

    async def page(self, wanted: Wanted, mark: Mark, limit: int) -> AuditPage:
        """Return what lies behind `mark`: fewer than `limit`, or none, also where much had to be looked at in vain."""
        entries: list[bytes] = []
        size = looked = 0
        while looked < self._looked_at_events:
            room = CHUNK_EVENTS if wanted.field or wanted.actor else min(CHUNK_EVENTS, limit - len(entries))
            rows = await self._sources.read(wanted, mark, room + 1)
            for row, entry in reversed(await self._entries(wanted, rows[:room])):
                if entry is not None:
                    entries.append(content := encode(entry))
                    size += len(content)
                mark = _mark_of(row)
                if len(entries) == limit or size >= PAGE_BYTES:
                    return AuditPage(entries, mark if row is not rows[-1] else None)
            if len(rows) <= room:
                return AuditPage(entries, None)
            looked += room
        return AuditPage(entries, mark)

    async def _entries(self, wanted: Wanted, rows: "list[Record]") -> "list[tuple[Record, AuditEntry | None]]":
        """Return each event with its entry, None where there is none of it; the oldest first."""
        telling = _Telling(wanted, self._versions, self._numbers)
        return [(row, await telling.take(row)) for row in reversed(rows)]


class _Telling:
    """Goes through events in order, and knows each assistant as the last of them left it."""

    def __init__(self, wanted: Wanted, versions: Versions, numbers: NumberHistory) -> None:
        self._wanted = wanted
        self._versions = versions
        self._numbers = numbers
        self._known: dict[str, Assistant | None] = {}

    async def take(self, row: "Record") -> AuditEntry | None:
        """Return the entry of the next event."""
        wanted = self._wanted
        if row["value"] is None:
            self._known.clear()  # another actor's: nobody has looked what it changed
            return None
        made = origin(row)
        try:
            event = decode_event(row["type"], made.dataschema, row["value"])
        except (UnknownEventType, MalformedEvent):
            is_wanted = wanted.field is None and wanted.actor in (None, made.actor)
            return _entry(row, made, made.subject or row["stream"], []) if is_wanted else None
        changes = await self._changes(row, event, made)
        if wanted.field is not None:
            changes = [change for change in changes if change.field == wanted.field]
        if wanted.actor not in (None, made.actor) or (wanted.field is not None and not changes):
            return None
        return _entry(row, made, subject_of(event), changes)

    async def _changes(self, row: "Record", event: Event, made: Origin) -> list[AuditChange]:
        number_id = self._wanted.phone_number_id
        if number_id is not None and row["stream"] != number_id:
            return _differences(number_id, {HOLDER: row["before"]}, {HOLDER: row["holder"]})
        touched = touched_assistants(event)
        if touched:
            return [change for each in touched for change in await self._of_assistant(each, row, event, made)]
        subject, fields = subject_of(event), told_fields(event)
        return _differences(subject, await self._before(event, row["stream"], made), fields)

    async def _of_assistant(self, assistant_id: str, row: "Record", event: Event, made: Origin) -> list[AuditChange]:
        if self._wanted.assistant_id not in (None, assistant_id):
            return []
        fields = told_fields(event) if assistant_id == subject_of(event) else {HOLDS: None}
        if self._wanted.field is not None and self._wanted.field not in fields and assistant_id not in self._known:
            return []  # nobody asks what it was
        before = await self._assistant_before(assistant_id, row["height"], event)
        after: Assistant | None = before
        with suppress(UnfoldableEvent):  # it contradicts the ones before: its stream is quarantined
            after = evolve_assistant(before, event, assistant_id=assistant_id, time=made.time)
        self._known[assistant_id] = after
        if HOLDS in fields:
            fields = {**fields, HOLDS: () if after is None else after.phone_number_ids}
        known = {name: getattr(before, name, None) for name in fields}
        return _differences(assistant_id, known, fields)

    async def _assistant_before(self, assistant_id: str, height: int, event: Event) -> Assistant | None:
        if isinstance(event, AssistantCreated):
            return None
        if assistant_id in self._known:
            return self._known[assistant_id]
        state = await self._versions.read_made(assistant_id, height - 1)
        return None if state is None else state.assistant

    async def _before(self, event: Event, stream: str, made: Origin) -> Fields:
        """Return what of a number stood before an event of its own; nothing of what else is not an assistant."""
        if isinstance(event, NumberReleased):
            return {"account_id": event.account_id}
        if not isinstance(event, NumberUpdated) or ids.kind_of(stream) != ids.NUMBER:
            return {}
        just_before = (Moment(made.time).time.astimezone(UTC) - _LEAST).isoformat(timespec="microseconds")
        owned = await self._numbers.owned_at(stream, Moment(just_before))
        return {} if owned is None else {"status": owned.status, "fallback": owned.fallback}


def _differences(subject: str, before: Fields, after: Fields) -> list[AuditChange]:
    return [
        AuditChange(subject=subject, field=name, before=before.get(name), after=value)
        for name, value in after.items()
        if before.get(name) != value
    ]


def _entry(row: "Record", made: Origin, subject: str, changes: list[AuditChange]) -> AuditEntry:
    return AuditEntry(
        time=made.time,
        type=row["type"],
        subject=subject,
        actor=made.actor,
        reason=made.reason,
        command_id=made.command_id,
        stream=row["stream"],
        height=row["height"],
        changes=changes,
    )


def _mark_of(row: "Record") -> Mark:
    time = row["happened"].astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return Mark(time, row["stream"], row["height"])
