"""Arbitrary events, and arbitrary lives of an account."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from patchbay.assistants import events
from patchbay.assistants.commands import (
    AssignNumbers,
    CloneAssistant,
    Command,
    CreateAssistant,
    DeleteAssistant,
    UnassignNumber,
    UpdateAssistant,
)
from patchbay.assistants.events import AssignedNumber, AssistantUpdated, Event

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
heights = st.integers(min_value=1, max_value=2**53)
numbers = st.builds(AssignedNumber, number_id=texts, registration=heights)
temperatures = st.floats(min_value=0, max_value=2, allow_nan=False)

_BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    int: heights,
    float: temperatures,
    bool: st.booleans(),
    tuple[str, ...]: st.lists(texts, max_size=3).map(tuple),
    tuple[AssignedNumber, ...]: st.lists(numbers, max_size=3).map(tuple),
    type(None): st.none(),
    msgspec.UnsetType: st.just(msgspec.UNSET),
}


def of(event: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Any event, or part of one, of one class: each field any value of its type."""
    fields = {}
    for field in msgspec.structs.fields(event):
        alternatives = getattr(field.type, "__args__", ()) if field.type not in _BY_TYPE else (field.type,)
        fields[field.name] = st.one_of([_part(alternative) for alternative in alternatives])
    return st.builds(event, **fields)


def _part(kind: Any) -> st.SearchStrategy[Any]:
    return _BY_TYPE[kind] if kind in _BY_TYPE else of(kind)


ALL_EVENTS: tuple[type[Event], ...] = tuple(
    value
    for value in vars(events).values()
    if isinstance(value, type) and issubclass(value, Event) and value is not Event
)
any_event = st.sampled_from(ALL_EVENTS).flatmap(of)

ASSISTANTS = ("asst_a", "asst_b", "asst_c")
NUMBERS = ("pn_1", "pn_2", "pn_3", "pn_4")
assistant_ids = st.sampled_from(ASSISTANTS)
number_ids = st.sampled_from(NUMBERS)


class Reregister(msgspec.Struct, frozen=True):
    """What another stream does meanwhile: a number gets a new registration, or is lost to the account."""

    number_id: str
    owned: bool


def _created(assistant_id: str) -> CreateAssistant:
    return CreateAssistant(
        assistant_id=assistant_id,
        account_id="acct_x",
        name=assistant_id,
        template_id="custom",
        fields=AssistantUpdated(assistant_id=assistant_id),
    )


def _updated(assistant_id: str, name: str) -> UpdateAssistant:
    return UpdateAssistant(assistant_id=assistant_id, changes=AssistantUpdated(assistant_id=assistant_id, name=name))


steps: st.SearchStrategy[Command | Reregister] = st.one_of(
    st.builds(_created, assistant_ids),
    st.builds(_updated, assistant_ids, st.sampled_from(["x", "y"])),
    st.builds(
        AssignNumbers,
        assistant_id=assistant_ids,
        number_ids=st.lists(number_ids, unique=True, max_size=4).map(tuple),
        reassign=st.booleans(),
    ),
    st.builds(UnassignNumber, number_id=number_ids),
    st.builds(CloneAssistant, assistant_id=assistant_ids, account_id=st.just("acct_x"), source_id=assistant_ids),
    st.builds(DeleteAssistant, assistant_id=assistant_ids),
    st.builds(Reregister, number_ids, st.booleans()),
)
lives = st.lists(steps, max_size=40)
