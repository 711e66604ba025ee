"""What a seed decides, and what a run's figures are made of."""

from itertools import combinations
from random import Random
from typing import Any, cast

import pytest
from tests.chaos.faults import DECK, Fault, available, targets
from tests.chaos.nemesis import Entry, Nemesis
from tests.chaos.report import percentile, recoveries

NOTHING: Any = cast("Any", None)


def plan(seed: int, *, minutes: float = 60, rounds: int = 400) -> list[list[Fault]]:
    nemesis = Nemesis(NOTHING, NOTHING, Random(seed), seconds=minutes * 60, tell=lambda _: None)
    return [list(nemesis._gather()) for _ in range(rounds)]


def test_a_seed_decides_every_fault() -> None:
    assert plan(7) == plan(7)
    assert plan(7) != plan(8)


def test_every_kind_comes_to_every_one_it_may_hit() -> None:
    hit = {(fault.kind, fault.target) for faults in plan(7, rounds=1_500) for fault in faults}

    assert hit == {(kind, target) for kind in DECK if available(kind) for target in targets(kind)}


def test_faults_come_alone_and_together_but_never_twice_to_the_same() -> None:
    rounds = plan(7)

    assert {len(faults) for faults in rounds} == {1, 2, 3}
    for faults in rounds:
        for one, other in combinations(faults, 2):
            assert not {one.target, *one.target.split(">")} & {other.target, *other.target.split(">")}


@pytest.mark.parametrize(("minutes", "longest"), [(3, 6.0), (60, 60.0)])
def test_a_short_run_has_short_faults(minutes: float, longest: float) -> None:
    assert max(fault.seconds for faults in plan(7, minutes=minutes) for fault in faults) <= longest


def test_recovery_is_told_by_kind_where_nothing_else_had_happened() -> None:
    kill = Entry(number=1, round=1, kind="kill", target="api-1", began=0, ended=1, company=1, recovered_seconds=2.0)
    beside = Entry(number=2, round=2, kind="kill", target="api-1", began=0, ended=1, company=2, recovered_seconds=9.0)
    found = recoveries([kill, beside])

    assert (found["kill"].rounds, found["kill"].p99_seconds) == (1, 2.0)
    assert found["kill of api-1"].rounds == 1
    assert (found["any"].rounds, found["any"].p99_seconds) == (2, 9.0)


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(1, 101)]

    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (50.0, 99.0, 100.0)
    assert percentile([3.0], 0.99) == 3.0
