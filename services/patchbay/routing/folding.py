"""How facts about routing become rows."""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import msgspec

from patchbay.callrouting import (
    AssistantGone,
    Fact,
    InboundSwitched,
    NumberChanged,
    NumberFreed,
    NumberOwned,
    NumbersHeld,
    read_fact,
)
from patchbay.eventlog import Envelope
from patchbay.postgres import Connection
from patchbay.projection import Arrival, Change, DraftHoldings, change_of_rows
from patchbay.routing import writes

Row = tuple[Any, ...]


class NumberRow(msgspec.Struct, kw_only=True):
    """A number's row; UNSET: as it is in the table."""

    number_id: str
    phone_number: str | msgspec.UnsetType = msgspec.UNSET
    account_id: str | msgspec.UnsetType | None = msgspec.UNSET
    registration: int | msgspec.UnsetType = msgspec.UNSET
    status: str | msgspec.UnsetType = msgspec.UNSET
    fallback: str | msgspec.UnsetType | None = msgspec.UNSET
    at: tuple[int, int, str] = (0, 0, "")  # partition, offset and time of its newest event

    def take(self, changes: Mapping[str, object]) -> None:
        """Take what changed over; UNSET changes nothing."""
        for field, value in changes.items():
            if value is not msgspec.UNSET:
                setattr(self, field, value)

    def as_row(self) -> Row:
        """Return the whole row."""
        owner = (self.account_id, self.registration, self.status, self.fallback)
        return (self.number_id, self.phone_number, *owner, *self.at)

    def as_change(self) -> Row:
        """Return what is to be changed of a row that is in the table."""
        is_freed, is_redirected = self.account_id is None, self.fallback is not msgspec.UNSET
        status, fallback = (None if value is msgspec.UNSET else value for value in (self.status, self.fallback))
        return (self.number_id, is_freed, status, is_redirected, fallback, *self.at)


class RoutingFold:
    """Folds what events say about routing. Rows follow from facts alone, so nothing is kept in memory."""

    def __init__(self, _schema: str) -> None:
        pass

    def decode(self, envelope: Envelope) -> Fact | None:
        """
        Return what the event says about routing, None if nothing.

        Raises:
            UnknownEventType: It concerns routing, but this version does not know how.
            MalformedEvent: Its data is not what its type says.
            MisplacedEvent: It stands in a stream that it cannot be about.
        """
        return read_fact(envelope)

    async def load(self, connection: Connection, events: Sequence[tuple[Fact, Arrival]]) -> None:
        """Load nothing."""

    def draft(self) -> "RoutingDraft":
        """Return an empty draft."""
        return RoutingDraft()


class RoutingDraft:
    """The rows of the routing table as a batch leaves them."""

    def __init__(self) -> None:
        self._numbers: dict[str, NumberRow] = {}  # whole rows
        self._changed: dict[str, NumberRow] = {}  # of numbers whose row is in the table
        self._assistants: dict[tuple[str, str], Row | None] = {}  # by assistant and account; None: does not answer
        self._holdings = DraftHoldings(writes.UPSERT_ASSIGNMENTS)

    def apply(self, event: Fact, arrival: Arrival) -> None:
        """Take one fact over."""
        at = (arrival.partition, arrival.offset, arrival.envelope.time)
        match event:
            case NumberOwned():
                self._changed.pop(event.number_id, None)
                self._numbers[event.number_id] = NumberRow(
                    number_id=event.number_id,
                    phone_number=event.phone_number,
                    account_id=event.account_id,
                    registration=event.registration,
                    status="active",
                    fallback=None,
                    at=at,
                )
            case NumberFreed():
                self._change(event.number_id, account_id=None, status="active", fallback=None, at=at)
            case NumberChanged():
                self._change(event.number_id, status=event.status, fallback=event.fallback, at=at)
            case NumbersHeld():
                account_id, assistant_id = event.account_id, event.assistant_id
                rows = [(account_id, n.number_id, assistant_id, n.registration, *at) for n in event.numbers]
                self._holdings.assign(account_id, assistant_id, rows)
            case InboundSwitched():
                key = (event.assistant_id, event.account_id)
                self._assistants[key] = (*key, *at) if event.is_enabled else None
            case AssistantGone():
                self._holdings.assign(event.account_id, event.assistant_id, ())
                self._assistants[event.assistant_id, event.account_id] = None
            case _:
                assert_never(event)

    def _change(self, number_id: str, **changes: object) -> None:
        row = self._numbers.get(number_id)
        if row is not None:
            row.take(changes)
        else:
            self._changed.setdefault(number_id, NumberRow(number_id=number_id)).take(changes)

    def changes(self) -> list[Change]:
        """Return what is to be written."""
        tables = (
            (writes.UPSERT_NUMBERS, [row.as_row() for row in self._numbers.values()]),
            (writes.UPDATE_NUMBERS, [row.as_change() for row in self._changed.values()]),
            (writes.UPSERT_ASSISTANTS, [row for row in self._assistants.values() if row is not None]),
            (writes.DELETE_ASSISTANTS, [key for key, row in self._assistants.items() if row is None]),
        )
        return [change_of_rows(write, rows) for write, rows in tables if rows] + self._holdings.changes()

    def keep(self) -> None:
        """Keep nothing."""
