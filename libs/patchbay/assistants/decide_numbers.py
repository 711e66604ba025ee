"""Who owns a number and which assistant holds it: the rules behind `decide`."""

import msgspec

from patchbay.assistants.commands import AssignNumbers, RegisterNumber, ReleaseNumber, UnassignNumber, UpdateNumber
from patchbay.assistants.errors import PartNotLoaded
from patchbay.assistants.events import (
    AssignedNumber,
    NumberRegistered,
    NumberReleased,
    NumbersAssigned,
    NumberUpdated,
)
from patchbay.assistants.rejections import FallbackToItself, NumberNotFound, NumberOwnedElsewhere, NumberTaken, Taken
from patchbay.assistants.states import Account, Assistant, Holding, Number, OwnedNumber


def assign_numbers(command: AssignNumbers, account: Account, assistant: Assistant) -> NumbersAssigned | None:
    """
    Return the assistant's new list with the registrations in force; None if it has exactly that.

    A holding under an older registration is stale: it no longer routes, so it stands in nobody's way.

    Raises:
        NumberNotFound: Numbers that the account does not own; all of them.
        NumberTaken: Numbers that other assistants hold, without `reassign`; all of them.
        PartNotLoaded: A number's owner or holder was not loaded.
    """
    owned = [(number_id, _owned(account, number_id)) for number_id in command.number_ids]
    strange = tuple(number_id for number_id, number in owned if number is None)
    if strange:
        raise NumberNotFound(strange)
    numbers = tuple(
        AssignedNumber(number_id=number_id, registration=number.registration)
        for number_id, number in owned
        if number is not None
    )
    elsewhere = [
        (number, holding)
        for number in numbers
        if (holding := _holder(account, number.number_id)) is not None and holding.assistant_id != assistant.id
    ]
    if not command.reassign:
        in_force = [(n, holding) for n, holding in elsewhere if holding.registration == n.registration]
        if in_force:
            raise NumberTaken(tuple(_taken(account, number, holding) for number, holding in in_force))
    if command.number_ids == assistant.phone_number_ids and all(
        account.holders[n.number_id] == Holding(assistant_id=assistant.id, registration=n.registration) for n in numbers
    ):
        return None
    taken_from = tuple(dict.fromkeys(holding.assistant_id for _, holding in elsewhere))
    return NumbersAssigned(assistant_id=assistant.id, numbers=numbers, taken_from=taken_from)


def unassign_number(command: UnassignNumber, account: Account) -> NumbersAssigned | None:
    """
    Return the list of the assistant that holds the number without it; None if nobody of the account does.

    The numbers that it keeps stay under the registrations under which they were assigned.

    Raises:
        PartNotLoaded: The holder, its record or one of its holdings was not loaded.
    """
    holding = _holder(account, command.number_id)
    if holding is None:
        return None
    assistant = account.assistants.get(holding.assistant_id)
    if assistant is None:
        raise PartNotLoaded("assistant", holding.assistant_id)
    kept = []
    for number_id in assistant.phone_number_ids:
        if number_id == command.number_id:
            continue
        other = _holder(account, number_id)
        if other is None:
            raise PartNotLoaded("holder", number_id)
        kept.append(AssignedNumber(number_id=number_id, registration=other.registration))
    return NumbersAssigned(assistant_id=assistant.id, numbers=tuple(kept))


def register_number(command: RegisterNumber, number: Number) -> NumberRegistered | None:
    """
    Return the registration; None if the account has the number already.

    Raises:
        NumberOwnedElsewhere: Another account has it.
    """
    if number.account_id == command.account_id:
        return None
    if number.account_id is not None:
        raise NumberOwnedElsewhere(command.number_id, command.phone_number)
    return NumberRegistered(
        number_id=command.number_id, phone_number=command.phone_number, account_id=command.account_id
    )


def release_number(command: ReleaseNumber, number: Number) -> NumberReleased | None:
    """
    Return the release; None if the number belongs to nobody.

    Raises:
        NumberNotFound: Another account has it, which is as if it did not exist.
    """
    if number.account_id is None:
        return None
    if number.account_id != command.account_id:
        raise NumberNotFound((command.number_id,))
    return NumberReleased(number_id=command.number_id, account_id=command.account_id)


def update_number(command: UpdateNumber, number: Number) -> NumberUpdated | None:
    """
    Return what changes of the number; None if all of it is already so.

    Raises:
        NumberNotFound: The account does not have it.
        FallbackToItself: The fallback is the number itself.
    """
    if number.account_id != command.account_id:
        raise NumberNotFound((command.number_id,))
    fallback, status = command.changes.fallback, command.changes.status
    if fallback is not msgspec.UNSET and fallback == number.phone_number:
        raise FallbackToItself(command.number_id, number.phone_number or "")
    if fallback == number.fallback:
        fallback = msgspec.UNSET
    if status == number.status:
        status = msgspec.UNSET
    if fallback is msgspec.UNSET and status is msgspec.UNSET:
        return None
    return NumberUpdated(number_id=command.number_id, fallback=fallback, status=status)


def _owned(account: Account, number_id: str) -> OwnedNumber | None:
    if number_id not in account.numbers:
        raise PartNotLoaded("number", number_id)
    return account.numbers[number_id]


def _holder(account: Account, number_id: str) -> Holding | None:
    if number_id not in account.holders:
        raise PartNotLoaded("holder", number_id)
    return account.holders[number_id]


def _taken(account: Account, number: AssignedNumber, holding: Holding) -> Taken:
    holder = account.assistants.get(holding.assistant_id)
    return Taken(
        number_id=number.number_id,
        assistant_id=holding.assistant_id,
        assistant_name=holder.name if holder is not None else None,
    )
