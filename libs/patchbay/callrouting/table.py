"""The routing rule over facts in memory: a number routes when every chain says its part of it."""

from collections.abc import Iterable, Mapping
from typing import assert_never

import msgspec

from patchbay.assistants.events import AssignedNumber
from patchbay.callrouting.entries import ACTIVE, UNKNOWN, Answer, Holder, Number, Outcome, Redirect, Word
from patchbay.callrouting.errors import NumberTwice
from patchbay.callrouting.facts import (
    AssistantGone,
    Fact,
    InboundSwitched,
    NumberChanged,
    NumberFreed,
    NumberOwned,
    NumbersHeld,
)

_Key = tuple[str, str]


class RoutingTable:
    """
    The table as the facts so far make it.

    Facts of one stream are to be applied in order; those of different streams in any order give the same table.
    Answers are worked out when facts come in, so that a look-up is one step.
    """

    def __init__(self) -> None:
        self._answers: dict[str, Answer] = {}  # by phone number; of those that belong to somebody
        self._released: dict[str, str] = {}  # ids by phone number, of those that belonged to somebody
        self._numbers: dict[str, Number] = {}  # by id
        self._holders: dict[_Key, Holder] = {}  # by account and assistant
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
            case AssistantGone():
                freed = self._hold(fact.account_id, fact.assistant_id, ())
                return freed | self._switch(fact.account_id, fact.assistant_id, is_enabled=False)
            case _:
                assert_never(fact)

    def restore_number(
        self, number_id: str, phone_number: str, account_id: str | None, *, registration: int, redirect: Redirect | None
    ) -> None:
        """
        Take over all that a number's stream says, as another table of the same log has it, before any that hold it.

        Raises:
            NumberTwice: A phone number is registered under a second id.
        """
        other_id = self._released.get(phone_number) or self._answers.get(phone_number, UNKNOWN).number_id
        if other_id is not None or number_id in self._numbers:
            raise NumberTwice(number_id, other_id or number_id)
        if account_id is None:
            self._released[phone_number] = number_id
            answer = Answer(Outcome.UNKNOWN_NUMBER, None, None, number_id)
        else:
            account_id = self._accounts.setdefault(account_id, account_id)
            answer = self._answers[phone_number] = Answer(Outcome.UNASSIGNED, None, account_id, number_id)
        number = self._numbers[number_id] = Number(answer, phone_number, registration, redirect)
        if redirect is not None:
            self._settle(number)

    def restore_answering(self, account_id: str, assistant_id: str) -> None:
        """Take over that an assistant answers calls, as another table of the same log has it."""
        self._holder(account_id, assistant_id).is_answering = True

    def restore_holding(self, account_id: str, assistant_id: str, number_id: str, registration: int) -> None:
        """Take over that an assistant holds a number, as another table of the same log has it."""
        holder, number = self._holder(account_id, assistant_id), self._number(number_id)
        number.give(Word(holder, registration))
        holder.number_ids += (number.answer.number_id or number_id,)
        if number.phone_number is not None and number.holder is holder and number.settle():
            self._answers[number.phone_number] = number.answer

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
        redirect = number.redirect or Redirect()
        status = redirect.status if fact.status is msgspec.UNSET else fact.status
        fallback = redirect.fallback if fact.fallback is msgspec.UNSET else fact.fallback
        is_plain = status == ACTIVE and fallback is None
        number.redirect = None if is_plain else Redirect(status, fallback)
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
            number.give(Word(holder, one.registration))
        holder.number_ids = tuple(self.name_of(one.number_id) for one in assigned)
        self._forget(holder, touched)
        return self._settle(*touched.values())

    def _switch(self, account_id: str, assistant_id: str, *, is_enabled: bool) -> set[str]:
        holder = self._holder(account_id, assistant_id)
        holder.is_answering = is_enabled
        self._forget(holder, {})
        return self._settle(*[self._numbers[each] for each in holder.number_ids if each in self._numbers])

    def _settle(self, *numbers: Number) -> set[str]:
        """Work the answers of numbers out anew; return the phone numbers of those that changed."""
        changed = set()
        for number in numbers:
            if number.phone_number is not None and number.answer.account_id is not None and number.settle():
                self._answers[number.phone_number] = number.answer
                changed.add(number.phone_number)
        return changed

    def _forget(self, holder: Holder, numbers: Mapping[str, Number]) -> None:
        """Forget what says nothing any more."""
        for number_id, number in numbers.items():
            if number.phone_number is None and not number.words:
                self._numbers.pop(number_id, None)
        if not holder.is_answering and not holder.number_ids:
            self._holders.pop((holder.account_id, holder.assistant_id), None)

    def _number(self, number_id: str) -> Number:
        number = self._numbers.get(number_id)
        if number is None:
            number = Number(Answer(Outcome.UNKNOWN_NUMBER, None, None, number_id))
            self._numbers[number_id] = number
        return number

    def _holder(self, account_id: str, assistant_id: str) -> Holder:
        holder = self._holders.get((account_id, assistant_id))
        if holder is None:
            account_id = self._accounts.setdefault(account_id, account_id)
            holder = self._holders[account_id, assistant_id] = Holder(account_id, assistant_id)
        return holder
