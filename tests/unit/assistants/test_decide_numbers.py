"""Who owns a number, which assistant holds it, and what becomes of the ones that lose it."""

import pytest
from msgspec import structs
from tests.unit.assistants.builders import (
    ACCOUNT,
    ALICE,
    BOB,
    CAROL,
    ONE,
    OTHER_ACCOUNT,
    THREE,
    TWO,
    account,
    after,
    assigned,
    assistant,
    created,
    owned,
    time_at,
)

from patchbay.assistants.commands import AssignNumbers, RegisterNumber, ReleaseNumber, UnassignNumber, UpdateNumber
from patchbay.assistants.decide import decide_account, decide_number
from patchbay.assistants.errors import PartNotLoaded
from patchbay.assistants.events import NumberRegistered, NumberReleased, NumberUpdated
from patchbay.assistants.evolve import evolve_number
from patchbay.assistants.rejections import (
    AssistantNotFound,
    FallbackToItself,
    NumberNotFound,
    NumberOwnedElsewhere,
    NumberTaken,
    VersionMismatch,
)
from patchbay.assistants.states import Account, Holding, Number


def assign(assistant_id: str, *number_ids: str, reassign: bool = False) -> AssignNumbers:
    return AssignNumbers(assistant_id=assistant_id, number_ids=number_ids, reassign=reassign)


def test_numbers_are_assigned_under_the_registrations_in_force() -> None:
    state = account(created(), numbers=[owned(ONE, 3), owned(TWO, 5)])

    event = decide_account(assign(ALICE, TWO, ONE), state)

    assert event == assigned(ALICE, (TWO, 5), (ONE, 3))


def test_an_assignment_replaces_the_whole_list() -> None:
    state = account(created(), assigned(ALICE, (ONE, 1), (TWO, 1)), numbers=[owned(TWO), owned(THREE)])

    state = after(state, assign(ALICE, THREE, TWO))

    assert assistant(state).phone_number_ids == (THREE, TWO)
    assert state.holders == {ONE: None, TWO: Holding(assistant_id=ALICE, registration=1), THREE: state.holders[TWO]}
    assert assistant(state).version == 3


def test_an_empty_list_removes_all() -> None:
    state = account(created(), assigned(ALICE, (ONE, 1)))

    assert decide_account(assign(ALICE), state) == assigned(ALICE)
    assert after(state, assign(ALICE)).holders[ONE] is None


def test_the_same_list_again_leads_to_nothing() -> None:
    state = account(created(), assigned(ALICE, (ONE, 1), (TWO, 1)), numbers=[owned(ONE), owned(TWO)])

    assert decide_account(assign(ALICE, ONE, TWO), state) is None


def test_another_order_is_another_list() -> None:
    state = account(created(), assigned(ALICE, (ONE, 1), (TWO, 1)), numbers=[owned(ONE), owned(TWO)])

    assert decide_account(assign(ALICE, TWO, ONE), state) == assigned(ALICE, (TWO, 1), (ONE, 1))


def test_a_number_registered_anew_is_assigned_anew() -> None:
    state = account(created(), assigned(ALICE, (ONE, 1)), numbers=[owned(ONE, 3)])

    assert decide_account(assign(ALICE, ONE), state) == assigned(ALICE, (ONE, 3))


def test_every_number_that_the_account_does_not_own_is_named() -> None:
    state = account(created(), numbers=[owned(TWO)])

    with pytest.raises(NumberNotFound) as rejection:
        decide_account(assign(ALICE, ONE, TWO, THREE), state)

    assert rejection.value.number_ids == (ONE, THREE)


def test_a_number_that_another_assistant_holds_is_refused_and_both_are_named() -> None:
    state = account(
        created(), created(BOB), assigned(BOB, (ONE, 1), (TWO, 1)), numbers=[owned(ONE), owned(TWO), owned(THREE)]
    )

    with pytest.raises(NumberTaken) as rejection:
        decide_account(assign(ALICE, THREE, TWO, ONE), state)

    taken = rejection.value
    assert (taken.number_id, taken.assistant_id, taken.assistant_name) == (TWO, BOB, "Assistant 2")
    assert [one.number_id for one in taken.taken] == [TWO, ONE]
    assert TWO in taken.sentence
    assert BOB in taken.sentence


