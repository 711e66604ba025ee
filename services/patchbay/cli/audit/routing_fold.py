"""What the tables of routing must hold by the log, and what its view must show."""

from collections.abc import Mapping
from typing import Any

import msgspec

from patchbay.callrouting import (
    AssistantGone,
    Fact,
    InboundSwitched,
    NumberChanged,
    NumberFreed,
    NumberOwned,
    NumbersHeld,
)
from patchbay.callrouting.table import RoutingTable
from patchbay.cli.audit.model_fold import Holdings, Row, Rows


class RoutingRows:
    """The routing tables as facts make them, and beside them the table that routers keep in memory."""

    def __init__(self) -> None:
        self._table = RoutingTable()
        self._numbers: dict[Row, Row] = {}
        self._assistants: dict[Row, Row] = {}
        self._holdings = Holdings()

    def take(self, fact: Fact) -> None:
        """Take a fact over."""
        self._table.apply(fact)
        match fact:
            case NumberOwned():
                row = (fact.phone_number, fact.account_id, fact.registration, "active", None)
                self._numbers[fact.number_id,] = row
            case NumberFreed():
                self._change(fact.number_id, account_id=None, status="active", fallback=None)
            case NumberChanged():
                self._change(fact.number_id, status=fact.status, fallback=fact.fallback)
            case NumbersHeld():
                self._holdings.assign(fact.account_id, fact.assistant_id, tuple(fact.numbers))
            case InboundSwitched() if fact.is_enabled:
                self._assistants[fact.assistant_id, fact.account_id] = ()
            case InboundSwitched():
                self._assistants.pop((fact.assistant_id, fact.account_id), None)
            case AssistantGone():
                self._holdings.assign(fact.account_id, fact.assistant_id, ())
                self._assistants.pop((fact.assistant_id, fact.account_id), None)

    def _change(self, number_id: str, **changes: Any) -> None:  # noqa: ANN401 - texts, or UNSET
        known = self._numbers.get((number_id,))
        if known is not None:
            columns = dict(zip(_COLUMNS, known, strict=True))
            columns |= {name: value for name, value in changes.items() if value is not msgspec.UNSET}
            self._numbers[number_id,] = tuple(columns.values())

    def tables(self) -> Mapping[str, Rows]:
        """Return what each table must hold."""
        return {"numbers": self._numbers, "assignments": self._holdings.rows, "assistants": self._assistants}

    def inbound(self) -> Rows:
        """Return what the view must show."""
        answers = ((number, self._table.look_up(number)) for number in self._table.phone_numbers())
        return {(number,): (a.account_id, a.assistant_id, a.outcome.value, a.fallback) for number, a in answers}


_COLUMNS = ("phone_number", "account_id", "registration", "status", "fallback")
