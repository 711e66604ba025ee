"""What an event says about routing; the same for every reader, whatever it keeps the table in."""

from typing import Final, TypeAlias

import msgspec

from patchbay.assistants.codec import ROUTING, decode_event
from patchbay.assistants.events import (
    AssignedNumber,
    AssistantCreated,
    AssistantDeleted,
    AssistantUpdated,
    NumberRegistered,
    NumberReleased,
    NumbersAssigned,
    NumberUpdated,
)
from patchbay.callrouting.errors import MisplacedEvent
from patchbay.eventlog import Envelope, Record

ACCOUNT_STREAM: Final = "acct_"


class NumberOwned(msgspec.Struct, frozen=True):
    """A number belongs to an account, under this registration."""

    number_id: str
    phone_number: str  # E.164
    account_id: str
    registration: int


class NumberChanged(msgspec.Struct, frozen=True):
    """What becomes of calls to a number changed; UNSET = as before."""

    number_id: str
    fallback: str | msgspec.UnsetType | None  # E.164 number, or SIP or SIPS URI
    status: str | msgspec.UnsetType


class NumberFreed(msgspec.Struct, frozen=True):
    """A number belongs to nobody."""

    number_id: str


class NumbersHeld(msgspec.Struct, frozen=True):
    """The whole list of numbers that an assistant holds; whoever held one of them before does no longer."""

    account_id: str
    assistant_id: str
    numbers: tuple[AssignedNumber, ...]


class InboundSwitched(msgspec.Struct, frozen=True):
    """An assistant answers calls, or does not."""

    account_id: str
    assistant_id: str
    is_enabled: bool


class AssistantGone(msgspec.Struct, frozen=True):
    """An assistant holds no number and answers no call any more."""

    account_id: str
    assistant_id: str


Fact: TypeAlias = NumberOwned | NumberChanged | NumberFreed | NumbersHeld | InboundSwitched | AssistantGone


def concerns_routing(record: Record) -> bool:
    """True if the record says that it concerns routing; whether that is so, and accepted, is for others to find."""
    return any(name == "ce_affects" and value is not None and b"routing" in value for name, value in record.headers)


def read_fact(envelope: Envelope) -> Fact | None:  # noqa: C901, PLR0911 - one case and one return per event
    """
    Return what an accepted event says about routing; None if nothing, as `ce_affects` tells before all else.

    Raises:
        UnknownEventType: It concerns routing, but this version does not know how.
        MalformedEvent: Its data is not what its type says.
        MisplacedEvent: It stands in a stream that it cannot be about.
    """
    if ROUTING not in envelope.affects:
        return None
    event = decode_event(envelope.type, envelope.dataschema, envelope.value)
    stream = envelope.stream
    match event:
        case NumberRegistered(number_id=number_id) if number_id == stream:
            return NumberOwned(number_id, event.phone_number, event.account_id, envelope.height)
        case NumberReleased(number_id=number_id) if number_id == stream:
            return NumberFreed(number_id)
        case NumberUpdated(number_id=number_id) if number_id == stream:
            return NumberChanged(number_id, event.fallback, event.status)
        case NumbersAssigned() if stream.startswith(ACCOUNT_STREAM):
            return NumbersHeld(stream, event.assistant_id, event.numbers)
        case AssistantDeleted() if stream.startswith(ACCOUNT_STREAM):
            return AssistantGone(stream, event.assistant_id)
        case AssistantCreated() if event.account_id == stream and stream.startswith(ACCOUNT_STREAM):
            return InboundSwitched(stream, event.assistant_id, event.inbound_enabled)
        case AssistantUpdated(inbound_enabled=bool()) if stream.startswith(ACCOUNT_STREAM):
            return InboundSwitched(stream, event.assistant_id, event.inbound_enabled is True)
        case AssistantUpdated() if stream.startswith(ACCOUNT_STREAM):
            return None
        case NumberRegistered() | NumberReleased() | NumberUpdated():
            raise MisplacedEvent(envelope.type, stream)
        case NumbersAssigned() | AssistantCreated() | AssistantUpdated() | AssistantDeleted():
            raise MisplacedEvent(envelope.type, stream)
        case _:
            return None
