"""What each command leads to: an event, nothing, or a rejection."""

from collections.abc import Mapping
from typing import Any, TypeVar

from patchbay.assistants.catalogue import Catalogue, shipped_catalogue
from patchbay.assistants.commands import (
    AssignNumbers,
    Command,
    CreateAssistant,
    DeleteAssistant,
    IssueKey,
    OpenAccount,
    RegisterNumber,
    ReleaseNumber,
    RevokeKey,
    RotateKey,
    UnassignNumber,
    UpdateAssistant,
    UpdateNumber,
)
from patchbay.assistants.configuration import fill_in, model_conflicts, template_configuration
from patchbay.assistants.decide_keys import issue_key, revoke_key, rotate_key
from patchbay.assistants.decide_numbers import (
    assign_numbers,
    register_number,
    release_number,
    unassign_number,
    update_number,
)
from patchbay.assistants.errors import PartNotLoaded
from patchbay.assistants.events import (
    AccountOpened,
    AssistantCreated,
    AssistantDeleted,
    AssistantUpdated,
    Event,
)
from patchbay.assistants.evolve import changed_fields
from patchbay.assistants.rejections import (
    AccountExists,
    AccountNotOpened,
    AssistantNotFound,
    VersionMismatch,
)
from patchbay.assistants.states import Account, Assistant, Number, Operators

Part = TypeVar("Part")


def decide_account(  # noqa: C901, PLR0911 - one case per command
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
            return _update_assistant(command, account, catalogue or shipped_catalogue())
        case CreateAssistant():
            return _create_assistant(command, account, catalogue or shipped_catalogue())
        case DeleteAssistant():
            doomed = _existing(account, command.assistant_id, command.if_match)
            return AssistantDeleted(assistant_id=doomed.id, number_ids=doomed.phone_number_ids)
        case AssignNumbers():
            assistant = _existing(account, command.assistant_id, command.if_match)
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


def _create_assistant(command: CreateAssistant, account: Account, catalogue: Catalogue) -> AssistantCreated | None:
    if account.assistants.get(command.assistant_id) is not None:
        return None
    template: Mapping[str, Any] = template_configuration(command.template_id, catalogue)
    configuration = template
    given = changed_fields(command.fields)
    if given:
        changes = fill_in(given, template, catalogue)
        _refuse_conflicts(changes, template, catalogue)
        configuration = {**template, **changes}
        configuration.pop("name", None)  # the command's own name counts
    return AssistantCreated(
        assistant_id=command.assistant_id,
        account_id=account.id,
        name=command.name,
        type=command.template_id,
        **configuration,
    )


def _update_assistant(command: UpdateAssistant, account: Account, catalogue: Catalogue) -> AssistantUpdated | None:
    assistant = _existing(account, command.assistant_id, command.if_match)
    current = _Fields(assistant)
    given = changed_fields(command.changes)
    changes = fill_in(given, current, catalogue)
    different: dict[str, Any] = {field: value for field, value in changes.items() if getattr(assistant, field) != value}
    if not different:
        return None
    _refuse_conflicts(different, current, catalogue)
    return AssistantUpdated(assistant_id=command.assistant_id, **different)


def _refuse_conflicts(changes: Mapping[str, object], current: Mapping[str, object], catalogue: Catalogue) -> None:
    conflicts = model_conflicts(changes, current, catalogue)
    if conflicts:
        raise conflicts[0]


class _Fields(Mapping[str, object]):
    """An assistant read like a mapping, without copying it."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant

    def __getitem__(self, field: str) -> object:
        return getattr(self._assistant, field)

    def __iter__(self) -> Any:  # noqa: ANN401 - an iterator over names
        return iter(self._assistant.__struct_fields__)

    def __len__(self) -> int:
        return len(self._assistant.__struct_fields__)


def _existing(account: Account, assistant_id: str, if_match: tuple[int, ...] | None) -> Assistant:
    assistant = _loaded("assistant", account.assistants, assistant_id)
    if assistant is None:
        raise AssistantNotFound(assistant_id)
    if if_match and assistant.version not in if_match:  # () is "*": it exists, so it matches
        raise VersionMismatch(assistant, if_match)
    return assistant


def _loaded(part: str, loaded: Mapping[str, Part], key: str) -> Part:
    try:
        return loaded[key]
    except KeyError:
        raise PartNotLoaded(part, key) from None
