"""What the tables of the read model and of routing must hold by the log, with none of the code that makes them."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Protocol

import msgspec

from patchbay.assistants.codec import decode_event, touched_assistants
from patchbay.assistants.errors import UnknownEventType
from patchbay.assistants.events import (
    AccountOpened,
    AssignedNumber,
    AssistantCreated,
    AssistantDeleted,
    Event,
    KeyIssued,
    KeyRevoked,
    NumberReleased,
    NumbersAssigned,
)
from patchbay.assistants.evolve import evolve_assistant, evolve_number
from patchbay.assistants.searching import fold_name
from patchbay.assistants.states import Assistant, Number
from patchbay.eventlog import Envelope

Row = tuple[Any, ...]

_MILESTONE_VERSIONS: Final = 64
_encode: Final = msgspec.json.Encoder().encode


class Rows(Protocol):
    """Rows by primary key, each given once."""

    def pop(self, key: Row, default: None, /) -> Row | None:
        """Return the row of a key, which is then no more; None if there is none."""

    def items(self) -> Iterable[tuple[Row, Row]]:
        """Return what has not been asked for."""


class _Made:
    """Rows that are made when they are asked for, of states by id."""

    def __init__(self, states: dict[str, Any], make: Callable[[Any], Row]) -> None:
        self._states = dict(states)
        self._make = make

    def pop(self, key: Row, _default: None, /) -> Row | None:
        state = self._states.pop(key[0], None)
        return None if state is None else self._make(state)

    def items(self) -> Iterator[tuple[Row, Row]]:
        return (((id_,), self._make(state)) for id_, state in self._states.items())


class VersionRows:
    """Which event made which version of an assistant, in a few bytes each."""

    def __init__(self) -> None:
        self._heights: dict[str, tuple[str, array[int]]] = {}  # by assistant; 0: asked for

    def add(self, assistant_id: str, stream: str, height: int) -> None:
        """Take over that the event at a height made the next version."""
        self._heights.setdefault(assistant_id, (stream, array("q")))[1].append(height)

    def pop(self, key: Row, _default: None, /) -> Row | None:
        """Return stream and height of an assistant's version, once."""
        stream, heights = self._heights.get(key[0], ("", array("q")))
        if not 1 <= key[1] <= len(heights) or not heights[key[1] - 1]:
            return None
        height, heights[key[1] - 1] = heights[key[1] - 1], 0
        return (stream, height)

    def items(self) -> Iterator[tuple[Row, Row]]:
        """Return what has not been asked for."""
        for assistant_id, (stream, heights) in self._heights.items():
            for index, height in enumerate(heights):
                if height:
                    yield (assistant_id, index + 1), (stream, height)


class Holdings:
    """Which assistant of an account holds which number."""

    def __init__(self) -> None:
        self.rows: dict[Row, Row] = {}  # assistant and registration, by account and number
        self._held: dict[Row, tuple[str, ...]] = {}  # numbers by account and assistant

    def assign(self, account_id: str, assistant_id: str, numbers: tuple[AssignedNumber, ...]) -> None:
        """Take over the whole new list of an assistant."""
        for number_id in self._held.pop((account_id, assistant_id), ()):
            if self.rows.get((account_id, number_id), (None,))[0] == assistant_id:  # else another one took it
                del self.rows[account_id, number_id]
        self._held[account_id, assistant_id] = tuple(number.number_id for number in numbers)
        for number in numbers:
            self.rows[account_id, number.number_id] = (assistant_id, number.registration)


