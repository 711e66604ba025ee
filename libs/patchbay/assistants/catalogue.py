"""Which providers there are, which models they have, and what is taken when none is named."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

from patchbay.assistants.errors import BadCatalogue


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model that we know. Models that we do not know are allowed: new ones appear every week."""

    shutdown: str | None = None  # ISO 8601 date from which the provider answers no more; None: none announced
    replacement: str | None = None  # the provider's own recommendation
    source: str | None = None  # where the facts above are from


class Voice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A voice of a provider."""

    name: str
    source: str | None = None


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider of models for talking, speaking or listening."""

    name: str
    default_model: str
    models: Mapping[str, Model]  # by the provider's id of the model
    default_voice: str | None = None
    voices: Mapping[str, Voice] = {}  # by the provider's id of the voice


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """All providers, by the id that requests name them with. Equal only to itself: it is read once, and a cache key."""

    providers: Mapping[str, Provider] = {}
    voice_providers: Mapping[str, Provider] = {}
    transcriptor_providers: Mapping[str, Provider] = {}


class _Addition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a further file says of a provider; what it leaves out stays as it is."""

    name: str | None = None
    default_model: str | None = None
    models: Mapping[str, Model] = {}
    default_voice: str | None = None
    voices: Mapping[str, Voice] = {}


class _Additions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    providers: Mapping[str, _Addition] = {}
    voice_providers: Mapping[str, _Addition] = {}
    transcriptor_providers: Mapping[str, _Addition] = {}


@cache
def shipped_catalogue() -> Catalogue:
    """Return the catalogue that is part of this package."""
    data = resources.files("patchbay.assistants").joinpath("data", "catalogue.json").read_bytes()
    return merge(Catalogue(), data)


def merge(catalogue: Catalogue, addition: bytes) -> Catalogue:
    """
    Return `catalogue` with a further catalogue file laid over it: new providers, models and voices, other defaults.

    Raises:
        BadCatalogue: The file is not JSON of the right shape, or a default is not among a provider's own models.
    """
    try:
        additions = msgspec.json.decode(addition, type=_Additions)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadCatalogue(f"the catalogue file cannot be read: {error}") from error
    return Catalogue(
        providers=_merge_providers(catalogue.providers, additions.providers),
        voice_providers=_merge_providers(catalogue.voice_providers, additions.voice_providers),
        transcriptor_providers=_merge_providers(catalogue.transcriptor_providers, additions.transcriptor_providers),
    )


def _merge_providers(known: Mapping[str, Provider], additions: Mapping[str, _Addition]) -> Mapping[str, Provider]:
    merged = dict(known)
    for provider_id, addition in additions.items():
        before = known.get(provider_id)
        default_model = addition.default_model or (before.default_model if before else None)
        if default_model is None:
            raise BadCatalogue(f"the new provider {provider_id!r} names no default_model")
        provider = Provider(
            name=addition.name or (before.name if before else provider_id),
            default_model=default_model,
            models={**(before.models if before else {}), **addition.models},
            default_voice=addition.default_voice or (before.default_voice if before else None),
            voices={**(before.voices if before else {}), **addition.voices},
        )
        if provider.default_model not in provider.models:
            raise BadCatalogue(f"the default model of {provider_id!r}, {default_model!r}, is not among its models")
        if provider.default_voice is not None and provider.default_voice not in provider.voices:
            raise BadCatalogue(f"the default voice of {provider_id!r} is not among its voices")
        merged[provider_id] = provider
    return merged


def owner_of(providers: Mapping[str, Provider], model: str, provider: str) -> str | None:
    """Return the provider that `model` is known to belong to, if that is another one than `provider`."""
    own = providers.get(provider)
    if own is not None and model in own.models:
        return None
    for provider_id, other in providers.items():
        if model in other.models:
            return provider_id
    return None


def voice_defaults(provider: Provider, given: Mapping[str, object]) -> dict[str, object]:
    """
    Return the voice fields that `given` leaves open when an assistant moves to `provider`.

    A voice named by only its id or only its name gets the other from the catalogue, or none: never another voice's.
    """
    filled: dict[str, object] = {}
    if "voice_model" not in given:
        filled["voice_model"] = provider.default_model
    if "voice_id" not in given and "voice_name" not in given:
        filled["voice_id"] = provider.default_voice
        filled["voice_name"] = provider.voices[provider.default_voice].name if provider.default_voice else None
    elif "voice_name" not in given:
        named = provider.voices.get(str(given["voice_id"]))
        filled["voice_name"] = named.name if named else None
    elif "voice_id" not in given:
        filled["voice_id"] = next((i for i, v in provider.voices.items() if v.name == given["voice_name"]), None)
    return filled
