"""From accepted events to who changed what: each field before and after, of what was asked for."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from patchbay.assistants import ids
from patchbay.assistants.codec import decode_event
from patchbay.assistants.errors import MalformedEvent, UnknownEventType
from patchbay.assistants.events import (
    AssistantDeleted,
    Event,
    NumberRegistered,
    NumberReleased,
    NumbersAssigned,
    NumberUpdated,
)
from patchbay.eventlog import Envelope

_HOLDS: Final = "phone_number_ids"
_HOLDER: Final = "assistant_id"
_OWNER: Final = "account_id"
_SECRET: Final = "secret"  # noqa: S105 - how the name of a member begins that is shown to nobody

Fields = Mapping[str, Any]


class Change(msgspec.Struct, frozen=True):
    """A field before and after."""

    field: str
    before: Any
    after: Any


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What one event changed of one thing."""

    time: str
    stream: str
    height: int
    type: str
    subject: str  # an assistant, a number, a key, an account
    actor: str | None
    reason: str | None
    command_id: str | None
    changes: list[Change]


class Recall:
    """
    Follows the accepted events of a log, and tells what they changed of an assistant, a number or an account.

    What the others hold is kept by their ids alone.
    """

    def __init__(self, wanted: str) -> None:
        """`wanted` is the id of an assistant, a number or an account."""
        self._wanted = wanted
        self._is_account = ids.is_id(ids.ACCOUNT, wanted)
        self._known: dict[str, dict[str, Any]] = {}  # by subject, of what is wanted
        self._held: dict[tuple[str, str], tuple[str, ...]] = {}  # by account and assistant
        self._owners: dict[str, str | None] = {}  # by number

    def take(self, envelope: Envelope) -> Iterator[Entry]:
        """Return what an accepted event changed; those of a stream are to be given in order."""
        try:
            event = decode_event(envelope.type, envelope.dataschema, envelope.value)
        except (UnknownEventType, MalformedEvent):
            return  # nobody can say what it changed
        previous_owner = self._owners.get(envelope.stream)
        for subject, fields in self._facts(event, envelope):
            if self._is_wanted(subject, envelope.stream, previous_owner):
                yield self._entry(envelope, subject, fields)

    def _is_wanted(self, subject: str, stream: str, previous_owner: str | None) -> bool:
        if not self._is_account:
            return subject == self._wanted
        owners = (self._owners.get(stream), previous_owner)  # a release is the old owner's, too
        # Who holds a number is told of the assistant already.
        is_told = stream == self._wanted and subject.startswith(ids.NUMBER + "_")
        return not is_told and (stream == self._wanted or self._wanted in owners)

    def _facts(self, event: Event, envelope: Envelope) -> list[tuple[str, Fields]]:
        stream = envelope.stream
        match event:
            case NumbersAssigned():
                return self._assign(stream, event)
            case AssistantDeleted():
                held = self._held.pop((stream, event.assistant_id), ())
                freed: list[tuple[str, Fields]] = [(number, {_HOLDER: None}) for number in held]
                return [(event.assistant_id, {_HOLDS: [], "deleted": True}), *freed]
            case NumberRegistered():
                self._owners[stream] = event.account_id
                facts = {"phone_number": event.phone_number, _OWNER: event.account_id, "status": "active"}
                return [(stream, facts)]
            case NumberReleased():
                self._owners[stream] = None
                return [(stream, {_OWNER: None})]
            case NumberUpdated():
                return [(stream, _given(event))]
            case _:
                subject = envelope.subject or stream
                return [(subject, _given(event))]

    def _assign(self, account_id: str, event: NumbersAssigned) -> list[tuple[str, Fields]]:
        now = tuple(number.number_id for number in event.numbers)
        before = self._held.get((account_id, event.assistant_id), ())
        self._held[account_id, event.assistant_id] = now
        facts: list[tuple[str, Fields]] = [(event.assistant_id, {_HOLDS: list(now)})]
        for other in event.taken_from:
            left = tuple(number for number in self._held.get((account_id, other), ()) if number not in now)
            self._held[account_id, other] = left
            facts.append((other, {_HOLDS: list(left)}))
        facts += [(number, {_HOLDER: event.assistant_id}) for number in now if number not in before]
        facts += [(number, {_HOLDER: None}) for number in before if number not in now]
        return facts

    def _entry(self, envelope: Envelope, subject: str, fields: Fields) -> Entry:
        known = self._known.setdefault(subject, {})
        changes = [Change(name, known.get(name), value) for name, value in fields.items() if known.get(name) != value]
        known.update(fields)
        return Entry(
            time=envelope.time,
            stream=envelope.stream,
            height=envelope.height,
            type=envelope.type,
            subject=subject,
            actor=envelope.actor,
            reason=envelope.reason,
            command_id=envelope.command_id,
            changes=changes,
        )


def _given(event: Event) -> Fields:
    """Return the members that an event has, but the id of what it is about, and what is secret."""
    members: dict[str, Any] = msgspec.to_builtins(event)
    return {
        name: value
        for name, value in members.items()
        if not name.startswith(_SECRET) and name not in ("assistant_id", "number_id", "key_id")
    }
