"""
Compare Patchbay with a plain CRUD service, in one run on one machine.

    python -m tests.benchmarks [--only create,read] [--rounds 5] [--seconds 5]

`QUICK=1` in the environment makes it shorter. The exit code is 0 if every goal is reached, 1 if one is missed, and 2 if
nothing could be measured. Linux only: CPU time is read from /proc.
"""

import argparse
import asyncio
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

import msgspec
from tests.benchmarks.generator import GeneratorMissing, RunFailed, find_generator
from tests.benchmarks.measuring import measure_rounds, outcomes, seed
from tests.benchmarks.report import RESULTS, describe_machine, render, write_results
from tests.benchmarks.scenarios import SCENARIOS, Scenario
from tests.benchmarks.sides import SideFailed, fetch_servers, run_crud, run_patchbay

from patchbay.embedded import EmbeddedError


class Plan(msgspec.Struct, frozen=True):
    """What is measured, and for how long."""

    scenarios: tuple[Scenario, ...]
    rounds: int
    seconds: float  # of each run
    assistants: int  # there to be read


def main() -> int:
    """Measure, print and keep; return the exit code."""
    plan = _plan(sys.argv[1:])
    try:
        find_generator()
    except GeneratorMissing as missing:
        _tell(f"benchmarks skipped: {missing}")
        return 0
    if not Path("/proc/stat").exists():
        _tell("benchmarks skipped: CPU time is read from /proc, which this system does not have")
        return 0
    fetch_servers()
    directory = _new_directory()
    try:
        code = asyncio.run(_measure(plan, directory))
    except (RunFailed, SideFailed, EmbeddedError) as failed:
        _tell(f"nothing was measured: {failed}\nthe logs are in {directory}")
        return 2
    shutil.rmtree(directory)
    return code


async def _measure(plan: Plan, directory: Path) -> int:
    machine = describe_machine(directory)
    _tell("starting Kafka, Postgres, Patchbay and the CRUD service")
    async with run_patchbay(directory / "patchbay") as patchbay, run_crud(directory / "crud") as crud:
        sides = (crud, patchbay)
        for side in sides:
            _tell(f"creating {plan.assistants:,} assistants in {side.name}")
            await seed(side, plan.assistants)
        runs = await measure_rounds(sides, plan.scenarios, rounds=plan.rounds, seconds=plan.seconds, tell=_tell)
    found = outcomes(runs, plan.scenarios)
    path = write_results(found, runs, sides, machine)
    sys.stdout.write("\n" + render(found, runs, sides, machine) + f"\nall figures: {path}\n")
    return 1 if any(one.measure.reaches(one.ratio) is False for one in found) else 0


def _plan(arguments: Sequence[str]) -> Plan:
    quick = os.environ.get("QUICK", "") not in ("", "0")
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[1])
    names = [one.name for one in SCENARIOS]
    parser.add_argument("--only", default=",".join(names), help=f"of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2 if quick else 5, help="of each run")
    parser.add_argument("--assistants", type=int, default=5_000 if quick else 100_000, help="there to be read")
    given = parser.parse_args(arguments)
    unknown = set(given.only.split(",")) - set(names)
    if unknown:
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen = tuple(one for one in SCENARIOS if one.name in given.only.split(","))
    return Plan(scenarios=chosen, rounds=given.rounds, seconds=given.seconds, assistants=given.assistants)


def _new_directory() -> Path:
    """Return a new directory on the disk that the repository is on: one in memory would know no fsync."""
    RESULTS.mkdir(exist_ok=True)
    directory = Path(mkdtemp(prefix="servers-", dir=RESULTS))
    for name in ("crud", "patchbay"):
        (directory / name).mkdir()
    return directory


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
