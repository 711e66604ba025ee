"""Restoring: what differs from then, judged on what comes out."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.assistants.builders import ALICE, account, created

from patchbay.assistants.catalogue import Catalogue, shipped_catalogue
from patchbay.assistants.commands import RestoreAssistant
from patchbay.assistants.decide import decide_account
from patchbay.assistants.events import AssistantUpdated
from patchbay.assistants.evolve import CONFIGURATION_FIELDS
from patchbay.assistants.rejections import AssistantNotFound, ModelOfAnotherProvider, ProviderGone, VersionMismatch

STATE = account(created(name="Then"), AssistantUpdated(assistant_id=ALICE, name="Now", temperature=1.0))


def restoring(**fields: Any) -> RestoreAssistant:
    """Return the wish to have the configuration of the creation again, with some fields that were otherwise."""
    then = {name: getattr(created(name="Then"), name) for name in CONFIGURATION_FIELDS} | fields
    return RestoreAssistant(assistant_id=ALICE, version=1, configuration=AssistantUpdated(assistant_id=ALICE, **then))


def without_anthropic() -> Catalogue:
    known = shipped_catalogue()
    return replace(known, providers={name: each for name, each in known.providers.items() if name != "anthropic"})


def test_the_event_holds_what_differs_and_where_it_comes_from() -> None:
    assert decide_account(restoring(), STATE) == AssistantUpdated(
        assistant_id=ALICE, name="Then", temperature=0.7, restored_from=1
    )


def test_nothing_follows_where_nothing_differs() -> None:
    assert decide_account(restoring(name="Now", temperature=1.0), STATE) is None


def test_a_provider_that_is_gone_does_not_come_back_by_a_restoration() -> None:
    with pytest.raises(ProviderGone) as refused:
        decide_account(restoring(provider="anthropic", model="theirs"), STATE, without_anthropic())

    assert (refused.value.field, refused.value.provider) == ("provider", "anthropic")


def test_a_pair_that_is_known_to_be_wrong_by_now_is_refused() -> None:
    model = next(iter(shipped_catalogue().providers["google"].models))
    with pytest.raises(ModelOfAnotherProvider):
        decide_account(restoring(model=model), STATE)


def test_the_version_that_the_client_knows_and_the_assistant_itself_must_be_there() -> None:
    with pytest.raises(VersionMismatch):
        decide_account(replace(restoring(), if_match=(1,)), STATE)
    with pytest.raises(AssistantNotFound):
        decide_account(restoring(), account())
