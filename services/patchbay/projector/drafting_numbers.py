"""What happened to phone numbers, row by row, as a batch adds to it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from patchbay.assistants.events import AssignedNumber
from patchbay.projection import Arrival, Change, change_of_rows
from patchbay.projector import writes

Row = tuple[Any, ...]


class NumberEventDrafts:
    """
    The rows of `number_events`: what the number's own stream says, and who of the account's assistants holds it.

    An assignment names the whole list of an assistant, of which mostly one number is new: only what changes is a row.
    """

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._owners: dict[str, str | None] = {}  # of numbers that were registered or released in this batch
        self._holders: dict[
            tuple[str, str], tuple[str, int] | None
        ] = {}  # by account and number, as this batch leaves it

    def own(self, arrival: Arrival, account_id: str, *, is_owner: bool) -> None:
        """Take over that the account gets the number whose stream this is, or loses it."""
        self._owners[arrival.envelope.stream] = account_id if is_owner else None
        self._add(arrival.envelope.stream, account_id, arrival)

    def change(self, arrival: Arrival) -> None:
        """Take over that something changed in the number's own stream; it is told to who owns the number."""
        number_id = arrival.envelope.stream
        if number_id not in self._owners:
            self._add(number_id, None, arrival)  # the statement finds the owner
        elif (owner := self._owners[number_id]) is not None:
            self._add(number_id, owner, arrival)

    def hold(self, arrival: Arrival, assistant_id: str, held: Iterable[str], numbers: Iterable[AssignedNumber]) -> None:
        """
        Take over the new list of an assistant.

        Args:
            arrival: The event, of the account's stream.
            assistant_id: Whose list.
            held: The ids of the numbers that it held before.
            numbers: What it holds now.
        """
        account_id = arrival.envelope.stream
        before = set(held)
        now = {number.number_id: (assistant_id, number.registration) for number in numbers}
        for number_id in before - now.keys():
            self._holders[account_id, number_id] = None
            self._add(number_id, account_id, arrival)
        for number_id, holder in now.items():
            key = account_id, number_id
            if key not in self._holders:
                # What was held already is a row only if it is under another registration than the table has.
                self._add(number_id, account_id, arrival, holder, is_certain=number_id not in before)
            elif self._holders[key] != holder:
                self._add(number_id, account_id, arrival, holder)
            self._holders[key] = holder

    def changes(self) -> list[Change]:
        """Return what is to be written."""
        return [change_of_rows(writes.INSERT_NUMBER_EVENTS, self._rows)] if self._rows else []

    def _add(
        self,
        number_id: str,
        account_id: str | None,
        arrival: Arrival,
        holder: tuple[str | None, int | None] = (None, None),
        *,
        is_certain: bool = True,
    ) -> None:
        envelope = arrival.envelope
        at = (envelope.stream, datetime.fromisoformat(envelope.time), envelope.height)
        self._rows.append((number_id, account_id, *at, *holder, is_certain))
