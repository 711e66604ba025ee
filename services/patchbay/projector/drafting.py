"""The rows that follow from one batch of events, before they are written."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from patchbay.assistants.codec import subject_of, touched_assistants, type_of
from patchbay.assistants.errors import UnfoldableEvent
from patchbay.assistants.events import (
    AccountOpened,
    AssistantCreated,
    AssistantUpdated,
    Event,
    KeyIssued,
    KeyRevoked,
    NumberRegistered,
    NumberReleased,
    NumbersAssigned,
    StreamMended,
)
from patchbay.assistants.evolve import evolve_assistant
from patchbay.assistants.states import Assistant
from patchbay.projection import Arrival, Change, DraftHoldings, change_of_rows
from patchbay.projector import writes

_encode = msgspec.json.Encoder().encode

Row = tuple[Any, ...]


class ReadModelDraft:
    """The read model's rows as a batch leaves them. An event must belong into the stream that it stands in."""

    def __init__(self, assistants: Mapping[str, Assistant], keep: Callable[[Mapping[str, Assistant]], None]) -> None:
        """
        Start on top of what is stored.

        Args:
            assistants: Every stored assistant that the events change.
            keep: Takes the changed assistants over once they are committed.
        """
        self._stored = assistants
        self._keep = keep
        self._assistants: dict[str, Assistant] = {}
        self._created: set[str] = set()
        self._versions: list[Row] = []
        self._accounts: list[Row] = []
        self._keys: dict[str, Row] = {}
        self._revoked: dict[str, Row] = {}
        self._numbers: dict[str, Row] = {}
        self._released: dict[str, Row] = {}
        self._holdings = DraftHoldings(writes.UPSERT_ASSIGNMENTS)

    def apply(self, event: Event, arrival: Arrival) -> None:
        """
        Fold one event.

        Raises:
            UnfoldableEvent: It does not fit what is stored, or stands in the wrong stream.
        """
        stream, time = arrival.envelope.stream, arrival.envelope.time
        match event:
            case AssistantCreated():
                _expect(stream.startswith("acct_") and event.account_id == stream, event)
                self._touch(event, arrival)
            case AssistantUpdated():
                self._touch(event, arrival)
            case NumbersAssigned():
                self._touch(event, arrival)
                rows = [(stream, n.number_id, event.assistant_id, n.registration) for n in event.numbers]
                self._holdings.assign(stream, event.assistant_id, rows)
            case NumberRegistered():
                _expect(stream.startswith("pn_") and event.number_id == stream, event)
                self._released.pop(stream, None)
                registration = arrival.envelope.height
                number = (stream, event.phone_number, event.account_id, registration, "active", time, time)
                self._numbers[stream] = number
            case NumberReleased():
                _expect(stream.startswith("pn_") and event.number_id == stream, event)
                self._release(stream, time)
            case AccountOpened():
                _expect(stream.startswith("acct_") and event.account_id == stream, event)
                self._accounts.append((stream, event.slug, event.name, time))
            case KeyIssued():
                _expect(event.account_id == _account_of(stream), event)
                self._issue(event, time)
            case KeyRevoked():
                self._revoke(event.key_id, _account_of(stream), time)
            case StreamMended():
                pass
            case _:
                raise UnfoldableEvent(type_of(event), subject_of(event), "nothing is known to do with it")

    def changes(self) -> list[Change]:
        """Return what is to be written."""
        created, changed = [], []
        for assistant in self._assistants.values():
            record = _encode(assistant)
            version, updated_at = assistant.version, assistant.updated_at
            if assistant.id in self._created:
                row = (assistant.id, assistant.account_id, version, assistant.created_at, updated_at, record)
                created.append(row)
            else:
                changed.append((assistant.id, version, updated_at, record))
        tables = (
            (writes.INSERT_ASSISTANTS, created),
            (writes.UPDATE_ASSISTANTS, changed),
            (writes.INSERT_VERSIONS, self._versions),
            (writes.INSERT_ACCOUNTS, self._accounts),
            (writes.INSERT_KEYS, list(self._keys.values())),
            (writes.REVOKE_KEYS, list(self._revoked.values())),
            (writes.UPSERT_NUMBERS, list(self._numbers.values())),
            (writes.RELEASE_NUMBERS, list(self._released.values())),
        )
        return [change_of_rows(write, rows) for write, rows in tables if rows] + self._holdings.changes()

    def keep(self) -> None:
        """Take over what was drafted: it is committed."""
        self._keep(self._assistants)

    def _touch(self, event: Event, arrival: Arrival) -> None:
        stream, height, time = arrival.envelope.stream, arrival.envelope.height, arrival.envelope.time
        for assistant_id in dict.fromkeys(touched_assistants(event)):
            before = self._assistants.get(assistant_id) or self._stored.get(assistant_id)
            if isinstance(event, AssistantCreated):
                _expect(before is None, event)
                self._created.add(assistant_id)
            else:
                _expect(before is not None and before.account_id == stream, event)
            assistant = evolve_assistant(before, event, assistant_id=assistant_id, time=time)
            self._assistants[assistant_id] = assistant
            self._versions.append((assistant_id, assistant.version, stream, height))

    def _release(self, number_id: str, time: str) -> None:
        row = self._numbers.get(number_id)
        if row is None:
            self._released[number_id] = (number_id, time)
        else:
            self._numbers[number_id] = (*row[:2], None, *row[3:6], time)

    def _issue(self, event: KeyIssued, time: str) -> None:
        scopes = _encode(event.scopes).decode()  # an array of arrays would have to be a rectangle
        secret = bytes.fromhex(event.secret_sha256)
        facts = (event.name, event.hint, scopes, event.expires_at, event.requests_per_hour)
        _expect(event.key_id not in self._keys, event)
        self._keys[event.key_id] = (event.key_id, event.account_id, secret, *facts, time, None)

    def _revoke(self, key_id: str, account_id: str | None, time: str) -> None:
        row = self._keys.get(key_id)
        if row is None:
            self._revoked[key_id] = (key_id, account_id, time)
        elif row[1] == account_id:
            self._keys[key_id] = (*row[:9], time)


def _account_of(stream: str) -> str | None:
    return None if stream.startswith("oper_") else stream


def _expect(is_so: bool, event: Event) -> None:  # noqa: FBT001 - reads as a sentence
    if not is_so:
        raise UnfoldableEvent(type_of(event), subject_of(event), "it does not fit the stream that it stands in")
