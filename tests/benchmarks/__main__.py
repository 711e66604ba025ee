"""
Compare Patchbay with a plain CRUD service and other peers, in one run on one machine.

    python -m tests.benchmarks [--only create,read] [--rounds 5] [--seconds 5]

`QUICK=1` in the environment makes it shorter. The exit code is 0 if every goal is reached, 1 if one is missed, and 2 if
nothing could be measured. Linux only: CPU time is read from /proc.
"""

import argparse
import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp

import msgspec
from msgspec.structs import replace
from tests.benchmarks.generator import GeneratorMissing, RunFailed, find_generator
from tests.benchmarks.installation import run_patchbay
from tests.benchmarks.measuring import measure_rounds, outcomes, seed, seed_seconds
from tests.benchmarks.peers.running import PEERS, PeerMissing, check_installed
from tests.benchmarks.report import (
    RESULTS,
    describe_machine,
    machine_line,
    outcome_facts,
    render_details,
    render_rows,
    warnings,
    write_results,
)
from tests.benchmarks.rows import rows_of
from tests.benchmarks.scenarios import SCENARIOS, US, Scenario
from tests.benchmarks.sides import Side, SideFailed, register_numbers
from tests.benchmarks.starting import fetch_servers

from patchbay.embedded import EmbeddedError

_OF_SLOWER_ONES = 10_000  # assistants there to be read, at most: some of the peers take minutes for more


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
    RESULTS.mkdir(exist_ok=True)
    # On the disk that the repository is on: one in memory would know no fsync.
    directory = Path(mkdtemp(prefix="servers-", dir=RESULTS))
    try:
        code = asyncio.run(_measure(plan, directory))
    except (RunFailed, SideFailed, EmbeddedError) as failed:
        _tell(f"nothing was measured: {failed}\nthe logs are in {directory}")
        return 2
    shutil.rmtree(directory)
    return code


async def _measure(plan: Plan, directory: Path) -> int:
    machine = describe_machine(directory)
    async with _all_sides(plan, directory) as sides:
        runs = await measure_rounds(
            {side.name: side for side in sides}, plan.scenarios, rounds=plan.rounds, seconds=plan.seconds, tell=_tell
        )
    found = outcomes(runs, plan.scenarios)
    rows = rows_of(found)
    content = {
        "machine": machine,
        "rows": rows,
        "outcomes": [outcome_facts(one) for one in found],
        "runs": runs,
    }
    path = write_results(content, sides)
    lines = [
        render_details(found, runs),
        machine_line(machine),
        f"median of {plan.rounds} rounds, {plan.seconds:g} s each, all sides in turn",
        *(f"{side.name} answers a write after: {side.durability}" for side in sides),
        "",
        render_rows(rows),
        *warnings(runs),
        f"all figures: {path}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if any(row.verdict == "FAIL" for row in rows) else 0


@asynccontextmanager
async def _all_sides(plan: Plan, directory: Path) -> AsyncIterator[tuple[Side, ...]]:
    """Run every side that the plan needs, with what there is to be asked for."""
    wanted = {name for scenario in plan.scenarios for name in scenario.sides}
    async with AsyncExitStack() as stack:
        sides: list[Side] = []
        for name, run in {US: run_patchbay, **PEERS}.items():
            if name not in wanted:
                continue
            try:
                check_installed(name)
            except PeerMissing as missing:
                _tell(f"skipped: {missing}")
                continue
            _tell(f"starting {name}")
            (directory / name).mkdir()
            side = await stack.enter_async_context(run(directory / name))
            if name == "constant":  # it is asked for what Patchbay is asked for
                side = replace(side, directory=sides[0].directory)
            else:
                await _fill(side, plan)
            sides.append(side)
        yield tuple(sides)


async def _fill(side: Side, plan: Plan) -> None:
    count = plan.assistants if side.name in {US, "crud"} else min(plan.assistants, _OF_SLOWER_ONES)
    _tell(f"creating {count:,} assistants in {side.name}")
    await seed(side, count, seed_seconds(side))
    if side.name in {US, "crud"}:
        await register_numbers(side)


def _plan(arguments: Sequence[str]) -> Plan:
    quick = os.environ.get("QUICK", "") not in ("", "0")
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[1])
    names = [one.name for one in SCENARIOS if one.is_quick or not quick]
    parser.add_argument("--only", default=",".join(names), help=f"of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=3 if quick else 5)
    parser.add_argument("--seconds", type=float, default=1 if quick else 5, help="of each run")
    parser.add_argument("--assistants", type=int, default=2_000 if quick else 100_000, help="there to be read")
    given = parser.parse_args(arguments)
    unknown = set(given.only.split(",")) - {one.name for one in SCENARIOS}
    if unknown:
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen = tuple(one for one in SCENARIOS if one.name in given.only.split(","))
    return Plan(scenarios=chosen, rounds=given.rounds, seconds=given.seconds, assistants=given.assistants)


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
