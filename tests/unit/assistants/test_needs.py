"""What has to be loaded before a command is decided, and that it suffices."""

import pytest
from msgspec import structs
from tests.unit.assistants.builders import (
    ACCOUNT,
    ALICE,
    BOB,
    CAROL,
    KEY,
    LOG,
    ONE,
    THREE,
    TWO,
    account,
    assigned,
    assistant,
    created,
    owned,
)

from patchbay.assistants import ids
from patchbay.assistants.commands import (
    AssignNumbers,
    Command,
    CreateAssistant,
    DeleteAssistant,
    OpenAccount,
    RevokeKey,
    UnassignNumber,
    UpdateAssistant,
)
from patchbay.assistants.decide import decide_account
from patchbay.assistants.events import AssistantUpdated
from patchbay.assistants.needs import NOTHING, Needs, missing, needs
from patchbay.assistants.rejections import Rejection
from patchbay.assistants.states import Account, Holding

STRANGER = "asst_01jm0000000000000000000009"
UNKNOWN = ids.number_id(LOG, "+14155550199")
KNOWN = account(
    created(),
    created(BOB),
    assigned(ALICE, (ONE, 1), (TWO, 1)),
    assigned(BOB, (THREE, 1)),
    numbers=[owned(ONE), owned(TWO), owned(THREE)],
)
EVERYTHING = structs.replace(
    KNOWN,
    assistants={**KNOWN.assistants, STRANGER: None},
    holders={**KNOWN.holders, UNKNOWN: None},
    numbers={**KNOWN.numbers, UNKNOWN: None},
)
NO_CHANGE = AssistantUpdated(assistant_id=ALICE)
COMMANDS: tuple[Command, ...] = (
    OpenAccount(account_id=ACCOUNT, slug="my-team", name="My Team"),
    CreateAssistant(assistant_id=CAROL, account_id=ACCOUNT, name="X", template_id="custom", fields=NO_CHANGE),
    UpdateAssistant(assistant_id=ALICE, changes=AssistantUpdated(assistant_id=ALICE, name="New")),
    UpdateAssistant(assistant_id=STRANGER, changes=NO_CHANGE),
    DeleteAssistant(assistant_id=ALICE),
    DeleteAssistant(assistant_id=STRANGER),
    AssignNumbers(assistant_id=ALICE, number_ids=(ONE, THREE)),
    AssignNumbers(assistant_id=ALICE, number_ids=(THREE, UNKNOWN)),
    AssignNumbers(assistant_id=BOB, number_ids=(ONE,), reassign=True),
    UnassignNumber(number_id=ONE),
    UnassignNumber(number_id=UNKNOWN),
    RevokeKey(key_id=KEY),
)


def load(state: Account, wanted: Needs) -> Account:
    """Add the parts of EVERYTHING that are asked for, as a loader does: None for what is not there."""
    numbers = set(wanted.numbers)
    for assistant_id in wanted.holdings_of:
        numbers |= set(assistant(EVERYTHING, assistant_id).phone_number_ids)
    return structs.replace(
        state,
        assistants={**state.assistants, **{one: EVERYTHING.assistants.get(one) for one in wanted.assistants}},
        holders={**state.holders, **{one: EVERYTHING.holders.get(one) for one in numbers}},
        numbers={**state.numbers, **{one: EVERYTHING.numbers.get(one) for one in wanted.numbers}},
        keys={**state.keys, **{one: EVERYTHING.keys.get(one) for one in wanted.keys}},
    )


def outcome(command: Command, state: Account) -> object:
    try:
        return decide_account(command, state)
    except Rejection as rejection:
        return type(rejection), rejection.code


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_what_is_needed_suffices_to_decide_as_with_everything(command: Command) -> None:
    state = load(Account(id=ACCOUNT, slug="my-team", name="My Team"), needs(command))
    steps = 0
    while wanted := missing(command, state):
        state = load(state, wanted)
        steps += 1

    assert steps <= 1
    assert outcome(command, state) == outcome(command, EVERYTHING)


def test_a_command_that_reads_nothing_needs_nothing() -> None:
    assert needs(COMMANDS[0]) is NOTHING
    assert not needs(COMMANDS[1])


def test_what_is_loaded_already_is_not_asked_for_again() -> None:
    for command in COMMANDS:
        assert not missing(command, load(load(EVERYTHING, needs(command)), missing(command, EVERYTHING)))


def test_the_holder_of_a_number_that_moved_meanwhile_is_asked_for_again() -> None:
    command = UnassignNumber(number_id=ONE)
    state = load(Account(id=ACCOUNT, slug="my-team", name="My Team"), needs(command))
    state = load(state, missing(command, state))
    assert not missing(command, state)

    moved = structs.replace(state, holders={**state.holders, ONE: Holding(assistant_id=BOB, registration=1)})

    assert missing(command, moved) == Needs(assistants=frozenset((BOB,)), holdings_of=frozenset((BOB,)))


def test_a_number_whose_owner_alone_is_known_is_still_asked_for() -> None:
    command = AssignNumbers(assistant_id=ALICE, number_ids=(ONE, TWO))
    state = Account(id=ACCOUNT, assistants={ALICE: None}, numbers={ONE: owned(ONE), TWO: None}, holders={TWO: None})

    assert missing(command, state) == Needs(numbers=frozenset((ONE,)))


def test_a_number_whose_holder_alone_is_known_is_still_asked_for() -> None:
    command = AssignNumbers(assistant_id=ALICE, number_ids=(ONE, TWO))
    state = Account(id=ACCOUNT, assistants={ALICE: None}, numbers={TWO: None}, holders={ONE: None, TWO: None})

    assert missing(command, state) == Needs(numbers=frozenset((ONE,)))


def test_a_holder_whose_other_numbers_are_not_known_is_asked_for_these_alone() -> None:
    state = structs.replace(EVERYTHING, holders={ONE: EVERYTHING.holders[ONE]})

    assert missing(UnassignNumber(number_id=ONE), state) == Needs(holdings_of=frozenset((ALICE,)))
