"""However an account's life goes: one holder per number, and any part loaded at any height tells the same."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.property.assistants.strategies import ASSISTANTS, NUMBERS, Reregister, lives

from patchbay.assistants.codec import touched_assistants
from patchbay.assistants.commands import CloneAssistant, Command, CreateAssistant, DeleteAssistant
from patchbay.assistants.decide import decide_account
from patchbay.assistants.events import AccountOpened, AssistantDeleted, Event, NumbersAssigned
from patchbay.assistants.evolve import evolve_account, evolve_assistant
from patchbay.assistants.rejections import Rejection
from patchbay.assistants.states import Account, Assistant, OwnedNumber

WHOLE = Account(
    id="acct_x",
    assistants=dict.fromkeys(ASSISTANTS),
    holders=dict.fromkeys(NUMBERS),
    numbers={
        number_id: OwnedNumber(id=number_id, phone_number="+1", registration=1, status="active")
        for number_id in NUMBERS
    },
)


def time_at(height: int) -> str:
    return f"2026-02-18T14:22:31.{height:06d}Z"


def live(steps: Sequence[Command | Reregister]) -> tuple[list[Event], list[Account]]:
    """Return the events of a life, and the whole account after each of them (the first before any)."""
    opened = AccountOpened(account_id="acct_x", slug="my-team", name="My Team")
    events: list[Event] = [opened]
    deleted: set[str] = set()
    states = [WHOLE, evolve_account(WHOLE, opened, height=1, time=time_at(1))]
    for registration, step in enumerate(steps, 2):
        state = states[-1]
        if isinstance(step, Reregister):
            number = OwnedNumber(id=step.number_id, phone_number="+1", registration=registration, status="active")
            numbers = {**state.numbers, step.number_id: number if step.owned else None}
            states[-1] = structs.replace(state, numbers=numbers)
            continue
        if isinstance(step, CreateAssistant | CloneAssistant) and step.assistant_id in deleted:
            continue  # an id is given out once
        try:
            event = decide_account(step, state)
        except Rejection:
            continue
        if event is not None:
            if isinstance(event, AssistantDeleted):
                deleted.add(event.assistant_id)
            events.append(event)
            states.append(evolve_account(state, event, height=len(events), time=time_at(len(events))))
    return events, states


def existing(state: Account) -> list[Assistant]:
    return [assistant for assistant in state.assistants.values() if assistant is not None]


@given(lives)
def test_a_number_is_held_by_at_most_one_assistant(steps: list[Command | Reregister]) -> None:
    _, states = live(steps)

    for state in states:
        listed = [(number_id, one.id) for one in existing(state) for number_id in one.phone_number_ids]
        held = [
            (number_id, holding.assistant_id) for number_id, holding in state.holders.items() if holding is not None
        ]
        assert len({number_id for number_id, _ in listed}) == len(listed)
        assert sorted(listed) == sorted(held)


@given(lives)
def test_the_version_counts_the_events_that_touched_an_assistant(steps: list[Command | Reregister]) -> None:
    events, states = live(steps)

    for assistant in existing(states[-1]):
        touching = [height for height, event in enumerate(events, 1) if assistant.id in touched_assistants(event)]
        assert assistant.version == len(touching)
        assert (assistant.created_at, assistant.updated_at) == (time_at(touching[0]), time_at(touching[-1]))


@given(lives, st.data())
def test_parts_loaded_at_any_height_fold_to_the_same_as_everything(
    steps: list[Command | Reregister], data: st.DataObject
) -> None:
    events, states = live(steps)
    at = data.draw(st.integers(0, len(events)), label="loaded at height")
    some_assistants = data.draw(st.sets(st.sampled_from(ASSISTANTS)), label="assistants")
    some_numbers = data.draw(st.sets(st.sampled_from(NUMBERS)), label="numbers")
    part = Account(
        id="acct_x",
        assistants={one: states[at].assistants[one] for one in some_assistants},
        holders={one: states[at].holders[one] for one in some_numbers},
    )

    for height in range(at + 1, len(events) + 1):
        part = evolve_account(part, events[height - 1], height=height, time=time_at(height))

        whole = states[height]
        assert part.assistants.keys() >= some_assistants
        assert part.holders.keys() >= some_numbers
        for one, assistant in part.assistants.items():
            assert assistant == whole.assistants[one]
        for number_id, holding in part.holders.items():
            assert holding == whole.holders[number_id]


@given(lives)
def test_one_assistant_alone_folds_to_the_same_as_in_its_account(steps: list[Command | Reregister]) -> None:
    events, states = live(steps)

    for whole in existing(states[-1]):
        alone: Assistant | None = None
        for height, event in enumerate(events, 1):
            if alone is not None or whole.id in touched_assistants(event):
                alone = evolve_assistant(alone, event, assistant_id=whole.id, time=time_at(height))

        assert alone == whole


@given(lives)
def test_a_decision_on_its_own_outcome_leads_to_nothing(steps: list[Command | Reregister]) -> None:
    """Whatever was just done, asking for it again changes nothing."""
    _, states = live(steps)
    for step in steps:
        if isinstance(step, Reregister | DeleteAssistant):  # what is no more cannot be deleted again
            continue
        try:
            event = decide_account(step, states[-1])
        except Rejection:
            continue
        if event is not None:
            after = evolve_account(states[-1], event, height=99, time=time_at(99))

            assert decide_account(step, after) is None


@given(lives)
def test_who_loses_a_number_is_exactly_who_is_named(steps: list[Command | Reregister]) -> None:
    events, states = live(steps)

    for height, event in enumerate(events, 1):
        if isinstance(event, NumbersAssigned):
            named = {number.number_id for number in event.numbers}
            losers = {
                one.id
                for one in existing(states[height - 1])
                if one.id != event.assistant_id and named & set(one.phone_number_ids)
            }
            assert set(event.taken_from) == losers
