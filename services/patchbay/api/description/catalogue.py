"""GET /api/catalogue, in words."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import msgspec

from patchbay.api.description.operation import Key, Operation, Schema
from patchbay.api.description.schemas import record_of, ref, success
from patchbay.api.published_catalogue import (
    CatalogueRecord,
    Limits,
    ModelRecord,
    ProviderRecord,
    Range,
    TemplateRecord,
    VoiceRecord,
    publish_catalogue,
)
from patchbay.assistants.body_rules import SCOPE
from patchbay.assistants.catalogue import shipped_catalogue
from patchbay.assistants.described import or_null, schema_of
from patchbay.assistants.templates import TEMPLATE_IDS

_DAY: Final[Schema] = {"type": "string", "format": "date", "examples": ["2027-01-14"]}

TAGS: Final = {"Catalogue": "What a request may name, and how much of it."}
RECORDS: Final[Mapping[str, Schema]] = {
    "CatalogueModel": record_of(
        ModelRecord,
        {"shutdown": or_null(_DAY)},
        {
            "status": "`retiring`: its end is announced; `retired`: it has come.",
            "shutdown": "The day from which the provider answers no more; null: none is announced.",
            "replacement": "The model that takes its place.",
        },
    ),
    "CatalogueVoice": record_of(VoiceRecord, {}),
    "CatalogueProvider": record_of(
        ProviderRecord,
        {
            "models": {"type": "array", "items": ref("CatalogueModel")},
            "voices": {"type": "array", "items": ref("CatalogueVoice")},
        },
        {
            "id": "What requests name it with.",
            "default_model": "Taken where a request names the provider and no model.",
            "default_voice": "Taken where a request names the provider and no voice; null of those that have none.",
        },
    ),
    "CatalogueTemplate": record_of(
        TemplateRecord,
        {"id": {"type": "string", "enum": list(TEMPLATE_IDS)}, "defaults": {"type": "object"}},
        {"defaults": "Every field that an assistant begins with, as its record shows it."},
    ),
    "Range": record_of(Range, {}),
    "Limits": record_of(
        Limits, {each.name: ref("Range") for each in msgspec.structs.fields(Limits) if each.type is Range}
    ),
    "Catalogue": record_of(
        CatalogueRecord,
        {
            **{
                kind: {"type": "array", "items": ref("CatalogueProvider")}
                for kind in ("providers", "voice_providers", "transcriptor_providers")
            },
            "templates": {"type": "array", "items": ref("CatalogueTemplate")},
            "limits": ref("Limits"),
            "scopes": {"type": "array", "items": schema_of(SCOPE)},
        },
        {
            "providers": "Of language models.",
            "voice_providers": "Of voices.",
            "transcriptor_providers": "Of what turns speech into text.",
            "scopes": "That a key may have.",
        },
    ),
}


def _example() -> dict[str, Any]:
    """Return the catalogue as it was on a day, with one of each kind."""
    catalogue: dict[str, Any] = msgspec.to_builtins(publish_catalogue(shipped_catalogue(), date(2026, 11, 23)))
    for kind in ("providers", "voice_providers", "transcriptor_providers"):
        first = catalogue[kind][0]
        models = [model for model in first["models"] if model["status"] == "retiring"] or first["models"]
        catalogue[kind] = [{**first, "models": models[:1], "voices": first["voices"][:1]}]
    catalogue["templates"] = catalogue["templates"][-1:]
    catalogue["scopes"] = ["*", "assistants:read"]
    return catalogue


OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("GET", "/api/catalogue"): Operation(
        tag="Catalogue",
        name="readCatalogue",
        summary="Read what may be named, and how much of it",
        words=(
            "Providers and their models with the days on which they end, templates with all their defaults, limits, "
            "and scopes. Any key will do. Providers that are not here are refused; models and voices are not."
        ),
        answer=success({"catalogue": _example()}, catalogue=ref("Catalogue")),
        answer_words="The catalogue.",
        answer_headers=("ETag",),
        if_none_match=True,
    ),
}
