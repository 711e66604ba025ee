"""The three kinds of streams, and what of each a command reads, decides and changes."""

from collections.abc import Sequence
from typing import Final, assert_never

from patchbay.api.writing.outcomes import State, Write
from patchbay.api.writing.snapshot import Wanted
from patchbay.assistants.catalogue import Catalogue
from patchbay.assistants.commands import Command, UnassignNumber
from patchbay.assistants.decide import decide_account, decide_number, decide_operators
from patchbay.assistants.events import AssistantCreated, Event
from patchbay.assistants.evolve import evolve_account, evolve_number, evolve_operators
from patchbay.assistants.needs import needs
from patchbay.assistants.states import Account, Number, Operators

_NONE: Final[frozenset[str]] = frozenset()


def wanted_by(stream: str, writes: Sequence[Write]) -> Wanted:
    """Return what has to be loaded of the stream to decide these writes together."""
    if len(writes) == 1 and not isinstance(writes[0].command, UnassignNumber):  # most streams, most of the time
        (write,) = writes
        n = needs(write.command)
        return Wanted(
            stream,
            (write.command_id,),
            n.assistants,
            n.numbers,
            holdings_of=n.holdings_of,
            keys=n.keys,
            numbers_of=n.numbers_of,
            names=n.names,
        )
    read = [needs(write.command) for write in writes]
    return Wanted(
        stream=stream,
        command_ids=tuple(write.command_id for write in writes),
        assistants=_NONE.union(*(n.assistants for n in read)),
        numbers=_NONE.union(*(n.numbers for n in read)),
        # Whoever holds the number is known only to the database: the holder and its other numbers come along.
        holders_of=frozenset(w.command.number_id for w in writes if isinstance(w.command, UnassignNumber)),
        holdings_of=_NONE.union(*(n.holdings_of for n in read)),
        keys=_NONE.union(*(n.keys for n in read)),
        numbers_of=_NONE.union(*(n.numbers_of for n in read)),
        names=_NONE.union(*(n.names for n in read)),
    )


def decide(command: Command, state: State, catalogue: Catalogue | None) -> Event | None:
    """
    Return the event that `command` leads to in its stream; None if it is already so.

    Raises:
        Rejection: The command breaks a rule; nothing is to be appended.
    """
    match state:
        case Account():
            return decide_account(command, state, catalogue)
        case Number():
            return decide_number(command, state)
        case Operators():
            return decide_operators(command, state)
        case _:
            assert_never(state)


def is_read(event: Event, state: State) -> bool:
    """
    True if a command that `state` was loaded for may read what a pending event makes.

    A run of creations is long, and each fold copies all those before it: an assistant that nobody asked for is left
    out, unless numbers are looked at, whose holders are known only from the events, or names.
    """
    return not (
        isinstance(event, AssistantCreated)
        and isinstance(state, Account)
        and not state.holders
        and not state.named
        and event.assistant_id not in state.assistants
    )


def evolve(state: State, event: Event, *, height: int, time: str) -> State:
    """Return the state after the event."""
    match state:
        case Account():
            return evolve_account(state, event, height=height, time=time)
        case Number():
            return evolve_number(state, event, height=height, time=time)
        case Operators():
            return evolve_operators(state, event, height=height, time=time)
        case _:
            assert_never(state)