def test_a_holder_that_was_not_loaded_is_named_by_its_id() -> None:
    state = Account(
        id=ACCOUNT,
        slug="my-team",
        name="My Team",
        assistants={ALICE: assistant(account(created()))},
        holders={ONE: Holding(assistant_id=BOB, registration=1)},
        numbers={ONE: owned(ONE)},
    )

    with pytest.raises(NumberTaken) as rejection:
        decide_account(assign(ALICE, ONE), state)

    assert (rejection.value.assistant_id, rejection.value.assistant_name) == (BOB, None)


def test_reassign_takes_numbers_away_and_touches_who_loses_them() -> None:
    state = account(
        created(),
        created(BOB),
        created(CAROL),
        assigned(BOB, (ONE, 1), (TWO, 1)),
        assigned(CAROL, (THREE, 1)),
        numbers=[owned(ONE), owned(THREE)],
    )

    event = decide_account(assign(ALICE, THREE, ONE, reassign=True), state)
    state = after(state, assign(ALICE, THREE, ONE, reassign=True), height=9)

    assert event == assigned(ALICE, (THREE, 1), (ONE, 1), taken_from=(CAROL, BOB))
    assert assistant(state, BOB).phone_number_ids == (TWO,)
    assert (assistant(state, BOB).version, assistant(state, BOB).updated_at) == (3, time_at(9))
    assert assistant(state, CAROL).phone_number_ids == ()
    assert assistant(state, ALICE).phone_number_ids == (THREE, ONE)


def test_a_stale_holding_stands_in_nobodys_way_and_is_cleaned_up() -> None:
    state = account(created(), created(BOB), assigned(BOB, (ONE, 1)), numbers=[owned(ONE, 3)])

    event = decide_account(assign(ALICE, ONE), state)

    assert event == assigned(ALICE, (ONE, 3), taken_from=(BOB,))
    assert assistant(after(state, assign(ALICE, ONE)), BOB).phone_number_ids == ()


def test_an_assignment_to_an_assistant_that_is_not_there_is_refused_before_its_numbers_are_looked_at() -> None:
    with pytest.raises(AssistantNotFound):
        decide_account(assign(ALICE, ONE), account())


def test_an_assignment_to_an_older_version_is_refused() -> None:
    state = account(created(), assigned(ALICE, (ONE, 1)), numbers=[owned(ONE)])

    with pytest.raises(VersionMismatch):
        decide_account(AssignNumbers(assistant_id=ALICE, number_ids=(), if_match=(1,)), state)


@pytest.mark.parametrize("part", ["holders", "numbers"])
def test_a_number_that_was_not_loaded_is_the_callers_mistake(part: str) -> None:
    state = account(created(), numbers=[owned(ONE)])

    with pytest.raises(PartNotLoaded):
        decide_account(assign(ALICE, ONE), structs.replace(state, **{part: {}}))


def test_unassigning_takes_one_number_off_and_keeps_the_registrations_of_the_others() -> None:
    state = account(
        created(), assigned(ALICE, (ONE, 1), (TWO, 4), (THREE, 2)), numbers=[owned(ONE), owned(TWO, 9), owned(THREE)]
    )

    event = decide_account(UnassignNumber(number_id=ONE), state)

    assert event == assigned(ALICE, (TWO, 4), (THREE, 2))


def test_unassigning_a_number_that_nobody_holds_leads_to_nothing() -> None:
    assert decide_account(UnassignNumber(number_id=ONE), account(created())) is None


def test_unassigning_works_for_a_number_that_is_no_longer_owned() -> None:
    state = account(created(), assigned(ALICE, (ONE, 1)))

    assert decide_account(UnassignNumber(number_id=ONE), state) == assigned(ALICE)


def test_a_free_number_is_registered() -> None:
    event = decide_number(
        RegisterNumber(number_id=ONE, phone_number="+14155550101", account_id=ACCOUNT), Number(id=ONE)
    )

    assert event == NumberRegistered(number_id=ONE, phone_number="+14155550101", account_id=ACCOUNT)


def registered(account_id: str = ACCOUNT, height: int = 1) -> Number:
    event = NumberRegistered(number_id=ONE, phone_number="+14155550101", account_id=account_id)
    return evolve_number(Number(id=ONE), event, height=height, time=time_at(height))


def test_the_height_of_the_event_is_the_registration() -> None:
    assert registered(height=5).registration == 5


def test_registering_ones_own_number_leads_to_nothing() -> None:
    command = RegisterNumber(number_id=ONE, phone_number="+14155550101", account_id=ACCOUNT)

    assert decide_number(command, registered()) is None


