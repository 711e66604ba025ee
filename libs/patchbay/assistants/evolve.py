"""How state follows from events. `evolve_*` applies and never judges; parts that are not loaded stay so."""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from patchbay.assistants.codec import subject_of, type_of
from patchbay.assistants.errors import UnfoldableEvent
from patchbay.assistants.events import (
    AccountOpened,
    AssistantCreated,
    AssistantDeleted,
    AssistantUpdated,
    Event,
    KeyIssued,
    KeyRevoked,
    NumberRegistered,
    NumberReleased,
    NumbersAssigned,
    NumberUpdated,
    StreamMended,
)
from patchbay.assistants.states import Account, Assistant, Holding, Key, Number, Operators

CONFIGURATION_FIELDS = tuple(
    field for field in AssistantUpdated.__struct_fields__ if field not in ("assistant_id", "restored_from")
)


def changed_fields(event: AssistantUpdated) -> dict[str, object]:
    """Return the fields that `event` sets, with their new values."""
    return {field: value for field in CONFIGURATION_FIELDS if (value := getattr(event, field)) is not msgspec.UNSET}


def evolve_assistant(assistant: Assistant | None, event: Event, *, assistant_id: str, time: str) -> Assistant:
    """
    Return the one assistant `assistant_id` as it is after `event`, which may be about another assistant.

    After its deletion: as it was last, without numbers; that it is no more, the event tells.

    Args:
        assistant: The assistant before the event; None before its `AssistantCreated`.
        event: An event of the account's stream.
        assistant_id: Whose state is asked for.
        time: The event's time, ISO 8601, UTC, six digits.

    Raises:
        UnfoldableEvent: There is no assistant yet, and `event` does not create it.
    """
    if isinstance(event, AssistantCreated):
        return _created(event, time) if event.assistant_id == assistant_id else _present(assistant, event)
    before = _present(assistant, event)
    match event:
        case AssistantUpdated() if event.assistant_id == assistant_id:
            return _updated(before, event, time)
        case AssistantDeleted() if event.assistant_id == assistant_id:
            return _with_numbers(before, (), time)
        case NumbersAssigned() if event.assistant_id == assistant_id:
            return _with_numbers(before, tuple(number.number_id for number in event.numbers), time)
        case NumbersAssigned() if assistant_id in event.taken_from:
            lost = {number.number_id for number in event.numbers}
            return _with_numbers(before, tuple(n for n in before.phone_number_ids if n not in lost), time)
        case _:
            return before


def evolve_account(  # noqa: PLR0911 - one return per event
    account: Account,
    event: Event,
    *,
    height: int,  # noqa: ARG001 - all streams fold alike
    time: str,
) -> Account:
    """
    Return the loaded part of the account as it is after `event`.

    What is loaded is kept true and nothing is loaded, but for what the event itself tells whole: a new assistant, a
    new key, and who holds the numbers that it names.

    Raises:
        UnfoldableEvent: `event` does not belong into an account's stream, or is about something that is known not to
            be there.
    """
    match event:
        case AssistantCreated():
            created = _created(event, time)
            named = _named(account.named, event.assistant_id, event.name)
            return replace(account, assistants={**account.assistants, event.assistant_id: created}, named=named)
        case AssistantUpdated():
            if event.name is not msgspec.UNSET:
                account = replace(account, named=_named(account.named, event.assistant_id, event.name))
            if event.assistant_id not in account.assistants:
                return account
            updated = _updated(_present(account.assistants[event.assistant_id], event), event, time)
            return replace(account, assistants={**account.assistants, event.assistant_id: updated})
        case AssistantDeleted():
            return _deleted(account, event)
        case NumbersAssigned():
            return _numbers_assigned(account, event, time)
        case AccountOpened():
            return replace(account, slug=event.slug, name=event.name, created_at=time)
        case KeyIssued() | KeyRevoked():
            return replace(account, keys=_evolve_keys(account.keys, event, time))
        case StreamMended():
            return account
        case _:
            raise _misplaced(event, "an account's stream")


def evolve_number(number: Number, event: Event, *, height: int, time: str) -> Number:
    """
    Return the state of the number's stream after `event`.

    Args:
        number: The state before it.
        event: An event of the number's stream.
        height: The event's height: the registration, if it registers the number.
        time: The event's time, ISO 8601, UTC, six digits.

    Raises:
        UnfoldableEvent: `event` does not belong into a number's stream.
    """
    match event:
        case NumberRegistered():
            return Number(
                id=event.number_id,
                phone_number=event.phone_number,
                account_id=event.account_id,
                registration=height,
                created_at=time,
                updated_at=time,
            )
        case NumberReleased():
            # What the owner set goes with it.
            return replace(number, account_id=None, status="active", fallback=None, updated_at=time)
        case NumberUpdated():
            return replace(
                number,
                status=number.status if event.status is msgspec.UNSET else event.status,
                fallback=number.fallback if event.fallback is msgspec.UNSET else event.fallback,
                updated_at=time,
            )
        case StreamMended():
            return number
        case _:
            raise _misplaced(event, "a number's stream")


