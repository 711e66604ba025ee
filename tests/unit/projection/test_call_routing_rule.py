"""A number routes when every chain says its part: owned, under the registration that was assigned, held, answering."""

from msgspec import UNSET

from patchbay.assistants.events import AssignedNumber
from patchbay.callrouting import (
    Answer,
    Fact,
    InboundSwitched,
    NumberChanged,
    NumberFreed,
    NumberOwned,
    NumbersHeld,
    Outcome,
    RoutingTable,
)

OWNED = NumberOwned("pn_1", "+15550001", "acct_a", 1)
HELD = NumbersHeld("acct_a", "asst_1", (AssignedNumber(number_id="pn_1", registration=1),))
ANSWERS = InboundSwitched("acct_a", "asst_1", is_enabled=True)


def table(*facts: Fact) -> RoutingTable:
    """Return the table after these facts."""
    made = RoutingTable()
    for fact in facts:
        made.apply(fact)
    return made


def test_a_number_that_is_owned_held_and_answered_is_routed() -> None:
    answer = table(OWNED, HELD, ANSWERS).look_up("+15550001")

    assert answer == Answer(Outcome.ROUTED, "asst_1", "acct_a", "pn_1")


def test_a_number_that_nobody_registered_is_unknown() -> None:
    assert table(HELD, ANSWERS).look_up("+15550001") == Answer(Outcome.UNKNOWN_NUMBER)


def test_a_number_that_no_assistant_holds_is_unassigned() -> None:
    assert table(OWNED, ANSWERS).look_up("+15550001").outcome is Outcome.UNASSIGNED


def test_an_assistant_that_does_not_answer_is_named_but_not_routed_to() -> None:
    disabled = InboundSwitched("acct_a", "asst_1", is_enabled=False)

    assert table(OWNED, HELD).look_up("+15550001") == Answer(Outcome.INBOUND_DISABLED, "asst_1", "acct_a", "pn_1")
    assert table(OWNED, HELD, ANSWERS, disabled).look_up("+15550001").outcome is Outcome.INBOUND_DISABLED


def test_a_released_number_does_not_come_back_to_its_old_assistant() -> None:
    again = NumberOwned("pn_1", "+15550001", "acct_a", 3)
    made = table(OWNED, HELD, ANSWERS, NumberFreed("pn_1"))

    assert made.look_up("+15550001").outcome is Outcome.UNKNOWN_NUMBER
    assert made.apply(again) == {"+15550001"}
    assert made.look_up("+15550001").outcome is Outcome.UNASSIGNED


def test_another_accounts_assignment_of_the_number_does_not_route_it() -> None:
    foreign = NumbersHeld("acct_b", "asst_2", (AssignedNumber(number_id="pn_1", registration=1),))
    answering = InboundSwitched("acct_b", "asst_2", is_enabled=True)

    assert table(OWNED, foreign, answering).look_up("+15550001").outcome is Outcome.UNASSIGNED


def test_a_moved_number_is_its_new_assistants() -> None:
    moved = NumbersHeld("acct_a", "asst_2", HELD.numbers)
    answering = InboundSwitched("acct_a", "asst_2", is_enabled=True)
    let_go = NumbersHeld("acct_a", "asst_1", ())

    answer = table(OWNED, HELD, ANSWERS, moved, answering, let_go).look_up("+15550001")

    assert answer == Answer(Outcome.ROUTED, "asst_2", "acct_a", "pn_1")


def test_a_suspended_number_is_answered_by_nobody_until_it_is_active_again() -> None:
    made = table(OWNED, HELD, ANSWERS, NumberChanged("pn_1", fallback="+15559999", status="suspended"))

    assert made.look_up("+15550001") == Answer(Outcome.SUSPENDED, "asst_1", "acct_a", "pn_1", "+15559999")
    assert made.apply(NumberChanged("pn_1", fallback=UNSET, status="active")) == {"+15550001"}
    assert made.look_up("+15550001") == Answer(Outcome.ROUTED, "asst_1", "acct_a", "pn_1")


def test_the_fallback_is_told_with_every_outcome_but_routed() -> None:
    redirected = NumberChanged("pn_1", fallback="+15559999", status=UNSET)

    assert table(OWNED, redirected).look_up("+15550001").fallback == "+15559999"
    assert table(OWNED, HELD, redirected).look_up("+15550001").fallback == "+15559999"
    assert table(OWNED, HELD, ANSWERS, redirected).look_up("+15550001").fallback is None


def test_a_number_registered_again_is_active_and_has_no_fallback() -> None:
    changed = NumberChanged("pn_1", fallback="+15559999", status="suspended")
    made = table(OWNED, changed, NumberFreed("pn_1"), NumberOwned("pn_1", "+15550001", "acct_b", 4))

    assert made.look_up("+15550001") == Answer(Outcome.UNASSIGNED, None, "acct_b", "pn_1")


def test_a_change_of_a_number_that_nobody_has_registered_is_passed_over() -> None:
    assert table().apply(NumberChanged("pn_1", fallback=None, status="active")) == set()
