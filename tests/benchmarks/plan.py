"""What is measured, how often and for how long."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from tests.benchmarks.scenarios import SCENARIOS, Scenario

STAGES: Final = ("scenarios", "curve", "copies", "budget", "processes", "flames", "limits", "sizes", "rebuild")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured, and for how long."""

    quick: bool
    stages: frozenset[str]
    scenarios: tuple[Scenario, ...]
    rounds: int
    seconds: float  # of each run
    assistants: int  # there to be read
    sizes: tuple[int, ...]  # assistants of the one that grows
    rebuild_events: int
    document: Path | None  # that gets the figures

    def __contains__(self, stage: str) -> bool:
        return stage in self.stages


def read_plan(arguments: Sequence[str]) -> Plan:
    """Return what the arguments and `QUICK` in the environment ask for."""
    quick = os.environ.get("QUICK", "") not in ("", "0")
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    scenarios = [one.name for one in SCENARIOS if one.is_quick or not quick]
    parser.add_argument("--stages", default=",".join(STAGES), help=f"of {', '.join(STAGES)}")
    parser.add_argument("--only", default=",".join(scenarios), help=f"scenarios of {', '.join(scenarios)}")
    parser.add_argument("--rounds", type=int, default=3 if quick else 5)
    parser.add_argument("--seconds", type=float, default=1 if quick else 5, help="of each run")
    parser.add_argument("--assistants", type=int, default=2_000 if quick else 100_000, help="there to be read")
    parser.add_argument("--sizes", default="10000" if quick else "10000,100000,1000000")
    parser.add_argument("--rebuild-events", type=int, default=20_000 if quick else 200_000)
    parser.add_argument("--document", type=Path, help="write the figures into this page, between its two marks")
    given = parser.parse_args(arguments)
    _check(parser, "stage", given.stages, STAGES)
    _check(parser, "scenario", given.only, [one.name for one in SCENARIOS])
    return Plan(
        quick=quick,
        stages=frozenset(given.stages.split(",")),
        scenarios=tuple(one for one in SCENARIOS if one.name in given.only.split(",")),
        rounds=given.rounds,
        seconds=given.seconds,
        assistants=given.assistants,
        sizes=tuple(int(size) for size in given.sizes.split(",")),
        rebuild_events=given.rebuild_events,
        document=given.document,
    )


def _check(parser: argparse.ArgumentParser, what: str, given: str, known: Sequence[str]) -> None:
    unknown = set(given.split(",")) - set(known)
    if unknown:
        parser.error(f"there is no {what} {', '.join(sorted(unknown))}; there are {', '.join(known)}")
