"""
How an effect reads, rendered from nothing but the event (or the command that changed nothing) and the state after it.

So a repetition, and the `result` of a command's status, give the bytes of the first answer.
"""

from typing import TypeVar

import msgspec

from patchbay.api.reading.accounts import AccountRecord
from patchbay.api.reading.numbers import NumberRecord
from patchbay.api.writing.outcomes import State, Written
from patchbay.assistants.commands import (
    AssignNumbers,
    Command,
    DeclareAssistant,
    OpenAccount,
    RegisterNumber,
    ReleaseNumber,
    RestoreAssistant,
    RevokeKey,
    SwitchInbound,
    UpdateAssistant,
    UpdateNumber,
)
from patchbay.assistants.events import (
    AccountOpened,
    AssistantCreated,
    AssistantDeleted,
    AssistantUpdated,
    KeyIssued,
    KeyRevoked,
    NumberRegistered,
    NumberReleased,
    NumbersAssigned,
    NumberUpdated,
    ReplacedKey,
)
from patchbay.assistants.notices import warnings_of
from patchbay.assistants.states import Account, Assistant, Number, Operators

encode = msgspec.json.Encoder().encode

_TEXTS = ("first_message", "system_prompt")


_decode_assistant = msgspec.json.Decoder(Assistant).decode


class Effect(msgspec.Struct, frozen=True):
    """The body that tells an effect, and the version that the assistant has by it."""

    body: bytes
    version: int | None = None


class IssuedKey(msgspec.Struct, frozen=True, kw_only=True):
    """The public record of a key; its JSON, in this field order, is what clients see."""

    id: str
    account_id: str | None
    name: str
    hint: str
    scopes: tuple[str, ...]
    expires_at: str | None
    requests_per_hour: int | None
    created_at: str
    replaces: ReplacedKey | msgspec.UnsetType = msgspec.UNSET
    secret: str | msgspec.UnsetType = msgspec.UNSET  # shown once


class CannotTell(Exception):
    """There is no answer for this event or command."""


def effect_of(  # noqa: PLR0911 - one return per event
    written: Written, command: Command | None = None, secret: str | None = None
) -> Effect:
    """
    Return the answer to a write.

    Args:
        written: What it led to.
        command: What was asked for; needed only where it led to nothing.
        secret: Of a key that this very request has issued.

    Raises:
        CannotTell: No answer is known for this event or command.
    """
    state, event = written.state, written.event
    match event:
        case AssistantCreated() | AssistantUpdated():
            return _assistant(_of(state, event.assistant_id), event)
        case AssistantDeleted():
            return Effect(encode({"success": True, "message": "The assistant is deleted.", "id": event.assistant_id}))
        case NumbersAssigned():
            numbers = tuple(number.number_id for number in event.numbers)
            return _assignment(_of(state, event.assistant_id), numbers)
        case NumberRegistered() | NumberUpdated():
            return Effect(number_body(number_record(_as(Number, state))))
        case NumberReleased():
            return _released(event.number_id)
        case AccountOpened():
            return _account(event.account_id, event.slug, event.name, written.time)
        case KeyIssued():
            return _issued(event, written.time, secret)
        case KeyRevoked():
            return _revoked(event.key_id, written.time)
        case None if command is not None:
            return _unchanged(command, state)
        case _:
            raise CannotTell(f"no answer is known for {type(event).__name__}")


def _unchanged(command: Command, state: State) -> Effect:  # noqa: PLR0911 - one return per command
    match command:
        case UpdateAssistant():
            return _assistant(_of(state, command.assistant_id), command.changes)
        case SwitchInbound():
            return _assistant(_of(state, command.assistant_id))
        case DeclareAssistant():
            (assistant_id,) = _as(Account, state).named[command.name]
            return _assistant(_of(state, assistant_id), command.fields)
        case RestoreAssistant():
            return _assistant(_of(state, command.assistant_id), command.configuration)
        case AssignNumbers():
            return _assignment(_of(state, command.assistant_id), command.number_ids)
        case OpenAccount():
            account = _as(Account, state)
            return _account(account.id, account.slug, account.name, account.created_at)
        case RegisterNumber() | UpdateNumber():
            return Effect(number_body(number_record(_as(Number, state))))
        case ReleaseNumber():  # another request has released it since this one began
            return _released(command.number_id)
        case RevokeKey() if isinstance(state, Account | Operators):
            key = state.keys[command.key_id]
            return _revoked(command.key_id, None if key is None else key.revoked_at)
        case _:
            raise CannotTell(f"no answer is known for an idle {type(command).__name__}")


