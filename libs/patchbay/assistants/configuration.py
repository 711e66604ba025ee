"""What belongs together in an assistant's configuration: a model and its provider, a voice and its provider."""

from collections.abc import Mapping
from functools import lru_cache

from patchbay.assistants.catalogue import Catalogue, Provider, owner_of, voice_defaults
from patchbay.assistants.rejections import ModelOfAnotherProvider, ProviderGone
from patchbay.assistants.templates import templates

# Field of the provider, field of its model, and who has them in the catalogue.
MODEL_PAIRS = (
    ("provider", "model", "providers"),
    ("voice_provider", "voice_model", "voice_providers"),
    ("transcriptor_provider", "transcriptor_model", "transcriptor_providers"),
)


def fill_in(changes: dict[str, object], current: Mapping[str, object], catalogue: Catalogue) -> dict[str, object]:
    """
    Return `changes`, and for each provider that they change, the catalogue's defaults for what they leave open.

    The language is not among them: what a caller speaks does not depend on who listens.
    """
    filled = changes
    for provider_field, model_field, kind in MODEL_PAIRS:
        provider_id = changes.get(provider_field)
        if provider_id is None or provider_id == current.get(provider_field):
            continue
        provider: Provider | None = getattr(catalogue, kind).get(provider_id)
        if provider is None:
            continue
        if provider_field == "voice_provider":
            filled = {**filled, **voice_defaults(provider, changes)}
        elif model_field not in changes:
            filled = {**filled, model_field: provider.default_model}
    return filled


def unknown_provider(changes: Mapping[str, object], catalogue: Catalogue) -> ProviderGone | None:
    """Return a rejection for the first provider among the changes that the catalogue does not have."""
    for provider_field, _, kind in MODEL_PAIRS:
        provider = changes.get(provider_field)
        if isinstance(provider, str) and provider not in getattr(catalogue, kind):
            return ProviderGone(provider_field, provider)
    return None


def model_conflicts(
    changes: Mapping[str, object], current: Mapping[str, object], catalogue: Catalogue
) -> list[ModelOfAnotherProvider]:
    """
    Return a rejection for each model that is known to belong to another provider than it would stand beside.

    Args:
        changes: Only the pairs that it touches are judged.
        current: The fields beside them.
        catalogue: Who has which models.
    """
    conflicts = []
    for provider_field, model_field, kind in MODEL_PAIRS:
        if provider_field not in changes and model_field not in changes:
            continue  # an old pair that the catalogue has come to know better must not forbid other changes
        provider = changes.get(provider_field, current.get(provider_field))
        model = changes.get(model_field, current.get(model_field))
        if not isinstance(provider, str) or not isinstance(model, str):
            continue
        belongs_to = owner_of(getattr(catalogue, kind), model, provider)
        if belongs_to is not None:
            conflicts.append(ModelOfAnotherProvider(model_field, model, provider, belongs_to))
    return conflicts


@lru_cache(maxsize=64)
def template_configuration(template_id: str, catalogue: Catalogue) -> Mapping[str, object]:
    """Return the whole configuration of a template, with the catalogue's models and voices; not to be changed."""
    template = templates()[template_id]
    defaults = {field: getattr(template.defaults, field) for field in template.defaults.__struct_fields__}
    defaults["system_prompt"] = template.system_prompt
    return fill_in(defaults, {}, catalogue)
