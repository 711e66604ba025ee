"""What each command leads to: an event, nothing, or a rejection."""

from patchbay.assistants.catalogue import Catalogue, shipped_catalogue
from patchbay.assistants.commands import (
    AssignNumbers,
    CloneAssistant,
    Command,
    CreateAssistant,
    DeclareAssistant,
    DeleteAssistant,
    IssueKey,
    OpenAccount,
    RegisterNumber,
    ReleaseNumber,
    RestoreAssistant,
    RevokeKey,
    RotateKey,
    SwitchInbound,
    UnassignNumber,
    UpdateAssistant,
    UpdateNumber,
)
from patchbay.assistants.decide_assistants import (
    clone_assistant,
    create_assistant,
    declare_assistant,
    delete_assistant,
    existing_assistant,
    switch_inbound,
    update_assistant,
)
from patchbay.assistants.decide_keys import issue_key, revoke_key, rotate_key
from patchbay.assistants.decide_numbers import (
    assign_numbers,
    register_number,
    release_number,
    unassign_number,
    update_number,
)
from patchbay.assistants.decide_restoring import restore_assistant
from patchbay.assistants.events import AccountOpened, Event
from patchbay.assistants.rejections import AccountExists, AccountNotOpened
from patchbay.assistants.states import Account, Number, Operators


def decide_account(  # noqa: C901, PLR0911, PLR0912 - one branch and one return per command
    command: Command, account: Account, catalogue: Catalogue | None = None
) -> Event | None:
    """
    Return the event of the account's stream that `command` leads to; None if it is already so.

    Args:
        command: The wish, validated.
        account: With the parts that `needs.missing` names.
        catalogue: The providers in force; None = as shipped.

    Raises:
        Rejection: The command breaks a rule; nothing is to be appended.
        PartNotLoaded: The account was not loaded as `needs.missing` says.
        TypeError: The command is not decided in an account's stream.
    """
    if isinstance(command, OpenAccount):
        return _open_account(command, account)
    if account.slug is None:
        raise AccountNotOpened(account.id)
    match command:
        case UpdateAssistant():
            return update_assistant(command, account, catalogue or shipped_catalogue())
        case CreateAssistant():
            return create_assistant(command, account, catalogue or shipped_catalogue())
        case CloneAssistant():
            return clone_assistant(command, account)
        case DeclareAssistant():
            return declare_assistant(command, account, catalogue or shipped_catalogue())
        case RestoreAssistant():
            assistant = existing_assistant(account, command.assistant_id, command.if_match)
            return restore_assistant(command, assistant, catalogue or shipped_catalogue())
        case DeleteAssistant():
            return delete_assistant(command, account)
        case SwitchInbound():
            return switch_inbound(command, account, catalogue or shipped_catalogue())
        case AssignNumbers():
            assistant = existing_assistant(account, command.assistant_id, command.if_match)
            return assign_numbers(command, account, assistant)
        case UnassignNumber():
            return unassign_number(command, account)
        case IssueKey():
            return issue_key(command, account.keys)
        case RotateKey():
            return rotate_key(command, account.keys)
        case RevokeKey():
            return revoke_key(command, account.keys)
        case _:
            raise TypeError(f"{type(command).__name__} is not decided in an account's stream")


def decide_number(command: Command, number: Number) -> Event | None:
    """
    Return the event of the number's stream that `command` leads to; None if it is already so.

    Raises:
        Rejection: The command breaks a rule; nothing is to be appended.
        TypeError: The command is not decided in a number's stream.
    """
    match command:
        case RegisterNumber():
            return register_number(command, number)
        case ReleaseNumber():
            return release_number(command, number)
        case UpdateNumber():
            return update_number(command, number)
        case _:
            raise TypeError(f"{type(command).__name__} is not decided in a number's stream")


def decide_operators(command: Command, operators: Operators) -> Event | None:
    """
    Return the event of the operators' stream that `command` leads to; None if it is already so.

    Raises:
        Rejection: The command breaks a rule; nothing is to be appended.
        PartNotLoaded: The key to be revoked or replaced was not loaded.
        TypeError: The command is not decided in the operators' stream.
    """
    match command:
        case IssueKey():
            return issue_key(command, operators.keys)
        case RotateKey():
            return rotate_key(command, operators.keys)
        case RevokeKey():
            return revoke_key(command, operators.keys)
        case _:
            raise TypeError(f"{type(command).__name__} is not decided in the operators' stream")


def _open_account(command: OpenAccount, account: Account) -> AccountOpened | None:
    if account.slug is None:
        return AccountOpened(account_id=command.account_id, slug=command.slug, name=command.name)
    if account.name != command.name:
        raise AccountExists(account.id, account.slug, account.name or "")
    return None
