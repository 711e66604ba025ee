"""What a new assistant holds: the texts of Patchbay's templates, so that both sides carry the same bytes."""

from typing import Any

from patchbay.assistants.catalogue import shipped_catalogue
from patchbay.assistants.configuration import template_configuration
from patchbay.assistants.templates import TEMPLATE_IDS

_FIELDS = (
    "type",
    "model",
    "provider",
    "temperature",
    "max_tokens",
    "first_message",
    "system_prompt",
    "voice_provider",
    "voice_model",
    "voice_id",
    "voice_name",
    "transcriptor_provider",
    "transcriptor_model",
    "transcriptor_language",
    "recording_enabled",
    "inbound_enabled",
    "outbound_enabled",
)


def _template(template_id: str) -> dict[str, Any]:
    configuration = {"type": template_id, **template_configuration(template_id, shipped_catalogue())}
    return {field: configuration[field] for field in _FIELDS}


TEMPLATES = {template_id: _template(template_id) for template_id in TEMPLATE_IDS}
