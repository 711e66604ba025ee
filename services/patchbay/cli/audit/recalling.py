"""From accepted events to who changed what: each field before and after, of what was asked for."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from patchbay.assistants import ids
from patchbay.assistants.codec import decode_event
from patchbay.assistants.errors import MalformedEvent, UnknownEventType
from patchbay.assistants.events import AssistantDeleted, Event, NumberRegistered, NumberReleased, NumbersAssigned
from patchbay.assistants.telling import HOLDER, HOLDS, OF_EVENTS, Fields, told_fields
from patchbay.eventlog import Envelope

_AT_FIRST: Final[Mapping[str, Any]] = {HOLDS: []}


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
        previous_owner = self._owners.get(envelope.stream)
        for subject, fields in self._facts_of(envelope):
            if self._is_wanted(subject, envelope.stream, previous_owner):
                yield self._entry(envelope, subject, fields)

    def _facts_of(self, envelope: Envelope) -> list[tuple[str, Fields]]:
        try:
            event = decode_event(envelope.type, envelope.dataschema, envelope.value)
        except (UnknownEventType, MalformedEvent):
            return [(envelope.subject or envelope.stream, {})]  # it was; nobody can say what it changed
        return self._facts(event, envelope)

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
                freed: list[tuple[str, Fields]] = [(number, {HOLDER: None}) for number in held]
                return [(event.assistant_id, told_fields(event)), *freed]
            case NumberRegistered():
                self._owners[stream] = event.account_id
                self._forget_owner_of(stream)
            case NumberReleased():
                self._owners[stream] = None
        return [(envelope.subject or stream, told_fields(event))]

    def _forget_owner_of(self, number: str) -> None:
        """What an owner set goes with it: the next one begins anew."""
        if number in self._known:
            self._known[number] = {name: value for name, value in self._known[number].items() if name == HOLDER}

    def _assign(self, account_id: str, event: NumbersAssigned) -> list[tuple[str, Fields]]:
        now = tuple(number.number_id for number in event.numbers)
        before = self._held.get((account_id, event.assistant_id), ())
        self._held[account_id, event.assistant_id] = now
        facts: list[tuple[str, Fields]] = [(event.assistant_id, {HOLDS: list(now)})]
        for other in event.taken_from:
            left = tuple(number for number in self._held.get((account_id, other), ()) if number not in now)
            self._held[account_id, other] = left
            facts.append((other, {HOLDS: list(left)}))
        facts += [(number, {HOLDER: event.assistant_id}) for number in now if number not in before]
        facts += [(number, {HOLDER: None}) for number in before if number not in now]
        return facts

    def _entry(self, envelope: Envelope, subject: str, fields: Fields) -> Entry:
        known = self._known.setdefault(subject, {})
        before = {name: known.get(name, _AT_FIRST.get(name)) for name in fields}
        changes = [Change(name, before[name], value) for name, value in fields.items() if before[name] != value]
        known.update({name: value for name, value in fields.items() if name not in OF_EVENTS})
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
