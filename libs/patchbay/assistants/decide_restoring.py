"""What the wish to have an earlier configuration again leads to."""

from typing import Any

from msgspec.structs import asdict

from patchbay.assistants.catalogue import Catalogue
from patchbay.assistants.commands import RestoreAssistant
from patchbay.assistants.configuration import model_conflicts, unknown_provider
from patchbay.assistants.events import AssistantUpdated
from patchbay.assistants.evolve import changed_fields
from patchbay.assistants.states import Assistant


def restore_assistant(command: RestoreAssistant, assistant: Assistant, catalogue: Catalogue) -> AssistantUpdated | None:
    """
    Return the fields that differ now from what they were then, and which version they are of; None if none differs.

    The rules between fields are judged on what comes out: the catalogue may have learnt better since.

    Raises:
        ProviderGone: A provider comes back that the catalogue no longer has.
        ModelOfAnotherProvider: A model comes back that is known by now to belong to another provider.
    """
    wanted = changed_fields(command.configuration)
    different: dict[str, Any] = {field: value for field, value in wanted.items() if getattr(assistant, field) != value}
    if not different:
        return None
    gone = unknown_provider(different, catalogue)
    if gone is not None:
        raise gone
    conflicts = model_conflicts(different, asdict(assistant), catalogue)
    if conflicts:
        raise conflicts[0]
    return AssistantUpdated(assistant_id=assistant.id, **different, restored_from=command.version)
