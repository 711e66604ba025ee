"""What requests may name: providers, models and when they end, templates, limits and scopes."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from patchbay.client.reach import Reach


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model that the catalogue knows; others are taken too."""

    id: str
    status: str  # available | retiring | retired
    shutdown: date | None = None  # from then on the provider answers no more
    replacement: str | None = None


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """A voice that the catalogue knows; others are taken too."""

    id: str
    name: str


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, and what is taken where no model or voice is named."""

    id: str
    name: str
    default_model: str
    default_voice: str | None = None
    models: tuple[Model, ...] = ()
    voices: tuple[Voice, ...] = ()


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """What an assistant can be made from."""

    id: str
    title: str
    description: str
    defaults: Mapping[str, Any]  # by field


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The whole catalogue, as it is today."""

    providers: tuple[Provider, ...]
    voice_providers: tuple[Provider, ...]
    transcriptor_providers: tuple[Provider, ...]
    templates: tuple[Template, ...]
    limits: Mapping[str, Any]
    scopes: tuple[str, ...]


class _CatalogueAnswer(msgspec.Struct, frozen=True):
    catalogue: Catalogue


async def read_catalogue(reach: Reach) -> Catalogue:
    """
    Return the catalogue.

    Raises:
        PatchbayError: There was no answer.
    """
    return (await reach.read("/api/catalogue", _CatalogueAnswer)).catalogue
