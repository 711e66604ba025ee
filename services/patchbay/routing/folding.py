"""How facts about routing become rows."""

from collections.abc import Sequence
from typing import Any, assert_never

from patchbay.callrouting import Fact, InboundSwitched, NumberFreed, NumberOwned, NumbersHeld, read_fact
from patchbay.eventlog import Envelope
from patchbay.postgres import Connection
from patchbay.projection import Arrival, Change, DraftHoldings, change_of_rows
from patchbay.routing import writes

Row = tuple[Any, ...]


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
        self._numbers: dict[str, Row] = {}
        self._freed: dict[str, Row] = {}
        self._assistants: dict[tuple[str, str], Row | None] = {}  # by assistant and account; None: does not answer
        self._holdings = DraftHoldings(writes.UPSERT_ASSIGNMENTS)

    def apply(self, event: Fact, arrival: Arrival) -> None:
        """Take one fact over."""
        at = (arrival.partition, arrival.offset, arrival.envelope.time)
        match event:
            case NumberOwned():
                self._freed.pop(event.number_id, None)
                owner = (event.account_id, event.registration, "active")
                self._numbers[event.number_id] = (event.number_id, event.phone_number, *owner, *at)
            case NumberFreed():
                row = self._numbers.get(event.number_id)
                if row is None:
                    self._freed[event.number_id] = (event.number_id, *at)
                else:
                    self._numbers[event.number_id] = (*row[:2], None, *row[3:5], *at)
            case NumbersHeld():
                account_id, assistant_id = event.account_id, event.assistant_id
                rows = [(account_id, n.number_id, assistant_id, n.registration, *at) for n in event.numbers]
                self._holdings.assign(account_id, assistant_id, rows)
            case InboundSwitched():
                key = (event.assistant_id, event.account_id)
                self._assistants[key] = (*key, *at) if event.is_enabled else None
            case _:
                assert_never(event)

    def changes(self) -> list[Change]:
        """Return what is to be written."""
        tables = (
            (writes.UPSERT_NUMBERS, list(self._numbers.values())),
            (writes.FREE_NUMBERS, list(self._freed.values())),
            (writes.UPSERT_ASSISTANTS, [row for row in self._assistants.values() if row is not None]),
            (writes.DELETE_ASSISTANTS, [key for key, row in self._assistants.items() if row is None]),
        )
        return [change_of_rows(write, rows) for write, rows in tables if rows] + self._holdings.changes()

    def keep(self) -> None:
        """Keep nothing."""