def evolve_operators(
    operators: Operators,
    event: Event,
    *,
    height: int,  # noqa: ARG001 - all streams fold alike
    time: str,
) -> Operators:
    """
    Return the loaded part of the operators' stream after `event`.

    Raises:
        UnfoldableEvent: `event` does not belong into the operators' stream.
    """
    match event:
        case KeyIssued() | KeyRevoked():
            return replace(operators, keys=_evolve_keys(operators.keys, event, time))
        case StreamMended():
            return operators
        case _:
            raise _misplaced(event, "the operators' stream")


def evolve_key(key: Key | None, event: KeyIssued | KeyRevoked, *, time: str) -> Key:
    """
    Return the one key that `event` is about as it is after it.

    Raises:
        UnfoldableEvent: A key is revoked that was never issued.
    """
    if isinstance(event, KeyIssued):
        return Key(
            id=event.key_id,
            account_id=event.account_id,
            name=event.name,
            hint=event.hint,
            scopes=event.scopes,
            expires_at=event.expires_at,
            requests_per_hour=event.requests_per_hour,
            created_at=time,
            revoked_at=None,
        )
    if key is None:
        raise UnfoldableEvent(type_of(event), event.key_id, "the key was never issued")
    return replace(key, revoked_at=time)


def _evolve_keys(keys: Mapping[str, Key | None], event: KeyIssued | KeyRevoked, time: str) -> Mapping[str, Key | None]:
    if isinstance(event, KeyRevoked) and event.key_id not in keys:
        return keys
    return {**keys, event.key_id: evolve_key(keys.get(event.key_id), event, time=time)}


def _numbers_assigned(account: Account, event: NumbersAssigned, time: str) -> Account:
    assistants = dict(account.assistants)
    for assistant_id in (event.assistant_id, *event.taken_from):
        if assistant_id in assistants:
            assistants[assistant_id] = evolve_assistant(
                assistants[assistant_id], event, assistant_id=assistant_id, time=time
            )
    holders = _holders_without(account, event.assistant_id)
    for number in event.numbers:
        holders[number.number_id] = Holding(assistant_id=event.assistant_id, registration=number.registration)
    return replace(account, assistants=assistants, holders=holders)


def _deleted(account: Account, event: AssistantDeleted) -> Account:
    assistants = dict(account.assistants)
    if event.assistant_id in assistants:
        _present(assistants[event.assistant_id], event)
        assistants[event.assistant_id] = None
    holders = _holders_without(account, event.assistant_id)
    named = _named(account.named, event.assistant_id, None)
    return replace(account, assistants=assistants, holders=holders, named=named)


def _named(named: Mapping[str, tuple[str, ...]], assistant_id: str, name: str | None) -> Mapping[str, tuple[str, ...]]:
    """Return who has the loaded names once this assistant has `name`, or none."""
    if not named:
        return named
    without = {each: tuple(one for one in having if one != assistant_id) for each, having in named.items()}
    if name is not None and name in without:
        without[name] = tuple(sorted((*without[name], assistant_id)))
    return without


def _holders_without(account: Account, assistant_id: str) -> dict[str, Holding | None]:
    """Return who holds what, the assistant nothing: whatever it held is known to be free."""
    return {
        number_id: None if holding is not None and holding.assistant_id == assistant_id else holding
        for number_id, holding in account.holders.items()
    }


def _created(event: AssistantCreated, time: str) -> Assistant:
    return Assistant(
        id=event.assistant_id,
        account_id=event.account_id,
        name=event.name,
        type=event.type,
        model=event.model,
        provider=event.provider,
        temperature=event.temperature,
        max_tokens=event.max_tokens,
        first_message=event.first_message,
        system_prompt=event.system_prompt,
        voice_provider=event.voice_provider,
        voice_model=event.voice_model,
        voice_id=event.voice_id,
        voice_name=event.voice_name,
        transcriptor_provider=event.transcriptor_provider,
        transcriptor_model=event.transcriptor_model,
        transcriptor_language=event.transcriptor_language,
        recording_enabled=event.recording_enabled,
        inbound_enabled=event.inbound_enabled,
        outbound_enabled=event.outbound_enabled,
        phone_number_ids=(),
        version=1,
        created_at=time,
        updated_at=time,
    )


def _updated(assistant: Assistant, event: AssistantUpdated, time: str) -> Assistant:
    return replace(assistant, version=assistant.version + 1, updated_at=time, **changed_fields(event))


def _with_numbers(assistant: Assistant, number_ids: tuple[str, ...], time: str) -> Assistant:
    return replace(assistant, phone_number_ids=number_ids, version=assistant.version + 1, updated_at=time)


def _present(assistant: Assistant | None, event: Event) -> Assistant:
    if assistant is None:
        raise UnfoldableEvent(type_of(event), subject_of(event), "the assistant was never created")
    return assistant


def _misplaced(event: Event, stream: str) -> UnfoldableEvent:
    return UnfoldableEvent(type_of(event), subject_of(event), f"it does not belong into {stream}")
