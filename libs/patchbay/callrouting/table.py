"""The routing rule over facts in memory: a number routes when every chain says its part of it."""

from collections.abc import Iterable, Mapping
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

_Key = tuple[str, str]


# The objects below refer to one another in no circle, and are many: nothing of them is for the collector of circles to
# look at, whose passes over millions of objects would be heard in a call. Each field counts a million times.


class _Holder(msgspec.Struct, gc=False):
    """An assistant of an account."""

    account_id: str
    assistant_id: str
    is_answering: bool = False
    number_ids: tuple[str, ...] = ()  # may name some that were taken


class _Word(msgspec.Struct, frozen=True, gc=False):
    """An account's word that an assistant of its own holds a number."""

    holder: _Holder
    registration: int  # that it relies on


class _Redirect(msgspec.Struct, frozen=True, gc=False):
    """What few numbers have: where else its calls go, and that it is suspended."""

    status: str = ACTIVE
    fallback: str | None = None


class _Number(msgspec.Struct, gc=False):
    """A number that somebody registered, or that an assignment names."""

    answer: Answer  # names the number and its owner
    phone_number: str | None = None  # None: not registered so far
    registration: int = 0
    redirect: _Redirect | None = None
    holder: _Holder | None = None  # by the owner's word, under the registration that counts
    words: tuple[_Word, ...] = ()  # all others, at most one of each account

    def all_words(self) -> tuple[_Word, ...]:
        """Return every word about it, whether it counts or not."""
        return self.words if self.holder is None else (_Word(self.holder, self.registration), *self.words)

    def take(self, words: Iterable[_Word]) -> None:
        """Take over all words about it, in place of those before."""
        self.holder, self.words = None, ()
        for word in words:
            self.give(word)

    def give(self, word: _Word) -> None:
        """Take over one more word, of an account that has none yet."""
        if word.registration == self.registration and word.holder.account_id == self.answer.account_id:
            self.holder = word.holder
        else:
            self.words += (word,)

    def settle(self) -> bool:
        """Work out anew what is answered for it, as it belongs to somebody; return whether that has changed."""
        before, holder, redirect = self.answer, self.holder, self.redirect
        assistant_id = None if holder is None else holder.assistant_id
        fallback = None if redirect is None else redirect.fallback
        if redirect is not None and redirect.status != ACTIVE:
            outcome = Outcome.SUSPENDED
        elif holder is None:
            outcome = Outcome.UNASSIGNED
        elif holder.is_answering:
            outcome, fallback = Outcome.ROUTED, None
        else:
            outcome = Outcome.INBOUND_DISABLED
        self.answer = Answer(outcome, assistant_id, before.account_id, before.number_id, fallback)
        return self.answer != before


