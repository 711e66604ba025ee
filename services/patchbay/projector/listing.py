"""The rows that lists of assistants search and sort by, and how they are written."""

from typing import Any, Final

from patchbay.assistants.searching import fold_name
from patchbay.assistants.states import Assistant
from patchbay.projection import CopyTarget, Write, plain_insert

INSERT_LISTED: Final = plain_insert(
    "assistants_listed",
    CopyTarget(
        "listed_assistants",
        (
            "assistant_id",
            "account_id",
            "created_height",
            "type",
            "updated_at",
            "inbound_enabled",
            "folded_name",
            "provider",
            "model",
            "voice_provider",
            "transcriptor_provider",
        ),
    ),
    ("text", "text", "bigint", "text", "text", "bool", "text", "text", "text", "text", "text"),
)
UPDATE_LISTED: Final = Write(
    "assistants_listed_anew",
    """UPDATE {schema}.listed_assistants l
          SET updated_at = u.updated_at, inbound_enabled = u.inbound_enabled, folded_name = u.folded_name,
              provider = u.provider, model = u.model, voice_provider = u.voice_provider,
              transcriptor_provider = u.transcriptor_provider
         FROM unnest({0}::text[], {1}::text[], {2}::bool[], {3}::text[], {4}::text[], {5}::text[], {6}::text[],
                     {7}::text[])
           AS u (assistant_id, updated_at, inbound_enabled, folded_name, provider, model, voice_provider,
                 transcriptor_provider)
        WHERE l.assistant_id = ANY (ARRAY[u.assistant_id])""",
)
DELETE_LISTED: Final = Write(
    "assistants_listed_no_more",
    "DELETE FROM {schema}.listed_assistants WHERE assistant_id = ANY({0}::text[])",
)


def created_row(assistant: Assistant, height: int) -> tuple[Any, ...]:
    """Return the row for `INSERT_LISTED` of an assistant that was created at this height of its account."""
    _, *facts = changed_row(assistant)
    return (assistant.id, assistant.account_id, height, assistant.type, *facts)


def changed_row(assistant: Assistant) -> tuple[Any, ...]:
    """Return the row for `UPDATE_LISTED`."""
    return (
        assistant.id,
        assistant.updated_at,
        assistant.inbound_enabled,
        fold_name(assistant.name),
        assistant.provider,
        assistant.model,
        assistant.voice_provider,
        assistant.transcriptor_provider,
    )