def test_a_number_of_another_account_is_refused_without_saying_whose_it_is() -> None:
    command = RegisterNumber(number_id=ONE, phone_number="+14155550101", account_id=ACCOUNT)

    with pytest.raises(NumberOwnedElsewhere) as rejection:
        decide_number(command, registered(OTHER_ACCOUNT))

    assert OTHER_ACCOUNT not in rejection.value.sentence


def test_a_released_number_belongs_to_nobody_and_may_be_registered_by_anybody() -> None:
    event = decide_number(ReleaseNumber(number_id=ONE, account_id=ACCOUNT), registered())
    assert event == NumberReleased(number_id=ONE, account_id=ACCOUNT)
    free = evolve_number(registered(), event, height=2, time=time_at(2))

    again = decide_number(RegisterNumber(number_id=ONE, phone_number="+14155550101", account_id=OTHER_ACCOUNT), free)

    assert (free.account_id, free.updated_at) == (None, time_at(2))
    assert isinstance(again, NumberRegistered)


def test_a_number_registered_again_begins_anew() -> None:
    free = evolve_number(registered(), NumberReleased(number_id=ONE, account_id=ACCOUNT), height=2, time=time_at(2))
    event = NumberRegistered(number_id=ONE, phone_number="+14155550101", account_id=OTHER_ACCOUNT)

    again = evolve_number(free, event, height=3, time=time_at(3))

    assert (again.account_id, again.registration, again.created_at) == (OTHER_ACCOUNT, 3, time_at(3))


def test_releasing_twice_leads_to_nothing() -> None:
    assert decide_number(ReleaseNumber(number_id=ONE, account_id=ACCOUNT), Number(id=ONE)) is None


def test_the_number_of_another_account_cannot_be_released() -> None:
    with pytest.raises(NumberNotFound):
        decide_number(ReleaseNumber(number_id=ONE, account_id=ACCOUNT), registered(OTHER_ACCOUNT))


def update(**changes: str | None) -> UpdateNumber:
    return UpdateNumber(number_id=ONE, account_id=ACCOUNT, changes=NumberUpdated(number_id=ONE, **changes))  # type: ignore[arg-type] # only what is given


def changed(number: Number, **changes: str | None) -> Number:
    event = decide_number(update(**changes), number)
    assert event is not None
    return evolve_number(number, event, height=9, time=time_at(9))


def test_only_what_changes_of_a_number_is_told() -> None:
    number = changed(registered(), fallback="+14155550199", status="suspended")

    assert (number.fallback, number.status, number.updated_at) == ("+14155550199", "suspended", time_at(9))
    assert decide_number(update(fallback="+14155550199", status="active"), number) == NumberUpdated(
        number_id=ONE, status="active"
    )
    assert decide_number(update(fallback=None), number) == NumberUpdated(number_id=ONE, fallback=None)
    assert changed(number, fallback=None).status == "suspended"
    assert decide_number(update(fallback="+14155550199", status="suspended"), number) is None
    assert decide_number(update(), number) is None


def test_a_change_keeps_owner_and_registration() -> None:
    number = changed(registered(height=5), fallback="sip:desk@pbx.example.com")

    assert (number.account_id, number.registration, number.created_at) == (ACCOUNT, 5, time_at(5))


def test_only_who_has_a_number_can_change_it() -> None:
    for number in (registered(OTHER_ACCOUNT), Number(id=ONE)):
        with pytest.raises(NumberNotFound):
            decide_number(update(fallback=None), number)


def test_a_number_is_not_its_own_fallback() -> None:
    with pytest.raises(FallbackToItself) as rejection:
        decide_number(update(fallback="+14155550101"), registered())

    assert "+14155550101" in rejection.value.sentence


def test_a_number_registered_again_is_active_and_has_no_fallback() -> None:
    number = changed(registered(), fallback="+14155550199", status="suspended")
    released = NumberReleased(number_id=ONE, account_id=ACCOUNT)
    free = evolve_number(number, released, height=10, time=time_at(10))
    again = NumberRegistered(number_id=ONE, phone_number="+14155550101", account_id=OTHER_ACCOUNT)

    assert (free.account_id, free.fallback, free.status) == (None, None, "active")
    assert evolve_number(number, again, height=11, time=time_at(11)) == evolve_number(
        free, again, height=11, time=time_at(11)
    )