class RoutingTable:
    """
    The table as the facts so far make it.

    Facts of one stream are to be applied in order; those of different streams in any order give the same table.
    Answers are worked out when facts come in, so that a look-up is one step.
    """

    def __init__(self) -> None:
        self._answers: dict[str, Answer] = {}  # by phone number; of those that belong to somebody
        self._released: dict[str, str] = {}  # ids by phone number, of those that belonged to somebody
        self._numbers: dict[str, _Number] = {}  # by id
        self._holders: dict[_Key, _Holder] = {}  # by account and assistant
        self._accounts: dict[str, str] = {}  # each text once

    def __len__(self) -> int:
        """Return how many numbers belong to somebody."""
        return len(self._answers)

    def phone_numbers(self) -> Iterable[str]:
        """Return every number that belongs to somebody, E.164."""
        return list(self._answers)

    def name_of(self, stream: str) -> str:
        """Return the text that this table has for a stream's id already, if it has one: one is enough in memory."""
        number = self._numbers.get(stream)
        return self._accounts.get(stream, stream) if number is None else number.answer.number_id or stream

    def look_up(self, phone_number: str) -> Answer:
        """Return who answers `phone_number` (E.164, with the plus sign)."""
        return self._answers.get(phone_number, UNKNOWN)

    def apply(self, fact: Fact) -> set[str]:
        """
        Take a fact over; return the phone numbers whose answer it has changed.

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

    def restore_answering(self, account_id: str, assistant_id: str) -> None:
        """Take over that an assistant answers calls, as another table of the same log has it."""
        self._holder(account_id, assistant_id).is_answering = True

    def restore_holding(self, account_id: str, assistant_id: str, number_id: str, registration: int) -> None:
        """Take over that an assistant holds a number, as another table of the same log has it."""
        holder, number = self._holder(account_id, assistant_id), self._number(number_id)
        number.give(_Word(holder, registration))
        holder.number_ids += (self.name_of(number_id),)
        self._settle(number)

    def _own(self, fact: NumberOwned) -> set[str]:
        there = self._answers.get(fact.phone_number)
        other_id = self._released.get(fact.phone_number) if there is None else there.number_id
        if other_id not in (None, fact.number_id):
            raise NumberTwice(fact.number_id, str(other_id))
        number = self._number(fact.number_id)
        changed = set()
        if number.phone_number not in (None, fact.phone_number):
            changed = self._free(fact.number_id)  # an id is derived from one phone number; this one is not
            self._released.pop(str(number.phone_number))
        words = number.all_words()
        account_id = self._accounts.setdefault(fact.account_id, fact.account_id)
        number.phone_number, number.registration, number.redirect = fact.phone_number, fact.registration, None
        number.answer = Answer(Outcome.UNKNOWN_NUMBER, None, account_id, number.answer.number_id)
        self._released.pop(fact.phone_number, None)
        if words:
            number.take(words)
        return changed | self._settle(number)

    def _change(self, fact: NumberChanged) -> set[str]:
        number = self._numbers.get(fact.number_id)
        if number is None:
            return set()
        redirect = number.redirect or _Redirect()
        status = redirect.status if fact.status is msgspec.UNSET else fact.status
        fallback = redirect.fallback if fact.fallback is msgspec.UNSET else fact.fallback
        is_plain = status == ACTIVE and fallback is None
        number.redirect = None if is_plain else _Redirect(status, fallback)
        return self._settle(number)

    def _free(self, number_id: str) -> set[str]:
        number = self._numbers.get(number_id)
        if number is None or number.phone_number is None or number.answer.account_id is None:
            return set()
        words = number.all_words()
        number.answer, number.redirect = Answer(Outcome.UNKNOWN_NUMBER, None, None, number.answer.number_id), None
        number.take(words)
        del self._answers[number.phone_number]
        self._released[number.phone_number] = number_id
        return {number.phone_number}

    def _hold(self, account_id: str, assistant_id: str, assigned: tuple[AssignedNumber, ...]) -> set[str]:
        holder = self._holder(account_id, assistant_id)
        touched = {number_id: self._numbers[number_id] for number_id in holder.number_ids if number_id in self._numbers}
        for number in touched.values():
            number.take([word for word in number.all_words() if word.holder is not holder])
        for one in assigned:
            number = touched[one.number_id] = self._number(one.number_id)
            # Whoever of this account held it before holds it no longer; other accounts' words are their own.
            if number.holder is not None or number.words:
                number.take([word for word in number.all_words() if word.holder.account_id != account_id])
            number.give(_Word(holder, one.registration))
        holder.number_ids = tuple(self.name_of(one.number_id) for one in assigned)
        self._forget(holder, touched)
        return self._settle(*touched.values())

    def _switch(self, account_id: str, assistant_id: str, *, is_enabled: bool) -> set[str]:
        holder = self._holder(account_id, assistant_id)
        holder.is_answering = is_enabled
        self._forget(holder, {})
        return self._settle(*[self._numbers[each] for each in holder.number_ids if each in self._numbers])

    def _settle(self, *numbers: _Number) -> set[str]:
        """Work the answers of numbers out anew; return the phone numbers of those that changed."""
        changed = set()
        for number in numbers:
            if number.phone_number is not None and number.answer.account_id is not None and number.settle():
                self._answers[number.phone_number] = number.answer
                changed.add(number.phone_number)
        return changed

    def _forget(self, holder: _Holder, numbers: Mapping[str, _Number]) -> None:
        """Forget what says nothing any more."""
        for number_id, number in numbers.items():
            if number.phone_number is None and not number.words:
                self._numbers.pop(number_id, None)
        if not holder.is_answering and not holder.number_ids:
            self._holders.pop((holder.account_id, holder.assistant_id), None)

    def _number(self, number_id: str) -> _Number:
        number = self._numbers.get(number_id)
        if number is None:
            number = _Number(Answer(Outcome.UNKNOWN_NUMBER, None, None, number_id))
            self._numbers[number_id] = number
        return number

    def _holder(self, account_id: str, assistant_id: str) -> _Holder:
        holder = self._holders.get((account_id, assistant_id))
        if holder is None:
            account_id = self._accounts.setdefault(account_id, account_id)
            holder = self._holders[account_id, assistant_id] = _Holder(account_id, assistant_id)
        return holder
