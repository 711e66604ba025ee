"""The routing rule over facts in memory: a number routes when every chain says its part of it."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, assert_never

import msgspec

from patchbay.assistants.events import AssignedNumber
from patchbay.callrouting.errors import NumberTwice
from patchbay.callrouting.facts import Fact, InboundSwitched, NumberChanged, NumberFreed, NumberOwned, NumbersHeld


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
    fallback: str | None = None  # where else to send the call, unless it is routed


UNKNOWN: Final = Answer(Outcome.UNKNOWN_NUMBER)
ACTIVE: Final = "active"
_ROUTED: Final = Outcome.ROUTED

_Key = tuple[str, str]


# The objects below refer to one another in no circle, and are many: nothing of them is for the collector of circles to
# look at, whose passes over millions of objects would be heard in a call. A million numbers decide about every field.


class _Holder(msgspec.Struct, gc=False):
    """An assistant of an account."""

    account_id: str
    assistant_id: str
    is_answering: bool = False
    number_ids: tuple[str, ...] = ()  # may name some that were taken


class _Redirect(msgspec.Struct, frozen=True, gc=False):
    """What few numbers have: where else its calls go, and that it is suspended."""

    status: str = ACTIVE
    fallback: str | None = None


class _Number(msgspec.Struct, gc=False):
    """A number that somebody registered, or that an assignment names."""

    number_id: str
    phone_number: str | None = None  # None: not registered so far
    account_id: str | None = None  # None: it belongs to nobody
    registration: int = 0
    redirect: _Redirect | None = None
    holder: _Holder | None = None
    held_registration: int = 0  # which the holder relies on
    others: tuple[tuple[_Holder, int], ...] = ()  # of further accounts, with the registrations they rely on

    def holders(self) -> tuple[tuple[_Holder, int], ...]:
        """Return who holds it by the word of any account, with the registrations they rely on."""
        return self.others if self.holder is None else ((self.holder, self.held_registration), *self.others)

    def hold(self, holders: tuple[tuple[_Holder, int], ...]) -> None:
        """Take over who holds it."""
        (self.holder, self.held_registration), *others = holders or ((None, 0),)
        self.others = tuple(others)


class RoutingTable:
    """
    The table as the facts so far make it.

    Facts of one stream are to be applied in order; those of different streams in any order give the same table.
    """

    def __init__(self) -> None:
        self._by_phone: dict[str, _Number] = {}  # those that were ever registered
        self._numbers: dict[str, _Number] = {}  # by id
        self._holders: dict[_Key, _Holder] = {}  # by account and assistant
        self._accounts: dict[str, str] = {}  # each text once

    def __len__(self) -> int:
        """Return how many numbers belong to somebody."""
        return sum(number.account_id is not None for number in self._by_phone.values())

    def phone_numbers(self) -> Iterable[str]:
        """Return every number that belongs to somebody, E.164."""
        return [phone_number for phone_number, number in self._by_phone.items() if number.account_id is not None]

    def name_of(self, stream: str) -> str:
        """Return the text that this table has for a stream's id already, if it has one: one is enough in memory."""
        number = self._numbers.get(stream)
        return number.number_id if number is not None else self._accounts.get(stream, stream)

    def look_up(self, phone_number: str) -> Answer:
        """Return who answers `phone_number` (E.164, with the plus sign)."""
        number = self._by_phone.get(phone_number)
        if number is None or (account_id := number.account_id) is None:
            return UNKNOWN
        holder = number.holder
        if holder is not None and (
            holder.account_id != account_id or number.held_registration != number.registration or number.others
        ):
            holder = _effective(number)
        redirect = number.redirect
        if redirect is None:
            if holder is None:
                return Answer(Outcome.UNASSIGNED, None, account_id, number.number_id)
            outcome = _ROUTED if holder.is_answering else Outcome.INBOUND_DISABLED
            return Answer(outcome, holder.assistant_id, account_id, number.number_id)
        return _redirected(number, holder, redirect)

    def apply(self, fact: Fact) -> set[str]:
        """
        Take a fact over; return the phone numbers whose answer it may have changed.

        Raises:
            NumberTwice: A phone number is registered under a second id; nothing has changed.
        """
        match fact:
            case NumberOwned():
                return self._own(fact)
            case NumberChanged():
                return self._change(fact)
            case NumberFreed():
                return self._free(fact.number_id)
            case NumbersHeld():
                return self._hold(fact.account_id, fact.assistant_id, fact.numbers)
            case InboundSwitched():
                return self._switch(fact.account_id, fact.assistant_id, is_enabled=fact.is_enabled)
            case _:
                assert_never(fact)

    def restore_number(
        self,
        number_id: str,
        phone_number: str,
        account_id: str | None,
        registration: int,
        status: str,
        fallback: str | None,
    ) -> None:
        """
        Take over all that a number's stream has said, as another table of the same log has it.

        Raises:
            NumberTwice: A phone number is registered under a second id.
        """
        self._own(NumberOwned(number_id, phone_number, account_id or "", registration))
        number = self._numbers[number_id]
        if account_id is None:
            number.account_id = None
        if status != ACTIVE or fallback is not None:
            number.redirect = _Redirect(status, fallback)

    def restore_holding(self, account_id: str, assistant_id: str, number_id: str, registration: int) -> None:
        """Take over that an assistant holds a number, as another table of the same log has it."""
        holder, number = self._holder(account_id, assistant_id), self._number(number_id)
        number.hold(((holder, registration), *number.holders()))
        holder.number_ids += (number.number_id,)

    def _own(self, fact: NumberOwned) -> set[str]:
        there = self._by_phone.get(fact.phone_number)
        if there is not None and there.number_id != fact.number_id:
            raise NumberTwice(fact.number_id, there.number_id)
        number = self._number(fact.number_id)
        changed = {fact.phone_number}
        if number.phone_number is not None and number.phone_number != fact.phone_number:
            del self._by_phone[number.phone_number]
            changed.add(number.phone_number)
        number.phone_number = fact.phone_number
        number.account_id = self._account(fact.account_id)
        number.registration = fact.registration
        number.redirect = None
        self._by_phone[fact.phone_number] = number
        return changed

    def _change(self, fact: NumberChanged) -> set[str]:
        number = self._numbers.get(fact.number_id)
        if number is None or number.phone_number is None:
            return set()
        redirect = number.redirect or _Redirect()
        status = redirect.status if fact.status is msgspec.UNSET else fact.status
        fallback = redirect.fallback if fact.fallback is msgspec.UNSET else fact.fallback
        is_plain = status == ACTIVE and fallback is None
        number.redirect = None if is_plain else _Redirect(status, fallback)
        return {number.phone_number}

    def _free(self, number_id: str) -> set[str]:
        number = self._numbers.get(number_id)
        if number is None or number.phone_number is None:
            return set()
        number.account_id = number.redirect = None
        return {number.phone_number}

    def _hold(self, account_id: str, assistant_id: str, assigned: tuple[AssignedNumber, ...]) -> set[str]:
        holder = self._holder(account_id, assistant_id)
        touched = [self._numbers[number_id] for number_id in holder.number_ids if number_id in self._numbers]
        for number in touched:
            number.hold(tuple(each for each in number.holders() if each[0] is not holder))
        for one in assigned:
            number = self._number(one.number_id)
            touched.append(number)
            # Whoever of this account held it before holds it no longer; other accounts' words count on.
            others = tuple(each for each in number.holders() if each[0].account_id != account_id)
            number.hold(((holder, one.registration), *others))
        holder.number_ids = tuple(self._numbers[one.number_id].number_id for one in assigned)
        self._forget(holder, touched)
        return {number.phone_number for number in touched if number.phone_number is not None}

    def _switch(self, account_id: str, assistant_id: str, *, is_enabled: bool) -> set[str]:
        holder = self._holder(account_id, assistant_id)
        holder.is_answering = is_enabled
        self._forget(holder, ())
        touched = [self._numbers[number_id] for number_id in holder.number_ids if number_id in self._numbers]
        return {number.phone_number for number in touched if number.phone_number is not None}

    def _forget(self, holder: _Holder, numbers: Iterable[_Number]) -> None:
        """Forget what says nothing any more."""
        for number in numbers:
            if number.phone_number is None and not number.holders():
                self._numbers.pop(number.number_id, None)
        if not holder.is_answering and not holder.number_ids:
            self._holders.pop((holder.account_id, holder.assistant_id), None)

    def _number(self, number_id: str) -> _Number:
        number = self._numbers.get(number_id)
        if number is None:
            number = self._numbers[number_id] = _Number(number_id)
        return number

    def _holder(self, account_id: str, assistant_id: str) -> _Holder:
        holder = self._holders.get((account_id, assistant_id))
        if holder is None:
            holder = _Holder(self._account(account_id), assistant_id)
            self._holders[holder.account_id, assistant_id] = holder
        return holder

    def _account(self, account_id: str) -> str:
        return self._accounts.setdefault(account_id, account_id)


def _effective(number: _Number) -> _Holder | None:
    """Return who holds a number by the word of the account that owns it, under the registration that it has."""
    for holder, registration in number.holders():
        if holder.account_id == number.account_id and registration == number.registration:
            return holder
    return None


def _redirected(number: _Number, holder: _Holder | None, redirect: _Redirect) -> Answer:
    assistant_id = None if holder is None else holder.assistant_id
    if redirect.status != ACTIVE:
        outcome = Outcome.SUSPENDED
    elif holder is None:
        outcome = Outcome.UNASSIGNED
    elif holder.is_answering:
        return Answer(_ROUTED, assistant_id, number.account_id, number.number_id)
    else:
        outcome = Outcome.INBOUND_DISABLED
    return Answer(outcome, assistant_id, number.account_id, number.number_id, redirect.fallback)
