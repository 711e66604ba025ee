"""What asking for an assistant, or for a change of one, leads to."""

from typing import Any

import pytest
from tests.unit.assistants.builders import ACCOUNT, ALICE, BOB, account, after, assistant, created

from patchbay.assistants.catalogue import merge, shipped_catalogue
from patchbay.assistants.commands import CreateAssistant, UnassignNumber, UpdateAssistant
from patchbay.assistants.decide import decide_account, decide_number
from patchbay.assistants.errors import PartNotLoaded
from patchbay.assistants.events import AssistantCreated, AssistantUpdated
from patchbay.assistants.rejections import (
    AccountNotOpened,
    AssistantNotFound,
    ModelOfAnotherProvider,
    VersionMismatch,
)
from patchbay.assistants.states import Account, Number, differing_fields


def create(template_id: str = "custom", **fields: Any) -> CreateAssistant:
    return CreateAssistant(
        assistant_id=ALICE,
        account_id=ACCOUNT,
        name="Sales Agent",
        template_id=template_id,
        fields=AssistantUpdated(assistant_id=ALICE, **fields),
    )


def update(if_match: tuple[int, ...] | None = None, **changes: Any) -> UpdateAssistant:
    return UpdateAssistant(
        assistant_id=ALICE,
        changes=AssistantUpdated(assistant_id=ALICE, **changes),
        if_match=if_match,
    )


@pytest.mark.parametrize(
    ("template_id", "calls", "temperature"),
    [
        ("outbound-setter", (False, True), 0.7),
        ("inbound-support", (True, False), 0.3),
        ("follow-up", (False, True), 0.7),
        ("custom", (False, False), 0.7),
    ],
)
def test_an_assistant_begins_as_its_template_says(
    template_id: str,
    calls: tuple[bool, bool],
    temperature: float,
) -> None:
    event = decide_account(create(template_id), account())
    inbound, outbound = calls

    assert isinstance(event, AssistantCreated)
    assert (event.name, event.type, event.account_id) == ("Sales Agent", template_id, ACCOUNT)
    assert (event.inbound_enabled, event.outbound_enabled, event.recording_enabled) == (inbound, outbound, False)
    assert (event.temperature, event.max_tokens) == (temperature, 1024)
    assert (event.voice_provider, event.voice_model, event.voice_name) == ("cartesia", "sonic-3.5", "Katie")
    assert (event.transcriptor_provider, event.transcriptor_model) == ("deepgram", "nova-3")
    assert event.transcriptor_language == "en-US"
    assert event.first_message
    assert event.system_prompt


def test_fields_are_laid_over_the_template() -> None:
    event = decide_account(create(temperature=1.5, first_message=None, recording_enabled=True), account())

    assert isinstance(event, AssistantCreated)
    assert (event.temperature, event.first_message, event.recording_enabled) == (1.5, None, True)
    assert event.system_prompt


def test_a_provider_without_a_model_takes_the_catalogues_default_at_creation() -> None:
    event = decide_account(create(provider="google", voice_provider="elevenlabs"), account())

    assert isinstance(event, AssistantCreated)
    assert event.model == shipped_catalogue().providers["google"].default_model
    assert event.voice_model == "eleven_flash_v2_5"
    assert event.voice_name == "George"


def test_a_model_of_another_provider_is_refused_at_creation() -> None:
    with pytest.raises(ModelOfAnotherProvider):
        decide_account(create(model="claude-haiku-4-5"), account())


def test_the_same_creation_decided_twice_leads_to_one_assistant() -> None:
    assert decide_account(create(), account(created())) is None


def test_nothing_is_created_in_an_account_that_was_never_opened() -> None:
    with pytest.raises(AccountNotOpened) as rejection:
        decide_account(create(), Account(id=ACCOUNT))

    assert rejection.value.account_id == ACCOUNT


def test_an_update_holds_only_what_differs() -> None:
    event = decide_account(update(name="New", temperature=0.7, max_tokens=2048), account(created()))

    assert event == AssistantUpdated(assistant_id=ALICE, name="New", max_tokens=2048)


def test_an_update_that_changes_nothing_leads_to_nothing() -> None:
    assert decide_account(update(temperature=0.7, voice_name="Katie"), account(created())) is None


def test_an_update_moves_the_version_and_the_time() -> None:
    before = account(created())

    changed = assistant(after(before, update(name="New"), height=7))

    assert (changed.name, changed.version, changed.updated_at) == ("New", 2, "2026-02-18T14:22:31.000007Z")
    assert changed.created_at == assistant(before).created_at


def test_null_clears_a_text() -> None:
    changed = assistant(after(account(created()), update(first_message=None)))

    assert changed.first_message is None


def test_an_update_of_an_assistant_that_is_not_there_is_refused() -> None:
    with pytest.raises(AssistantNotFound) as rejection:
        decide_account(update(name="New"), account())

    assert rejection.value.assistant_id == ALICE


def test_an_assistant_that_was_not_loaded_is_the_callers_mistake() -> None:
    state = Account(id=ACCOUNT, slug="my-team", name="My Team")

    with pytest.raises(PartNotLoaded):
        decide_account(update(name="New"), state)


