"""A number routes when every chain says its part: owned, under the registration that was assigned, held, answering."""

from patchbay.assistants.events import AssignedNumber
from patchbay.callrouting import (
    Answer,
    InboundSwitched,
    NumberFreed,
    NumberOwned,
    NumbersHeld,
    Outcome,
    RoutingTable,
)

OWNED = NumberOwned("pn_1", "+15550001", "acct_a", 1)
HELD = NumbersHeld("acct_a", "asst_1", (AssignedNumber(number_id="pn_1", registration=1),))
ANSWERS = InboundSwitched("acct_a", "asst_1", is_enabled=True)


def table(*facts: NumberOwned | NumberFreed | NumbersHeld | InboundSwitched) -> RoutingTable:
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