class ModelFold:
    """The read model as the log says it, in memory."""

    def __init__(self) -> None:
        self._accounts: dict[Row, Row] = {}
        self._keys: dict[str, list[Any]] = {}  # by id, the columns behind it
        self._assistants: dict[str, tuple[str, Assistant, int]] = {}  # with the account, and the height of its creation
        self._versions = VersionRows()
        self._milestones: dict[Row, Row] = {}
        self._numbers: dict[str, Number] = {}
        self._number_events: dict[Row, Row] = {}
        self._holdings = Holdings()

    def take(self, envelope: Envelope) -> None:
        """Take an accepted event over; one of a type that does not concern the read model is passed over."""
        try:
            event: Event = decode_event(envelope.type, envelope.dataschema, envelope.value)
        except UnknownEventType:
            return
        stream, time = envelope.stream, envelope.time
        if stream.startswith("pn_"):
            self._take_number(envelope, event)
            return
        if isinstance(event, AccountOpened):
            self._accounts[stream,] = (event.slug, event.name, time)
        if isinstance(event, KeyIssued | KeyRevoked):
            self._take_key(None if stream.startswith("oper_") else stream, event, time)
        if isinstance(event, NumbersAssigned | AssistantDeleted):
            self._hold(envelope, event)
        for assistant_id in dict.fromkeys(touched_assistants(event)):
            self._touch(assistant_id, event, envelope)
        if isinstance(event, AssistantDeleted):
            self._assistants.pop(event.assistant_id, None)

    def _touch(self, assistant_id: str, event: Event, envelope: Envelope) -> None:
        stream, height = envelope.stream, envelope.height
        _, before, created = self._assistants.get(assistant_id, (stream, None, height))
        after = evolve_assistant(before, event, assistant_id=assistant_id, time=envelope.time)
        created = height if isinstance(event, AssistantCreated) else created
        self._assistants[assistant_id] = (stream, after, created)
        self._versions.add(assistant_id, stream, height)
        if after.version % _MILESTONE_VERSIONS == 0:
            self._milestones[assistant_id, after.version] = (sha256(_encode(after)).digest(),)

    def _take_number(self, envelope: Envelope, event: Event) -> None:
        stream = envelope.stream
        before = self._numbers.get(stream) or Number(id=stream)
        after = evolve_number(before, event, height=envelope.height, time=envelope.time)
        self._numbers[stream] = after
        owner = before.account_id if isinstance(event, NumberReleased) else after.account_id
        if owner is not None:
            self._note(stream, owner, envelope, (None, None))

    def _take_key(self, account_id: str | None, event: KeyIssued | KeyRevoked, time: str) -> None:
        known = self._keys.get(event.key_id)
        if isinstance(event, KeyRevoked):
            if known is not None and known[0] == account_id:
                known[_REVOKED] = time
            return
        secret = bytes.fromhex(event.secret_sha256)
        facts = [secret, event.name, event.hint, list(event.scopes), event.expires_at, event.requests_per_hour]
        self._keys[event.key_id] = [event.account_id, *facts, time, None, None, None]
        if event.replaces is not msgspec.UNSET:
            replaced = self._keys.get(event.replaces.key_id)
            if replaced is not None and replaced[0] == event.account_id:
                end = event.replaces.expires_at
                replaced[_RETIRES:] = [min(end, replaced[_RETIRES] or end), event.key_id]

    def _hold(self, envelope: Envelope, event: NumbersAssigned | AssistantDeleted) -> None:
        account_id, assistant_id = envelope.stream, event.assistant_id
        numbers = event.numbers if isinstance(event, NumbersAssigned) else ()
        known = self._assistants.get(assistant_id)
        held = () if known is None else known[1].phone_number_ids
        for number_id in set(held) - {number.number_id for number in numbers}:
            self._note(number_id, account_id, envelope, (None, None))
        for number in numbers:
            holder = (assistant_id, number.registration)
            if self._holdings.rows.get((account_id, number.number_id)) != holder:
                self._note(number.number_id, account_id, envelope, holder)
        self._holdings.assign(account_id, assistant_id, numbers)

    def _note(self, number_id: str, account_id: str, envelope: Envelope, holder: Row) -> None:
        key = (number_id, account_id, envelope.stream, datetime.fromisoformat(envelope.time), envelope.height)
        self._number_events[key] = holder

    def tables(self) -> Mapping[str, Rows]:
        """Return what each table must hold."""
        numbers = {n.id: n for n in self._numbers.values() if n.phone_number is not None}
        return {
            "accounts": self._accounts,
            "keys": {(key_id,): tuple(columns) for key_id, columns in self._keys.items()},
            "assistants": _Made(self._assistants, _assistant_row),
            "listed_assistants": _Made(self._assistants, _listed_row),
            "versions": self._versions,
            "milestones": self._milestones,
            "numbers": _Made(numbers, lambda number: tuple(msgspec.structs.astuple(number)[1:])),
            "assignments": self._holdings.rows,
            "number_events": self._number_events,
        }


def _assistant_row(state: tuple[str, Assistant, int]) -> Row:
    account_id, a, _ = state
    return (account_id, a.version, a.created_at, a.updated_at, _encode(a))


def _listed_row(state: tuple[str, Assistant, int]) -> Row:
    account_id, a, created = state
    providers = (a.provider, a.model, a.voice_provider, a.transcriptor_provider)
    return (account_id, created, a.updated_at, a.inbound_enabled, fold_name(a.name), a.type, *providers)


_REVOKED, _RETIRES = 8, 9  # of a key's columns behind its id
