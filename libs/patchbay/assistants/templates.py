"""What an assistant is when its request says nothing: four kinds, as data."""

from functools import cache
from importlib import resources

import msgspec

DEFAULT_TEMPLATE = "custom"
TEMPLATE_IDS = ("outbound-setter", "inbound-support", "follow-up", "custom")


class TemplateDefaults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A template's configuration. Models and voices are the catalogue's: a retired one is replaced in one place."""

    provider: str
    temperature: float
    max_tokens: int
    first_message: str | None
    voice_provider: str
    transcriptor_provider: str
    transcriptor_language: str
    recording_enabled: bool
    inbound_enabled: bool
    outbound_enabled: bool


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of assistant to begin with."""

    id: str
    title: str
    description: str
    defaults: TemplateDefaults
    system_prompt: str | None = None  # from the `.md` file of the same name


@cache
def templates() -> dict[str, Template]:
    """Return the templates by id."""
    return {template_id: _read(template_id) for template_id in TEMPLATE_IDS}


def _read(template_id: str) -> Template:
    folder = resources.files("patchbay.assistants").joinpath("data", "templates")
    template = msgspec.json.decode(folder.joinpath(f"{template_id}.json").read_bytes(), type=Template)
    prompt = folder.joinpath(f"{template_id}.md").read_text(encoding="utf-8").strip()
    return msgspec.structs.replace(template, system_prompt=prompt or None)
