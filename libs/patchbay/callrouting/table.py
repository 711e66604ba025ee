"""The routing rule over facts in memory: a number routes when every chain says its part of it."""

from collections.abc import Iterable
from enum import StrEnum
from typing import assert_never

import msgspec

from patchbay.assistants.events import AssignedNumber
from patchbay.callrouting.errors import NumberTwice
from patchbay.callrouting.facts import Fact, InboundSwitched, NumberFreed, NumberOwned, NumbersHeld


class Outcome(StrEnum):
    """What becomes of a call to a number; never silence."""

    ROUTED = "routed"
    UNASSIGNED = "unassigned"  # no assistant holds it
    INBOUND_DISABLED = "inbound_disabled"  # the one that holds it does not answer calls
    SUSPENDED = "suspended"
    UNKNOWN_NUMBER = "unknown_number"  # it belongs to nobody


class Answer(msgspec.Struct, frozen=True, gc=False):
    """Who answers a number, or why nobody does."""

    outcome: Outcome
    assistant_id: str | None = None  # who answers, if routed; else who holds the number, if anybody
    account_id: str | None = None
    number_id: str | None = None


UNKNOWN = Answer(Outcome.UNKNOWN_NUMBER)

_Key = tuple[str, str]


class _Owned(msgspec.Struct, frozen=True, gc=False):
    number_id: str
    account_id: str | None  # None: it was released
    registration: int


class _Held(msgspec.Struct, frozen=True, gc=False):
    assistant_id: str
    registration: int


class RoutingTable:
    """
    The table as the facts so far make it.

    Facts of one stream are to be applied in order; those of different streams in any order give the same table.
    """

    def __init__(self) -> None:
        self._owned: dict[str, _Owned] = {}  # by phone number
        self._phone_numbers: dict[str, str] = {}  # by number id
        self._held: dict[_Key, _Held] = {}  # by account and number
        self._numbers_of: dict[_Key, tuple[str, ...]] = {}  # by account and assistant; may name some that were taken
        self._answering: set[_Key] = set()  # account and assistant

    def __len__(self) -> int:
        """Return how many numbers belong to somebody."""
        return sum(owned.account_id is not None for owned in self._owned.values())

    def phone_numbers(self) -> Iterable[str]:
        """Return every number that belongs to somebody, E.164."""
        return [number for number, owned in self._owned.items() if owned.account_id is not None]

    def look_up(self, phone_number: str) -> Answer:
        """Return who answers `phone_number` (E.164, with the plus sign)."""
        owned = self._owned.get(phone_number)
        if owned is None or owned.account_id is None:
            return UNKNOWN
        account_id, number_id = owned.account_id, owned.number_id
        held = self._held.get((account_id, number_id))
        if held is None or held.registration != owned.registration:
            return Answer(Outcome.UNASSIGNED, None, account_id, number_id)
        assistant_id = held.assistant_id
        is_answering = (account_id, assistant_id) in self._answering
        outcome = Outcome.ROUTED if is_answering else Outcome.INBOUND_DISABLED
        return Answer(outcome, assistant_id, account_id, number_id)

    def apply(self, fact: Fact) -> set[str]:
        """
        Take a fact over; return the phone numbers whose answer it may have changed.

        Raises:
            NumberTwice: A phone number is registered under a second id; nothing has changed.
        """
        match fact:
            case NumberOwned():
                return self._own(fact)
            case NumberFreed():
                return self._free(fact.number_id)
            case NumbersHeld():
                return self._hold(fact.account_id, fact.assistant_id, fact.numbers)
            case InboundSwitched():
                return self._switch((fact.account_id, fact.assistant_id), fact.is_enabled)
            case _:
                assert_never(fact)

    def _own(self, fact: NumberOwned) -> set[str]:
        there = self._owned.get(fact.phone_number)
        if there is not None and there.number_id != fact.number_id:
            raise NumberTwice(fact.number_id, there.number_id)
        changed = {fact.phone_number}
        before = self._phone_numbers.get(fact.number_id)
        if before is not None and before != fact.phone_number:
            del self._owned[before]
            changed.add(before)
        self._phone_numbers[fact.number_id] = fact.phone_number
        self._owned[fact.phone_number] = _Owned(fact.number_id, fact.account_id, fact.registration)
        return changed

    def _free(self, number_id: str) -> set[str]:
        phone_number = self._phone_numbers.get(number_id)
        if phone_number is None:
            return set()
        self._owned[phone_number] = _Owned(number_id, None, self._owned[phone_number].registration)
        return {phone_number}

    def _hold(self, account_id: str, assistant_id: str, numbers: tuple[AssignedNumber, ...]) -> set[str]:
        key = (account_id, assistant_id)
        before = self._numbers_of.pop(key, ())
        for number_id in before:
            held = self._held.get((account_id, number_id))
            if held is not None and held.assistant_id == assistant_id:
                del self._held[account_id, number_id]
        for number in numbers:
            self._held[account_id, number.number_id] = _Held(assistant_id, number.registration)
        after = tuple(number.number_id for number in numbers)
        if after:
            self._numbers_of[key] = after
        return self._phone_numbers_of((*before, *after))

    def _switch(self, key: _Key, is_enabled: bool) -> set[str]:  # noqa: FBT001 - the fact's own field
        if is_enabled:
            self._answering.add(key)
        else:
            self._answering.discard(key)
        return self._phone_numbers_of(self._numbers_of.get(key, ()))

    def _phone_numbers_of(self, number_ids: Iterable[str]) -> set[str]:
        known = self._phone_numbers
        return {known[number_id] for number_id in number_ids if number_id in known}