@pytest.mark.parametrize("if_match", [None, (), (1,), (7, 1)])
def test_an_update_goes_on_when_the_version_matches(if_match: tuple[int, ...] | None) -> None:
    assert decide_account(update(if_match, name="New"), account(created())) is not None


def test_an_update_of_an_older_version_is_refused_with_the_assistant_as_it_is() -> None:
    state = after(account(created()), update(name="New"))

    with pytest.raises(VersionMismatch) as rejection:
        decide_account(update((1, 5), name="Newer"), state)

    assert rejection.value.current_version == 2
    assert rejection.value.assistant == assistant(state)
    assert differing_fields(assistant(account(created())), rejection.value.assistant) == ("name",)


def test_a_version_is_checked_even_if_nothing_would_change() -> None:
    with pytest.raises(VersionMismatch):
        decide_account(update((2,), temperature=0.7), account(created()))


def test_a_change_of_provider_without_a_model_takes_its_default() -> None:
    event = decide_account(update(provider="anthropic"), account(created()))

    assert event == AssistantUpdated(
        assistant_id=ALICE,
        provider="anthropic",
        model=shipped_catalogue().providers["anthropic"].default_model,
    )


def test_the_same_provider_again_does_not_reset_the_model() -> None:
    state = account(created(model="gpt-4o-mini"))

    assert decide_account(update(provider="openai"), state) is None


def test_a_change_of_voice_provider_without_a_voice_takes_its_default() -> None:
    event = decide_account(update(voice_provider="elevenlabs"), account(created()))

    assert event == AssistantUpdated(
        assistant_id=ALICE,
        voice_provider="elevenlabs",
        voice_model="eleven_flash_v2_5",
        voice_id="JBFqnCBsd6RMkjVDRZzb",
        voice_name="George",
    )


def test_a_voice_named_by_its_id_alone_does_not_keep_another_voices_name() -> None:
    event = decide_account(update(voice_provider="elevenlabs", voice_id="my-clone"), account(created()))

    assert isinstance(event, AssistantUpdated)
    assert (event.voice_id, event.voice_name) == ("my-clone", None)


def test_a_voice_named_by_its_name_alone_gets_its_id_from_the_catalogue() -> None:
    state = account(created(voice_provider="elevenlabs", voice_model="eleven_v3", voice_id="x", voice_name="X"))

    event = decide_account(update(voice_provider="cartesia", voice_name="Jameson"), state)

    assert isinstance(event, AssistantUpdated)
    assert event.voice_id == "a5136bf9-224c-4d76-b823-52bd5efcffcc"


def test_a_change_of_transcriptor_keeps_the_language() -> None:
    state = account(created(transcriptor_language="de-DE"))

    event = decide_account(update(transcriptor_provider="assemblyai"), state)

    assert event == AssistantUpdated(
        assistant_id=ALICE, transcriptor_provider="assemblyai", transcriptor_model="universal-3-6-pro"
    )


@pytest.mark.parametrize(
    ("field", "model", "belongs_to"),
    [
        ("model", "claude-haiku-4-5", "anthropic"),
        ("voice_model", "eleven_v3", "elevenlabs"),
        ("transcriptor_model", "universal-3-6-pro", "assemblyai"),
    ],
)
def test_a_model_of_another_provider_is_refused(field: str, model: str, belongs_to: str) -> None:
    with pytest.raises(ModelOfAnotherProvider) as rejection:
        decide_account(update(None, **{field: model}), account(created()))

    assert (rejection.value.field, rejection.value.model) == (field, model)
    assert rejection.value.belongs_to == belongs_to


def test_a_model_that_the_catalogue_does_not_know_is_allowed() -> None:
    event = decide_account(update(model="gpt-7-preview"), account(created()))

    assert event == AssistantUpdated(assistant_id=ALICE, model="gpt-7-preview")


def test_a_retiring_model_is_allowed() -> None:
    assert decide_account(update(model="gpt-4o-mini"), account(created())) is not None


def test_an_old_pair_that_the_catalogue_knows_better_today_does_not_forbid_other_changes() -> None:
    state = account(created(model="claude-haiku-4-5"))

    assert decide_account(update(name="New"), state) == AssistantUpdated(assistant_id=ALICE, name="New")


def test_a_provider_of_a_further_catalogue_file_is_known_to_the_rules() -> None:
    catalogue = merge(
        shipped_catalogue(), b'{"providers": {"mistral": {"default_model": "ministral", "models": {"ministral": {}}}}}'
    )

    event = decide_account(update(provider="mistral"), account(created()), catalogue)

    assert event == AssistantUpdated(assistant_id=ALICE, provider="mistral", model="ministral")


def test_two_clients_changing_different_fields_both_survive() -> None:
    state = after(account(created(), created(BOB)), update(name="New"))
    state = after(state, update(temperature=0.1))

    assert (assistant(state).name, assistant(state).temperature, assistant(state).version) == ("New", 0.1, 3)
    assert assistant(state, BOB).version == 1


def test_a_command_of_another_stream_is_the_callers_mistake() -> None:
    with pytest.raises(TypeError):
        decide_number(UnassignNumber(number_id="pn_x"), Number(id="pn_x"))
