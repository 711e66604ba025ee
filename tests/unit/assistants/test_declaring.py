"""What saying how the assistant of a name is to be leads to."""

from typing import Any

import pytest
from msgspec import structs
from tests.unit.assistants.builders import ACCOUNT, ALICE, BOB, CAROL, account, after, created, fold

from patchbay.assistants.commands import DeclareAssistant, DeleteAssistant, UpdateAssistant
from patchbay.assistants.decide import decide_account
from patchbay.assistants.errors import PartNotLoaded
from patchbay.assistants.events import AssistantCreated, AssistantUpdated, Event
from patchbay.assistants.needs import missing
from patchbay.assistants.rejections import AmbiguousName, NameInUse, NothingToMatch, TypeDiffers, VersionMismatch
from patchbay.assistants.states import Account


def named(*events: Event) -> Account:
    """Return the account after these events, and who is called Sales or Support."""
    return fold(structs.replace(account(), named={"Sales": (), "Support": ()}), events, 2)


def declare(template_id: str | None = None, *, is_new: bool = False, **given: Any) -> DeclareAssistant:
    if_match = given.pop("if_match", None)
    fields = AssistantUpdated(assistant_id=CAROL, **given)
    return DeclareAssistant(
        assistant_id=CAROL,
        account_id=ACCOUNT,
        name="Sales",
        template_id=template_id,
        fields=fields,
        if_match=if_match,
        is_new=is_new,
    )


def test_what_nobody_is_called_is_created_from_its_template() -> None:
    event = decide_account(declare("follow-up", temperature=0.1), named(created(BOB, name="Support")))

    assert isinstance(event, AssistantCreated)
    assert (event.assistant_id, event.name, event.type, event.temperature) == (CAROL, "Sales", "follow-up", 0.1)


def test_what_is_there_is_changed_where_it_differs() -> None:
    state = named(created(ALICE, name="Sales"))

    assert decide_account(declare(temperature=0.7, max_tokens=5), state) == AssistantUpdated(
        assistant_id=ALICE, max_tokens=5
    )
    assert decide_account(declare(temperature=0.7), state) is None
    assert decide_account(declare("custom"), state) is None


def test_a_name_that_two_have_says_nothing() -> None:
    state = named(created(ALICE, name="Sales"), created(BOB, name="Sales"))

    with pytest.raises(AmbiguousName, match=f"{ALICE} and {BOB}") as refused:
        decide_account(declare(), state)
    assert refused.value.assistant_ids == (ALICE, BOB)


def test_who_has_a_name_follows_from_creations_renamings_and_deletions() -> None:
    state = named(created(ALICE, name="Sales"), created(BOB, name="Other"))
    rename = AssistantUpdated(assistant_id=BOB, name="Sales")
    assert state.named == {"Sales": (ALICE,), "Support": ()}

    state = after(state, UpdateAssistant(assistant_id=BOB, changes=rename))
    assert state.named == {"Sales": (ALICE, BOB), "Support": ()}

    state = after(state, DeleteAssistant(assistant_id=ALICE))
    assert state.named == {"Sales": (BOB,), "Support": ()}

    state = after(state, UpdateAssistant(assistant_id=BOB, changes=AssistantUpdated(assistant_id=BOB, name="Support")))
    assert state.named == {"Sales": (), "Support": (BOB,)}


def test_conditions_are_about_the_one_that_has_the_name() -> None:
    nobody, somebody = named(), named(created(ALICE, name="Sales"))

    assert decide_account(declare(is_new=True), nobody) is not None
    assert decide_account(declare(if_match=(1,), max_tokens=5), somebody) is not None
    with pytest.raises(NameInUse):
        decide_account(declare(is_new=True), somebody)
    with pytest.raises(VersionMismatch):
        decide_account(declare(if_match=(2,)), somebody)
    for if_match in ((1,), ()):
        with pytest.raises(NothingToMatch):
            decide_account(declare(if_match=if_match), nobody)


def test_the_template_of_what_is_there_cannot_become_another() -> None:
    with pytest.raises(TypeDiffers):
        decide_account(declare("follow-up"), named(created(ALICE, name="Sales")))


def test_nothing_is_decided_before_it_is_known_who_has_the_name() -> None:
    unknown = account()
    renamed_meanwhile = structs.replace(unknown, named={"Sales": (ALICE,)}, assistants={})

    for state in (unknown, renamed_meanwhile):
        assert missing(declare(), state).names == {"Sales"}
        with pytest.raises(PartNotLoaded):
            decide_account(declare(), state)
    assert not missing(declare(), named(created(ALICE, name="Sales")))
