"""The rule of verdicts, explored: no honest history is ever judged broken, and no loss stays silent."""

import random
from collections.abc import Callable, Sequence

import pytest
from tests.simulation import exploring
from tests.simulation.exploring import Broken, Explorer


@pytest.mark.parametrize(
    ("explorer", "states"),
    [
        pytest.param(Explorer((3, 3), again=1, refusals=1), 10_000, id="3 + 3 commands, delivered again and refused"),
        pytest.param(Explorer((3, 3), sessions=1, depth=2), 10_000, id="3 + 3 commands, a session given up"),
        pytest.param(Explorer((2, 2), refusals=1, sessions=1), 10_000, id="2 + 2, cold sessions and zombies"),
        pytest.param(Explorer((1, 1, 1), refusals=1, sessions=1, again=1), 10_000, id="1 + 1 + 1, everything"),
    ],
)
def test_no_interleaving_of_honest_writers_is_ever_broken(
    explorer: Explorer, states: int, record_property: Callable[[str, object], None]
) -> None:
    """Every state that can be reached is visited; whatever lands is accepted or void."""
    visited = explorer.exhaust()
    record_property("states", visited)

    assert visited > states


def test_no_long_history_of_three_writers_is_ever_broken() -> None:
    """What is too many to visit is walked through at random."""
    chance = random.Random(1)
    explorer = Explorer((2, 2, 2), refusals=2, sessions=2, again=2)
    for _ in range(600):
        explorer.walk(chance)


def test_a_base_that_no_verdict_accepted_is_found_out() -> None:
    """Named as base is what the record stands on: the honest child of a refused record is broken."""
    with pytest.raises(Broken):
        Explorer((2, 2), refusals=1, base_of=exploring.parent).exhaust()


def test_without_a_base_a_loss_is_found_to_be_silent() -> None:
    """The search for silent losses finds them where the rule cannot tell."""
    chance = random.Random(1)
    explorer = Explorer((2, 2), refusals=1, base_of=exploring.nothing)

    with pytest.raises(Silent):
        sum(_lose_any_part(explorer.walk(chance), exploring.nothing) for _ in range(300))


def test_whatever_part_of_the_log_is_lost_the_next_events_show_it() -> None:
    """
    Of logs that honest writers left, every run of records that holds an accepted one is taken out.

    The next two events, made by a writer that knew the whole log, stop the stream for a reader of what is left.
    """
    chance = random.Random(1)
    explorer = Explorer((2, 2, 1), refusals=1, sessions=1, again=1)
    cases = sum(_lose_any_part(explorer.walk(chance)) for _ in range(600))

    assert cases > 10_000


class Silent(AssertionError):
    """Something was lost, and nobody notices."""


def _lose_any_part(log: Sequence[int], base_of: exploring.BaseOf = exploring.known) -> int:
    """Return how many ways of losing something were tried. Raises Silent."""
    head, is_broken = exploring.fold(log)
    chain = set(exploring.chain_of(head))
    height = exploring.height(head)
    first = exploring.id_of(height + 1, head, base_of(head, head), 0)
    second = exploring.id_of(height + 2, first, base_of(first, first), 0)
    assert not is_broken
    cases = 0
    for begin in range(len(log)):
        for end in range(begin + 1, len(log) + 1):
            left = [*log[:begin], *log[end:]]
            if chain <= set(left):
                continue  # only voids and copies are gone: nothing is lost
            cases += 1
            if not exploring.fold([*left, first, second])[1]:
                raise Silent(f"nobody notices that {log} became {left}")
    return cases
