"""The rows that follow from one batch of events, before they are written."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from patchbay.assistants.codec import subject_of, touched_assistants, type_of
from patchbay.assistants.errors import UnfoldableEvent
from patchbay.assistants.events import (
    AccountOpened,
    AssistantCreated,
    AssistantDeleted,
    AssistantUpdated,
    Event,
    KeyIssued,
    KeyRevoked,
    NumberRegistered,
    NumberReleased,
    NumbersAssigned,
    NumberUpdated,
    StreamMended,
)
from patchbay.assistants.evolve import evolve_assistant
from patchbay.assistants.states import Assistant
from patchbay.projection import Arrival, Change, DraftHoldings, Write, change_of_rows
from patchbay.projector import listing, writes
from patchbay.projector.drafting_keys import KeyDrafts
from patchbay.projector.drafting_numbers import NumberEventDrafts

_encode = msgspec.json.Encoder().encode

Row = tuple[Any, ...]

MILESTONE_VERSIONS: Final = 64  # an earlier version is folded from at most so many events
_AS_REGISTERED: Final = {"status": "active", "fallback": None}


class ReadModelDraft:
    """The read model's rows as a batch leaves them. An event must belong into the stream that it stands in."""

    def __init__(
        self, assistants: Mapping[str, Assistant], keep: Callable[[Mapping[str, Assistant], Iterable[str]], None]
    ) -> None:
        """
        Start on top of what is stored.

        Args:
            assistants: Every stored assistant that the events change.
            keep: Takes the changed assistants over once they are committed, and forgets the deleted ones.
        """
        self._stored = assistants
        self._keep = keep
        self._assistants: dict[str, Assistant] = {}
        self._created: dict[str, int] = {}  # at which height
        self._deleted: set[str] = set()
        self._versions: list[Row] = []
        self._accounts: list[Row] = []
        self._keys = KeyDrafts()
        self._numbers: dict[str, dict[str, Any]] = {}  # registered in this batch
        self._numbers_changed: dict[str, dict[str, Any]] = {}  # of numbers that were registered in earlier batches
        self._holdings = DraftHoldings(writes.UPSERT_ASSIGNMENTS)
        self._milestones: list[Row] = []
        self._number_events = NumberEventDrafts()

    def apply(self, event: Event, arrival: Arrival) -> None:  # noqa: C901 - one case per event
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
            case AssistantDeleted():
                self._number_events.hold(arrival, event.assistant_id, self._held_by(event.assistant_id), ())
                self._touch(event, arrival)
                self._deleted.add(event.assistant_id)
                del self._assistants[event.assistant_id]
                self._holdings.assign(stream, event.assistant_id, ())
            case NumbersAssigned():
                self._number_events.hold(arrival, event.assistant_id, self._held_by(event.assistant_id), event.numbers)
                self._touch(event, arrival)
                rows = [(stream, n.number_id, event.assistant_id, n.registration) for n in event.numbers]
                self._holdings.assign(stream, event.assistant_id, rows)
            case NumberRegistered():
                _expect(stream.startswith("pn_") and event.number_id == stream, event)
                self._number_events.own(arrival, event.account_id, is_owner=True)
                self._numbers_changed.pop(stream, None)
                self._numbers[stream] = {
                    "number_id": stream,
                    "phone_number": event.phone_number,
                    "account_id": event.account_id,
                    "registration": arrival.envelope.height,
                    **_AS_REGISTERED,
                    "created_at": time,
                    "updated_at": time,
                }
            case NumberReleased():
                _expect(stream.startswith("pn_") and event.number_id == stream, event)
                self._number_events.own(arrival, event.account_id, is_owner=False)
                self._change_number(stream, account_id=None, **_AS_REGISTERED, updated_at=time)
            case NumberUpdated():
                _expect(stream.startswith("pn_") and event.number_id == stream, event)
                self._number_events.change(arrival)
                self._change_number(stream, status=event.status, fallback=event.fallback, updated_at=time)
            case AccountOpened():
                _expect(stream.startswith("acct_") and event.account_id == stream, event)
                self._accounts.append((stream, event.slug, event.name, time))
            case KeyIssued():
                _expect(event.account_id == _account_of(stream), event)
                _expect(self._keys.issue(event, time), event)
            case KeyRevoked():
                self._keys.revoke(event.key_id, _account_of(stream), time)
            case StreamMended():
                pass
            case _:
                raise UnfoldableEvent(type_of(event), subject_of(event), "nothing is known to do with it")

    def changes(self) -> list[Change]:
        """Return what is to be written."""
        created, changed, listed, listed_anew = [], [], [], []
        for assistant in self._assistants.values():
            record = _encode(assistant)
            version, updated_at = assistant.version, assistant.updated_at
            if assistant.id in self._created:
                row = (assistant.id, assistant.account_id, version, assistant.created_at, updated_at, record)
                created.append(row)
                listed.append(listing.created_row(assistant, self._created[assistant.id]))
            else:
                changed.append((assistant.id, version, updated_at, record))
                listed_anew.append(listing.changed_row(assistant))
        deleted = [(assistant_id,) for assistant_id in self._deleted.difference(self._created)]
        tables: tuple[tuple[Write, list[Row]], ...] = (
            (writes.INSERT_ASSISTANTS, created),
            (writes.UPDATE_ASSISTANTS, changed),
            (writes.DELETE_ASSISTANTS, deleted),
            (listing.INSERT_LISTED, listed),
            (listing.UPDATE_LISTED, listed_anew),
            (listing.DELETE_LISTED, deleted),
            (writes.INSERT_VERSIONS, self._versions),
            (writes.INSERT_MILESTONES, self._milestones),
            (writes.INSERT_ACCOUNTS, self._accounts),
            *self._keys.tables(),
            (writes.UPSERT_NUMBERS, [tuple(row.values()) for row in self._numbers.values()]),
            (writes.UPDATE_NUMBERS, [_number_change(*item) for item in self._numbers_changed.items()]),
        )
        changes = [change_of_rows(write, rows) for write, rows in tables if rows]
        return changes + self._holdings.changes() + self._number_events.changes()

    def keep(self) -> None:
        """Take over what was drafted: it is committed."""
        self._keep(self._assistants, self._deleted)

    def _touch(self, event: Event, arrival: Arrival) -> None:
        stream, height, time = arrival.envelope.stream, arrival.envelope.height, arrival.envelope.time
        for assistant_id in dict.fromkeys(touched_assistants(event)):
            _expect(assistant_id not in self._deleted, event)
            before = self._assistants.get(assistant_id) or self._stored.get(assistant_id)
            if isinstance(event, AssistantCreated):
                _expect(before is None, event)
                self._created[assistant_id] = height
            else:
                _expect(before is not None and before.account_id == stream, event)
            assistant = evolve_assistant(before, event, assistant_id=assistant_id, time=time)
            self._assistants[assistant_id] = assistant
            self._versions.append((assistant_id, assistant.version, stream, height))
            if assistant.version % MILESTONE_VERSIONS == 0:
                self._milestones.append((assistant_id, assistant.version, _encode(assistant)))

    def _held_by(self, assistant_id: str) -> tuple[str, ...]:
        assistant = self._assistants.get(assistant_id) or self._stored.get(assistant_id)
        return () if assistant is None else assistant.phone_number_ids

    def _change_number(self, number_id: str, **changes: object) -> None:
        row = self._numbers.get(number_id)
        if row is None:
            row = self._numbers_changed.setdefault(number_id, {})
        row.update({column: value for column, value in changes.items() if value is not msgspec.UNSET})


def _number_change(number_id: str, changes: Mapping[str, Any]) -> Row:
    is_released, is_redirected = "account_id" in changes, "fallback" in changes
    return (
        number_id,
        is_released,
        changes.get("status"),
        is_redirected,
        changes.get("fallback"),
        changes["updated_at"],
    )


def _account_of(stream: str) -> str | None:
    return None if stream.startswith("oper_") else stream


def _expect(is_so: bool, event: Event) -> None:  # noqa: FBT001 - reads as a sentence
    if not is_so:
        raise UnfoldableEvent(type_of(event), subject_of(event), "it does not fit the stream that it stands in")
