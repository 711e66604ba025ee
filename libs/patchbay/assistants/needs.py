"""
What `decide` reads of an account, so that no more is loaded.

Load in steps, all in one snapshot: the account itself and `needs(command)`, then `missing(command, account)` until it
is empty. That is so after the first but for `UnassignNumber`, whose assistant is known only by then. With a
pending state, load at the read model's height, fold the pending events over what was loaded, then ask `missing` again:
a pending event may have moved the number to another assistant.
"""

import msgspec

from patchbay.assistants.commands import (
    AssignNumbers,
    CloneAssistant,
    Command,
    DeclareAssistant,
    DeleteAssistant,
    RestoreAssistant,
    RevokeKey,
    RotateKey,
    SwitchInbound,
    UnassignNumber,
    UpdateAssistant,
)
from patchbay.assistants.states import Account

_NONE: frozenset[str] = frozenset()


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """The parts to load, each present in the account's mappings afterwards, with None for what is not there."""

    assistants: frozenset[str] = _NONE  # -> Account.assistants
    numbers: frozenset[str] = _NONE  # -> Account.holders and Account.numbers
    holdings_of: frozenset[str] = _NONE  # assistants: every number one of them holds -> Account.holders
    numbers_of: frozenset[str] = _NONE  # assistants: every number one of them holds -> Account.holders, Account.numbers
    keys: frozenset[str] = _NONE  # -> Account.keys
    names: frozenset[str] = _NONE  # -> Account.named, and the assistant of a name that only one has

    def __bool__(self) -> bool:
        """True if anything is to be loaded."""
        return bool(self.assistants or self.numbers or self.holdings_of or self.numbers_of or self.keys or self.names)


NOTHING = Needs()


def needs(command: Command) -> Needs:  # noqa: PLR0911 - one return per command
    """Return what `decide_account` reads for `command`, as far as the command alone tells."""
    match command:
        case UpdateAssistant() | RestoreAssistant() | DeleteAssistant():
            return Needs(assistants=frozenset((command.assistant_id,)))
        case AssignNumbers():
            return Needs(assistants=frozenset((command.assistant_id,)), numbers=frozenset(command.number_ids))
        case UnassignNumber():
            return Needs(numbers=frozenset((command.number_id,)))
        case CloneAssistant():
            return Needs(assistants=frozenset((command.source_id,)))
        case DeclareAssistant():
            return Needs(names=frozenset((command.name,)))
        case SwitchInbound():
            assistant = frozenset((command.assistant_id,))
            return Needs(assistants=assistant, numbers_of=assistant if command.is_enabled else _NONE)
        case RevokeKey():
            return Needs(keys=frozenset((command.key_id,)))
        case RotateKey():
            return Needs(keys=frozenset((command.replaces,)))
        case _:
            return NOTHING


def missing(command: Command, account: Account) -> Needs:
    """Return what is still to be loaded before `decide_account(command, account)`; falsy if nothing is."""
    if isinstance(command, UnassignNumber):
        return _missing_for_unassign(command, account)
    if isinstance(command, SwitchInbound) and command.is_enabled:
        return _missing_for_switch(command, account)
    needed = needs(command)
    lacking = Needs(
        assistants=needed.assistants - account.assistants.keys(),
        numbers=needed.numbers - (account.holders.keys() & account.numbers.keys()),
        keys=needed.keys - account.keys.keys(),
        names=frozenset(name for name in needed.names if not _is_known(name, account)),
    )
    return lacking or NOTHING


def _missing_for_unassign(command: UnassignNumber, account: Account) -> Needs:
    if command.number_id not in account.holders:
        return Needs(numbers=frozenset((command.number_id,)))
    holding = account.holders[command.number_id]
    if holding is None:
        return NOTHING
    holder = frozenset((holding.assistant_id,))
    assistant = account.assistants.get(holding.assistant_id)
    if assistant is None:
        return Needs(assistants=holder, holdings_of=holder)
    if any(number_id not in account.holders for number_id in assistant.phone_number_ids):
        return Needs(holdings_of=holder)
    return NOTHING


def _missing_for_switch(command: SwitchInbound, account: Account) -> Needs:
    if command.assistant_id not in account.assistants:
        return needs(command)
    assistant = account.assistants[command.assistant_id]
    held = frozenset(() if assistant is None else assistant.phone_number_ids)
    unknown = held - (account.holders.keys() & account.numbers.keys())
    return Needs(numbers=unknown) if unknown else NOTHING


def _is_known(name: str, account: Account) -> bool:
    having = account.named.get(name)
    return having is not None and (len(having) != 1 or having[0] in account.assistants)
