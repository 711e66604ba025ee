"""The catalogue as clients see it: providers, models and when they end, templates, limits and scopes."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, Literal

import msgspec

from patchbay.api import idempotency, paging, reasons
from patchbay.api.bodies import BODY_BYTES
from patchbay.api.reading.listing import PAGE_BYTES
from patchbay.assistants import body_rules, fields, validation
from patchbay.assistants.catalogue import Catalogue, Model, Provider
from patchbay.assistants.configuration import template_configuration
from patchbay.assistants.scopes import SCOPES
from patchbay.assistants.templates import Template, templates

Status = Literal["available", "retiring", "retired"]


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A model that the catalogue knows. Others are taken too: new ones appear every week."""

    id: str
    status: Status
    shutdown: str | None  # ISO 8601 date from which the provider answers no more
    replacement: str | None


class VoiceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A voice that the catalogue knows; others are taken too."""

    id: str
    name: str


class ProviderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, and what is taken where a request names no model or voice."""

    id: str
    name: str
    default_model: str
    default_voice: str | None
    models: tuple[ModelRecord, ...]
    voices: tuple[VoiceRecord, ...]


class TemplateRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A template, with every field that an assistant made from it begins with."""

    id: str
    title: str
    description: str
    defaults: Mapping[str, Any]  # by record field


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """What a number may be, both ends included; `default` is what it is unless said otherwise."""

    least: float
    most: float
    default: float | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long, how many and how much; characters are Unicode code points."""

    body_bytes: int = BODY_BYTES
    name_characters: int = fields.NAME_CHARACTERS
    first_message_characters: int = fields.FIRST_MESSAGE_CHARACTERS
    system_prompt_characters: int = fields.SYSTEM_PROMPT_CHARACTERS
    text_characters: int = fields.TEXT_CHARACTERS  # of every other text
    temperature: Range = Range(least=fields.TEMPERATURE[0], most=fields.TEMPERATURE[1])
    max_tokens: Range = Range(least=fields.MAX_TOKENS[0], most=fields.MAX_TOKENS[1])
    phone_numbers_per_assignment: int = body_rules.MOST_NUMBERS
    scopes_per_key: int = body_rules.MOST_SCOPES
    requests_per_hour: Range = Range(
        least=fields.REQUESTS_PER_HOUR[0],
        most=fields.REQUESTS_PER_HOUR[1],
        default=validation.DEFAULT_REQUESTS_PER_HOUR,
    )
    overlap_seconds: Range = Range(
        least=fields.OVERLAP_SECONDS[0], most=fields.OVERLAP_SECONDS[1], default=validation.DEFAULT_OVERLAP_SECONDS
    )
    idempotency_key_characters: int = idempotency.KEY_CHARACTERS
    reason_characters: int = reasons.REASON_CHARACTERS
    page: Range = Range(least=1, most=paging.LARGEST_LIMIT, default=paging.DEFAULT_LIMIT)
    page_offset: Range = Range(least=0, most=paging.LARGEST_OFFSET, default=0)
    page_bytes: int = PAGE_BYTES


LIMITS: Final = Limits()


class CatalogueRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a request may name, and how much of it; its JSON, in this field order, is what clients see."""

    providers: tuple[ProviderRecord, ...]
    voice_providers: tuple[ProviderRecord, ...]
    transcriptor_providers: tuple[ProviderRecord, ...]
    templates: tuple[TemplateRecord, ...]
    limits: Limits
    scopes: tuple[str, ...]


def publish_catalogue(catalogue: Catalogue, today: date) -> CatalogueRecord:
    """Return the catalogue as it is on a day (UTC): from its shutdown on a model is retired."""
    return CatalogueRecord(
        providers=_providers(catalogue.providers, today),
        voice_providers=_providers(catalogue.voice_providers, today),
        transcriptor_providers=_providers(catalogue.transcriptor_providers, today),
        templates=tuple(_template(template, catalogue) for template in templates().values()),
        limits=LIMITS,
        scopes=tuple(sorted(SCOPES)),
    )


def _providers(providers: Mapping[str, Provider], today: date) -> tuple[ProviderRecord, ...]:
    return tuple(
        ProviderRecord(
            id=provider_id,
            name=provider.name,
            default_model=provider.default_model,
            default_voice=provider.default_voice,
            models=tuple(_model(model_id, model, today) for model_id, model in provider.models.items()),
            voices=tuple(VoiceRecord(id=voice_id, name=voice.name) for voice_id, voice in provider.voices.items()),
        )
        for provider_id, provider in providers.items()
    )


def _model(model_id: str, model: Model, today: date) -> ModelRecord:
    status: Status = "available"
    if model.shutdown is not None:
        status = "retired" if model.shutdown <= today.isoformat() else "retiring"
    return ModelRecord(id=model_id, status=status, shutdown=model.shutdown, replacement=model.replacement)


def _template(template: Template, catalogue: Catalogue) -> TemplateRecord:
    return TemplateRecord(
        id=template.id,
        title=template.title,
        description=template.description,
        defaults=template_configuration(template.id, catalogue),
    )
