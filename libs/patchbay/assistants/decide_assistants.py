"""What becomes of assistants: created, copied, declared, changed, deleted."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from patchbay.assistants.catalogue import Catalogue
from patchbay.assistants.commands import (
    CloneAssistant,
    CreateAssistant,
    DeclareAssistant,
    DeleteAssistant,
    SwitchInbound,
    UpdateAssistant,
)
from patchbay.assistants.configuration import fill_in, model_conflicts, template_configuration
from patchbay.assistants.errors import PartNotLoaded
from patchbay.assistants.events import AssistantCreated, AssistantDeleted, AssistantUpdated, ClonedFrom
from patchbay.assistants.evolve import CONFIGURATION_FIELDS, changed_fields
from patchbay.assistants.fields import NAME_CHARACTERS
from patchbay.assistants.rejections import (
    AmbiguousName,
    AssistantNotFound,
    InboundNeedsNumber,
    NameInUse,
    NothingToMatch,
    TypeDiffers,
    VersionMismatch,
)
from patchbay.assistants.states import Account, Assistant
from patchbay.assistants.templates import DEFAULT_TEMPLATE

COPY_SUFFIX: Final = " (Copy)"


def create_assistant(command: CreateAssistant, account: Account, catalogue: Catalogue) -> AssistantCreated | None:
    """
    Return the creation; None if it has happened already.

    Raises:
        ModelOfAnotherProvider: The fields contradict the template.
    """
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


def clone_assistant(command: CloneAssistant, account: Account) -> AssistantCreated | None:
    """
    Return the creation of one that is configured as another is now, without its numbers; None if it has happened.

    Raises:
        AssistantNotFound: The account has no such assistant to copy.
        VersionMismatch: It is at none of the versions asked for.
        PartNotLoaded: It was not loaded.
    """
    if account.assistants.get(command.assistant_id) is not None:
        return None
    source = existing_assistant(account, command.source_id, command.if_match)
    configuration = {field: getattr(source, field) for field in CONFIGURATION_FIELDS}
    if command.name is None:
        configuration["name"] = source.name[: NAME_CHARACTERS - len(COPY_SUFFIX)].rstrip() + COPY_SUFFIX
    else:
        configuration["name"] = command.name
    return AssistantCreated(
        assistant_id=command.assistant_id,
        account_id=account.id,
        type=source.type,
        cloned_from=ClonedFrom(assistant_id=source.id, version=source.version),
        **configuration,
    )


def declare_assistant(
    command: DeclareAssistant, account: Account, catalogue: Catalogue
) -> AssistantCreated | AssistantUpdated | None:
    """
    Return what makes the assistant of this name what is declared: its creation, or what differs; None if nothing does.

    Raises:
        AmbiguousName: The account has several assistants of this name.
        NothingToMatch: There is none, and the client knows a version of it.
        NameInUse: There is one, and the client wants it only if there is none.
        TypeDiffers: It was made from another template.
        VersionMismatch: It is at none of the versions asked for.
        ModelOfAnotherProvider: The fields contradict the template, or what stays as it is.
        PartNotLoaded: Who has the name, or the assistant that has it, was not loaded.
    """
    if command.name not in account.named:
        raise PartNotLoaded("name", command.name)
    found = account.named[command.name]
    if len(found) > 1:
        raise AmbiguousName(command.name, found)
    if not found:
        if command.if_match is not None:
            raise NothingToMatch(command.name)
        template_id = command.template_id or DEFAULT_TEMPLATE
        creation = CreateAssistant(
            assistant_id=command.assistant_id,
            account_id=account.id,
            name=command.name,
            template_id=template_id,
            fields=command.fields,
        )
        return create_assistant(creation, account, catalogue)
    assistant = existing_assistant(account, found[0], None)
    if command.is_new:
        raise NameInUse(command.name, assistant)
    existing_assistant(account, found[0], command.if_match)
    if command.template_id not in (None, assistant.type):
        raise TypeDiffers(assistant, str(command.template_id))
    changes = replace(command.fields, assistant_id=assistant.id)
    return update_assistant(UpdateAssistant(assistant_id=assistant.id, changes=changes), account, catalogue)


def update_assistant(command: UpdateAssistant, account: Account, catalogue: Catalogue) -> AssistantUpdated | None:
    """
    Return what changes; None if all of it is already so.

    Raises:
        AssistantNotFound: The account has no such assistant.
        VersionMismatch: It is at none of the versions asked for.
        ModelOfAnotherProvider: The changes contradict what stays as it is.
        PartNotLoaded: The assistant was not loaded.
    """
    assistant = existing_assistant(account, command.assistant_id, command.if_match)
    current = _Fields(assistant)
    given = changed_fields(command.changes)
    changes = fill_in(given, current, catalogue)
    different: dict[str, Any] = {field: value for field, value in changes.items() if getattr(assistant, field) != value}
    if not different:
        return None
    _refuse_conflicts(different, current, catalogue)
    return AssistantUpdated(assistant_id=command.assistant_id, **different)


def switch_inbound(command: SwitchInbound, account: Account, catalogue: Catalogue) -> AssistantUpdated | None:
    """
    Return the change by which the assistant answers calls, or does not; None if it is already so.

    Raises:
        AssistantNotFound: The account has no such assistant.
        VersionMismatch: It is at none of the versions asked for.
        InboundNeedsNumber: It is to answer, and no call can reach it.
        PartNotLoaded: The assistant, or one of its numbers, was not loaded.
    """
    assistant = existing_assistant(account, command.assistant_id, command.if_match)
    if command.is_enabled and not any(_reaches(account, assistant, number) for number in assistant.phone_number_ids):
        raise InboundNeedsNumber(assistant)
    changes = AssistantUpdated(assistant_id=assistant.id, inbound_enabled=command.is_enabled)
    return update_assistant(UpdateAssistant(assistant_id=assistant.id, changes=changes), account, catalogue)


def _reaches(account: Account, assistant: Assistant, number_id: str) -> bool:
    """True if a call to the number would come to the assistant if it answered."""
    if number_id not in account.numbers or number_id not in account.holders:
        raise PartNotLoaded("number", number_id)
    number, holding = account.numbers[number_id], account.holders[number_id]
    if number is None or holding is None:
        return False
    is_held = (holding.assistant_id, holding.registration) == (assistant.id, number.registration)
    return is_held and number.status == "active"


def delete_assistant(command: DeleteAssistant, account: Account) -> AssistantDeleted:
    """
    Return the deletion, which frees every number that the assistant holds.

    Raises:
        AssistantNotFound: The account has no such assistant.
        VersionMismatch: It is at none of the versions asked for.
        PartNotLoaded: It was not loaded.
    """
    assistant = existing_assistant(account, command.assistant_id, command.if_match)
    return AssistantDeleted(assistant_id=assistant.id, number_ids=assistant.phone_number_ids)


def existing_assistant(account: Account, assistant_id: str, if_match: tuple[int, ...] | None) -> Assistant:
    """
    Return the assistant, at one of the versions asked for.

    Raises:
        AssistantNotFound: The account has no such assistant.
        VersionMismatch: It is at none of these versions.
        PartNotLoaded: It was not loaded.
    """
    try:
        assistant = account.assistants[assistant_id]
    except KeyError:
        raise PartNotLoaded("assistant", assistant_id) from None
    if assistant is None:
        raise AssistantNotFound(assistant_id)
    if if_match and assistant.version not in if_match:  # () is "*": it exists, so it matches
        raise VersionMismatch(assistant, if_match)
    return assistant


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
