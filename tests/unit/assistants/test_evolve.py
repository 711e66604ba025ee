"""How state follows from events, also when only parts of it were loaded."""

import pytest
from tests.unit.assistants.builders import (
    ACCOUNT,
    ALICE,
    BOB,
    CAROL,
    KEY,
    ONE,
    THREE,
    TWO,
    account,
    assigned,
    assistant,
    created,
    fold,
    opened,
    time_at,
)

from patchbay.assistants.errors import UnfoldableEvent
from patchbay.assistants.events import AssistantUpdated, Event, KeyRevoked, NumberRegistered, StreamMended
from patchbay.assistants.evolve import evolve_account, evolve_assistant, evolve_number, evolve_operators
from patchbay.assistants.states import Account, Holding, Number, Operators

HISTORY: tuple[Event, ...] = (
    opened(),
    created(),
    created(BOB),
    assigned(ALICE, (ONE, 1), (TWO, 1)),
    AssistantUpdated(assistant_id=ALICE, name="New"),
    assigned(BOB, (TWO, 1), (THREE, 2), taken_from=(ALICE,)),
)


def test_a_created_assistant_is_known_although_nothing_was_loaded() -> None:
    state = fold(Account(id=ACCOUNT), (opened(), created()))

    made = assistant(state)
    assert (made.version, made.phone_number_ids, made.created_at) == (1, (), time_at(2))
    assert (state.slug, state.name, state.created_at) == ("my-team", "My Team", time_at(1))


def test_what_was_not_loaded_stays_so() -> None:
    state = fold(Account(id=ACCOUNT), [AssistantUpdated(assistant_id=ALICE, name="New"), KeyRevoked(key_id=KEY)])

    assert state.assistants == {}
    assert state.keys == {}


def test_holders_of_the_numbers_named_are_known_although_nothing_was_loaded() -> None:
    state = fold(Account(id=ACCOUNT), [assigned(ALICE, (ONE, 4))])

    assert state.holders == {ONE: Holding(assistant_id=ALICE, registration=4)}
    assert state.assistants == {}


def test_a_loaded_number_that_an_unloaded_assistant_loses_is_known_to_be_free() -> None:
    state = Account(
        id=ACCOUNT,
        holders={ONE: Holding(assistant_id=ALICE, registration=1), TWO: Holding(assistant_id=BOB, registration=1)},
    )

    state = fold(state, [assigned(ALICE, (THREE, 1))])

    assert state.holders[ONE] is None
    assert state.holders[TWO] == Holding(assistant_id=BOB, registration=1)


def test_one_assistant_alone_folds_as_in_its_account() -> None:
    whole = fold(Account(id=ACCOUNT), HISTORY)

    for assistant_id in (ALICE, BOB):
        alone = None
        for height, event in enumerate(HISTORY, 1):
            if alone is not None or event == created(assistant_id):
                alone = evolve_assistant(alone, event, assistant_id=assistant_id, time=time_at(height))

        assert alone == whole.assistants[assistant_id]


def test_who_loses_a_number_moves_by_one_version() -> None:
    state = fold(Account(id=ACCOUNT), HISTORY)

    loser = assistant(state, ALICE)
    assert (loser.phone_number_ids, loser.version, loser.updated_at) == ((ONE,), 4, time_at(6))


def test_an_event_about_another_assistant_leaves_this_one_as_it_is() -> None:
    before = assistant(account(created()))

    for event in (created(BOB), AssistantUpdated(assistant_id=BOB, name="X"), assigned(BOB, (ONE, 1)), opened()):
        assert evolve_assistant(before, event, assistant_id=ALICE, time=time_at(9)) is before


def test_a_change_of_an_assistant_that_was_never_created_cannot_be_folded() -> None:
    event = AssistantUpdated(assistant_id=CAROL, name="X")

    with pytest.raises(UnfoldableEvent) as error:
        evolve_account(account(), event, height=2, time=time_at(2))
    assert (error.value.type_name, error.value.subject) == ("AssistantUpdated", CAROL)
    with pytest.raises(UnfoldableEvent):
        evolve_assistant(None, event, assistant_id=CAROL, time=time_at(2))


def test_the_revocation_of_a_key_that_was_never_issued_cannot_be_folded() -> None:
    with pytest.raises(UnfoldableEvent):
        evolve_operators(Operators(keys={KEY: None}), KeyRevoked(key_id=KEY), height=2, time=time_at(2))


def test_an_event_of_another_kind_of_stream_cannot_be_folded() -> None:
    number = NumberRegistered(number_id=ONE, phone_number="+14155550101", account_id=ACCOUNT)

    with pytest.raises(UnfoldableEvent):
        evolve_account(account(), number, height=2, time=time_at(2))
    with pytest.raises(UnfoldableEvent):
        evolve_number(Number(id=ONE), opened(), height=2, time=time_at(2))
    with pytest.raises(UnfoldableEvent):
        evolve_operators(Operators(), created(), height=2, time=time_at(2))


def test_a_mend_in_a_numbers_stream_changes_nothing() -> None:
    number = Number(id=ONE, account_id=ACCOUNT)

    assert evolve_number(number, StreamMended(stream=ONE, reason="forged"), height=2, time=time_at(2)) is number
