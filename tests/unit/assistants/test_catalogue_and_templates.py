"""The data that is part of the package, what may be laid over it, and the warnings that follow from it."""

from datetime import date

import pytest
from msgspec.structs import replace
from tests.unit.assistants.builders import account, assistant, created

from patchbay.assistants.catalogue import Catalogue, Provider, merge, owner_of, shipped_catalogue
from patchbay.assistants.configuration import template_configuration
from patchbay.assistants.errors import BadCatalogue
from patchbay.assistants.evolve import CONFIGURATION_FIELDS
from patchbay.assistants.notices import MOST_WARNINGS, check_variables, warnings_of
from patchbay.assistants.scopes import SCOPES, allows
from patchbay.assistants.templates import TEMPLATE_IDS, templates
from patchbay.assistants.validation import check_create

ASSISTANT = assistant(account(created()))


def kinds(catalogue: Catalogue) -> list[Provider]:
    return [
        provider
        for kind in (catalogue.providers, catalogue.voice_providers, catalogue.transcriptor_providers)
        for provider in kind.values()
    ]


def test_the_providers_of_the_contract_are_there() -> None:
    catalogue = shipped_catalogue()

    assert list(catalogue.providers) == ["openai", "anthropic", "google", "deepseek", "qwen"]
    assert list(catalogue.voice_providers) == ["cartesia", "elevenlabs"]
    assert list(catalogue.transcriptor_providers) == ["deepgram", "assemblyai"]


def test_no_default_is_being_shut_down() -> None:
    for provider in kinds(shipped_catalogue()):
        assert provider.models[provider.default_model].shutdown is None


def test_every_shutdown_has_a_date_a_source_and_a_replacement_that_lives() -> None:
    for provider in kinds(shipped_catalogue()):
        for model in provider.models.values():
            if model.shutdown is not None:
                assert date.fromisoformat(model.shutdown)
                assert model.source
                assert provider.models[model.replacement or ""].shutdown is None


def test_no_model_has_two_providers() -> None:
    catalogue = shipped_catalogue()

    for kind in (catalogue.providers, catalogue.voice_providers, catalogue.transcriptor_providers):
        models = [model for provider in kind.values() for model in provider.models]
        assert len(models) == len(set(models))


def test_a_further_file_adds_providers_models_voices_and_other_defaults() -> None:
    catalogue = merge(
        shipped_catalogue(),
        b"""{"providers": {"openai": {"default_model": "gpt-7", "models": {"gpt-7": {}}},
                           "mistral": {"name": "Mistral", "default_model": "m", "models": {"m": {}}}},
             "voice_providers": {"cartesia": {"voices": {"v": {"name": "Vera"}}, "default_voice": "v"}}}""",
    )

    assert catalogue.providers["openai"].default_model == "gpt-7"
    assert "gpt-4o-mini" in catalogue.providers["openai"].models
    assert catalogue.providers["mistral"].name == "Mistral"
    assert owner_of(catalogue.providers, "m", "openai") == "mistral"
    configuration = template_configuration("custom", catalogue)
    assert (configuration["model"], configuration["voice_name"]) == ("gpt-7", "Vera")
    assert template_configuration("custom", shipped_catalogue())["voice_name"] == "Katie"


@pytest.mark.parametrize(
    "addition",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"provider": {}}',
        b'{"providers": {"x": {"models": {"m": {}}}}}',
        b'{"providers": {"x": {"default_model": "m"}}}',
        b'{"providers": {"openai": {"default_model": "m"}}}',
        b'{"providers": {"openai": {"models": {"m": {"shutdwn": "2027-01-01"}}}}}',
        b'{"voice_providers": {"cartesia": {"default_voice": "nobody"}}}',
    ],
)
def test_a_file_that_cannot_be_used_is_refused(addition: bytes) -> None:
    with pytest.raises(BadCatalogue):
        merge(shipped_catalogue(), addition)


@pytest.mark.parametrize("template_id", TEMPLATE_IDS)
def test_a_template_is_complete_and_keeps_the_rules_of_a_request(template_id: str) -> None:
    template = templates()[template_id]
    configuration = dict(template_configuration(template_id, shipped_catalogue()))

    body = check_create({"accountSlug": "my-team", "name": template.title, "templateId": template_id, **configuration})

    assert body.fields == configuration
    assert {"name", *configuration} == set(CONFIGURATION_FIELDS)
    assert warnings_of(replace(ASSISTANT, **configuration), configuration) == ()
    assert "{{company.name}}" in (template.system_prompt or "")


def test_a_model_that_is_being_shut_down_is_worth_a_warning() -> None:
    """Whenever it was chosen, and with its own provider only."""
    (warning,) = warnings_of(replace(ASSISTANT, model="gpt-4o-mini"), {"temperature": 0.7})

    assert (warning.path, warning.code) == ("model", "retiring_model")
    assert "2027-01-14" in warning.message
    assert "gpt-6-luna" in warning.message
    assert warnings_of(replace(ASSISTANT, provider="qwen", model="gpt-4o-mini"), {}) == ()
    assert warnings_of(replace(ASSISTANT, provider="gone", model="gpt-4o-mini"), {}) == ()
    assert warnings_of(replace(ASSISTANT, model="gpt-6-luna", voice_model=None), {}) == ()
    assert warnings_of(replace(ASSISTANT, model="unheard-of"), {}) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no variable",
        "{single} braces }",
        "{{contact.first_name}}",
        "{{ company.name }} and {{campaign.name}}",
        "{{contact.custom.favourite-Colour_2}}",
    ],
)
def test_a_text_with_proper_variables_gives_no_warning(text: str) -> None:
    assert check_variables("system_prompt", text) == []


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("{{contact.first_name}", ["malformed_variable"]),
        ("contact.first_name}}", ["malformed_variable"]),
        ("{{contact.first_name {{company.name}}", ["malformed_variable"]),
        ("{{}}", ["malformed_variable"]),
        ("{{contact}}", ["malformed_variable"]),
        ("{{contact.}}", ["malformed_variable"]),
        ("{{contact.first name}}", ["malformed_variable"]),
        ("{{contact.custom}}", ["malformed_variable"]),
        ("{{contact.custom.<key>}}", ["malformed_variable"]),
        ("{{" + "a" * 10_000 + "}}", ["malformed_variable"]),
        ("{{contcat.first_name}} {{x.y}}", ["unknown_variable", "unknown_variable"]),
        ("{{" * 30_000, ["malformed_variable"] * MOST_WARNINGS),
        ("}}" * 30_000, ["malformed_variable"] * MOST_WARNINGS),
    ],
)
def test_a_malformed_variable_is_reported_and_bounded(text: str, codes: list[str]) -> None:
    warnings = warnings_of(ASSISTANT, {"first_message": text})

    assert [warning.code for warning in warnings] == codes
    assert all(warning.path == "first_message" and len(warning.message) < 200 for warning in warnings)


def test_a_scope_allows_itself_and_its_resource_allows_both() -> None:
    assert allows(["*"], "keys:write")
    assert allows(["assistants:*"], "assistants:write")
    assert allows(["assistants:read"], "assistants:read")
    assert not allows(["assistants:read"], "assistants:write")
    assert not allows(["assistants:write"], "assistants:read")
    assert not allows(["assistants:*"], "keys:read")
    assert not allows([], "keys:read")
    assert {"*", "assistants:*", "assistants:read"} <= SCOPES