def _released(number_id: str) -> Effect:
    return Effect(encode({"success": True, "message": "The number is released.", "id": number_id}))


def _assistant(assistant: Assistant, written: AssistantCreated | AssistantUpdated | None = None) -> Effect:
    """Return the assistant as it is now, with warnings for its models, and for the texts that were written."""
    warnings = warnings_of(assistant, {field: getattr(written, field, None) for field in _TEXTS})
    ending = b',"warnings":' + encode(warnings) + b"}" if warnings else b"}"
    return Effect(b'{"success":true,"assistant":' + encode(assistant) + ending, assistant.version)


def _assignment(assistant: Assistant, number_ids: tuple[str, ...]) -> Effect:
    body: dict[str, object] = {
        "success": True,
        "message": _assignment_message(len(number_ids)),
        "phoneNumberIds": number_ids,
        "assistant": assistant,
    }
    if warnings := warnings_of(assistant, {}):
        body["warnings"] = warnings
    return Effect(encode(body), assistant.version)


def assignment_body(record: bytes) -> bytes:
    """Return the body that shows the numbers of an assistant, from its record."""
    assistant = _decode_assistant(record)
    return _assignment(assistant, assistant.phone_number_ids).body


def _assignment_message(count: int) -> str:
    if count == 0:
        return "The assistant has no phone numbers."
    return f"The assistant has {count} phone number{'' if count == 1 else 's'}."


def number_record(number: Number, assistant_id: str | None = None) -> NumberRecord:
    """Return the public record. That an assistant has the number, only the account's stream tells."""
    return NumberRecord(
        id=number.id,
        account_id=number.account_id or "",
        phone_number=number.phone_number or "",
        status=number.status,
        fallback=number.fallback,
        assistant_id=assistant_id,
        created_at=number.created_at or "",
        updated_at=number.updated_at or "",
    )


def number_body(record: NumberRecord) -> bytes:
    """Return the body that shows a phone number."""
    return b'{"success":true,"phone_number":' + encode(record) + b"}"


def _account(account_id: str, slug: str | None, name: str | None, created_at: str | None) -> Effect:
    record = AccountRecord(id=account_id, slug=slug or "", name=name or "", created_at=created_at or "")
    return Effect(b'{"success":true,"account":' + encode(record) + b"}")


def _issued(event: KeyIssued, time: str, secret: str | None) -> Effect:
    record = IssuedKey(
        id=event.key_id,
        account_id=event.account_id,
        name=event.name,
        hint=event.hint,
        scopes=event.scopes,
        expires_at=event.expires_at,
        requests_per_hour=event.requests_per_hour,
        created_at=time,
        replaces=event.replaces,
        secret=msgspec.UNSET if secret is None else secret,
    )
    return Effect(b'{"success":true,"key":' + encode(record) + b"}")


def _revoked(key_id: str, revoked_at: str | None) -> Effect:
    return Effect(
        encode({"success": True, "message": "The key is revoked.", "key": {"id": key_id, "revoked_at": revoked_at}})
    )


def _of(state: State, assistant_id: str) -> Assistant:
    assistant = _as(Account, state).assistants.get(assistant_id)
    if assistant is None:
        raise CannotTell(f"the state after the event has no assistant {assistant_id}")
    return assistant


S = TypeVar("S", Account, Number, Operators)


def _as(kind: type[S], state: State) -> S:
    if not isinstance(state, kind):
        raise CannotTell(f"the state after the event is a {type(state).__name__}, not a {kind.__name__}")
    return state
