"""What the table is made of: the answer to each number, who may answer it, and what becomes of it otherwise."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec


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


# The objects below refer to one another in no circle, and are many: nothing of them is for the collector of circles to
# look at, whose passes over millions of objects would be heard in a call. Each field counts a million times.


class Holder(msgspec.Struct, gc=False):
    """An assistant of an account."""

    account_id: str
    assistant_id: str
    is_answering: bool = False
    number_ids: tuple[str, ...] = ()  # may name some that were taken


class Word(msgspec.Struct, frozen=True, gc=False):
    """An account's word that an assistant of its own holds a number."""

    holder: Holder
    registration: int  # that it relies on


class Redirect(msgspec.Struct, frozen=True, gc=False):
    """What few numbers have: where else its calls go, and that it is suspended."""

    status: str = ACTIVE
    fallback: str | None = None


class Number(msgspec.Struct, gc=False):
    """A number that somebody registered, or that an assignment names."""

    answer: Answer  # names the number and its owner
    phone_number: str | None = None  # None: not registered so far
    registration: int = 0
    redirect: Redirect | None = None
    holder: Holder | None = None  # by the owner's word, under the registration that counts
    words: tuple[Word, ...] = ()  # all others, at most one of each account

    def all_words(self) -> tuple[Word, ...]:
        """Return every word about it, whether it counts or not."""
        return self.words if self.holder is None else (Word(self.holder, self.registration), *self.words)

    def take(self, words: Iterable[Word]) -> None:
        """Take over all words about it, in place of those before."""
        self.holder, self.words = None, ()
        for word in words:
            self.give(word)

    def give(self, word: Word) -> None:
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
