"""A whole run: every stage of the plan, one after the other, on the same machine."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec.structs import replace
from tests.benchmarks.budget import measure_budget
from tests.benchmarks.copies import measure_copies
from tests.benchmarks.curve import CONNECTIONS, CONNECTIONS_IN_SHORT, measure_curve
from tests.benchmarks.findings import Findings
from tests.benchmarks.flames import FlamesMissing, measure_flames
from tests.benchmarks.installation import run_patchbay
from tests.benchmarks.limits import Limit, measure_appends, measure_sql
from tests.benchmarks.measuring import measure_rounds, outcomes, seed, seed_seconds
from tests.benchmarks.peers.running import PEERS, PeerMissing, check_installed
from tests.benchmarks.plan import Plan
from tests.benchmarks.processes import measure_processes
from tests.benchmarks.rebuilding.measuring import measure as measure_rebuild
from tests.benchmarks.report import describe_machine
from tests.benchmarks.scenarios import US
from tests.benchmarks.sides import Side, register_numbers
from tests.benchmarks.sizes import measure_sizes
from tests.benchmarks.starting import run_postgres

Tell = Callable[[str], None]
_OF_SLOWER_ONES = 10_000  # assistants there to be read, at most: some of the peers take minutes for more
_SHARED_STAGES = frozenset({"scenarios", "curve", "copies", "processes", "flames", "limits"})


async def measure_all(plan: Plan, directory: Path, tell: Tell) -> Findings:
    """
    Do what the plan says.

    Raises:
        RunFailed: A request was answered by anything but 200 or 503.
        SideFailed: A system does not run as it has to for a comparison.
        EmbeddedError: A process did not become ready.
    """
    seconds = f"{plan.seconds:g} s each, {plan.assistants:,} assistants to be read"
    short = "; a short run: fewer rounds, assistants and events than the goals ask for, one run of sides without a goal"
    findings = Findings(
        machine=describe_machine(directory),
        conditions=f"median of {plan.rounds} rounds, {seconds}, all sides in turn{short if plan.quick else ''}",
        rounds=plan.rounds,
    )
    if plan.stages & _SHARED_STAGES:
        async with _sides(plan, directory, tell) as sides:
            findings.sides = tuple(sides.values())
            await _measure_shared(plan, sides, findings, directory, tell)
    if "budget" in plan:
        tell("the budget of one write, traced")
        (directory / "traced").mkdir()
        warm_up_seconds = 2 if plan.quick else 12
        findings.budget = await measure_budget(directory / "traced", warm_up_seconds, 2 * plan.seconds)
    if "sizes" in plan:
        findings.sizes = await measure_sizes(directory, plan.sizes, plan.rounds, plan.seconds, tell)
    if "rebuild" in plan:
        tell(f"rebuilding from {plan.rebuild_events:,} events")
        (directory / "rebuild").mkdir()
        _, findings.rebuild = await measure_rebuild(directory / "rebuild", plan.rebuild_events, 4)
    findings.load_average_after = os.getloadavg()[0]
    return findings


async def _measure_shared(plan: Plan, sides: dict[str, Side], findings: Findings, directory: Path, tell: Tell) -> None:
    rounds, seconds, us = plan.rounds, plan.seconds, sides[US]
    if "scenarios" in plan:
        findings.runs = await measure_rounds(
            sides, plan.scenarios, rounds=rounds, seconds=seconds, once=plan.quick, tell=tell
        )
        findings.outcomes = outcomes(findings.runs, plan.scenarios)
    if "curve" in plan:
        steps = CONNECTIONS_IN_SHORT if plan.quick else CONNECTIONS
        findings.curve = await measure_curve(sides, steps, 1 if plan.quick else rounds, seconds, tell)
    if "copies" in plan:
        tell("a second API process")
        findings.copies = await measure_copies(us, 1 if plan.quick else rounds, seconds)
    if "processes" in plan:
        tell("start and memory of a process")
        findings.processes = await measure_processes(us, rounds)
    if "flames" in plan:
        tell("flame graphs")
        try:
            findings.flames = await measure_flames(us, 2 * seconds, directory)
        except FlamesMissing as missing:
            tell(f"skipped: {missing}")
    if "limits" in plan:
        tell("the parts alone")
        findings.limits = await _limits(us, directory, seconds)


async def _limits(us: Side, directory: Path, seconds: float) -> list[Limit]:
    appends = await measure_appends(us.environ["KAFKA_BOOTSTRAP_SERVERS"], seconds)
    async with AsyncExitStack() as stack:
        (directory / "sql").mkdir()
        database_url, _ = await run_postgres(stack, directory / "sql")
        return [*appends, *await measure_sql(database_url, directory / "sql", seconds)]


@asynccontextmanager
async def _sides(plan: Plan, directory: Path, tell: Tell) -> AsyncIterator[dict[str, Side]]:
    """Run every side that the plan needs, with what there is to be asked for."""
    wanted = {US, "crud"} | {name for scenario in plan.scenarios for name in scenario.sides if "scenarios" in plan}
    async with AsyncExitStack() as stack:
        sides: dict[str, Side] = {}
        for name, run in {US: run_patchbay, **PEERS}.items():
            if name not in wanted:
                continue
            try:
                check_installed(name)
            except PeerMissing as missing:
                tell(f"skipped: {missing}")
                continue
            tell(f"starting {name}")
            (directory / name).mkdir()
            side = await stack.enter_async_context(run(directory / name))
            if name == "constant":  # it is asked for what Patchbay is asked for
                side = replace(side, directory=sides[US].directory)
            else:
                await _fill(side, plan, tell)
            sides[name] = side
        yield sides


async def _fill(side: Side, plan: Plan, tell: Tell) -> None:
    has_numbers = side.name in {US, "crud"}
    count = plan.assistants if has_numbers else min(plan.assistants, _OF_SLOWER_ONES)
    tell(f"creating {count:,} assistants in {side.name}")
    await seed(side, count, seed_seconds(side))
    if has_numbers:
        await register_numbers(side)
