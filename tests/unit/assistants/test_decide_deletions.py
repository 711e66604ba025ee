"""What asking for an assistant to be no more leads to."""

import pytest
from tests.unit.assistants.builders import ALICE, BOB, ONE, TWO, account, after, assigned, assistant, created, owned

from patchbay.assistants.commands import AssignNumbers, DeleteAssistant
from patchbay.assistants.decide import decide_account
from patchbay.assistants.events import AssistantDeleted
from patchbay.assistants.evolve import evolve_assistant
from patchbay.assistants.rejections import AssistantNotFound, VersionMismatch

HOLDING = account(created(), created(BOB), assigned(ALICE, (ONE, 1), (TWO, 1)), numbers=[owned(ONE), owned(TWO)])


def test_a_deletion_names_the_numbers_that_it_frees() -> None:
    assert decide_account(DeleteAssistant(assistant_id=ALICE), HOLDING) == AssistantDeleted(
        assistant_id=ALICE, number_ids=(ONE, TWO)
    )


def test_what_was_deleted_is_not_there_and_its_numbers_are_free() -> None:
    state = after(HOLDING, DeleteAssistant(assistant_id=ALICE))

    assert state.assistants[ALICE] is None
    assert state.holders[ONE] is None
    assert assistant(after(state, AssignNumbers(assistant_id=BOB, number_ids=(ONE,))), BOB).phone_number_ids == (ONE,)
    with pytest.raises(AssistantNotFound):
        decide_account(DeleteAssistant(assistant_id=ALICE), state)


def test_a_deletion_goes_on_only_at_the_version_that_was_read() -> None:
    assert decide_account(DeleteAssistant(assistant_id=ALICE, if_match=(2,)), HOLDING) is not None
    with pytest.raises(VersionMismatch):
        decide_account(DeleteAssistant(assistant_id=ALICE, if_match=(1,)), HOLDING)


def test_the_last_version_of_an_assistant_is_its_deletion_and_holds_no_number() -> None:
    last = evolve_assistant(assistant(HOLDING), AssistantDeleted(assistant_id=ALICE), assistant_id=ALICE, time="9")

    assert (last.version, last.phone_number_ids, last.updated_at) == (3, (), "9")
    assert last.name == assistant(HOLDING).name
