"""Rounds: all sides in turn under the same load, as often as it takes for a median."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

import msgspec
from tests.benchmarks.cpu import Reading, read_cpu, spent
from tests.benchmarks.generator import Figures, Load, run_load
from tests.benchmarks.scenarios import US, Measure, Scenario
from tests.benchmarks.sides import ACCOUNTS, Side

_SETTLE_SECONDS = 0.3  # the generator hangs up in the middle of requests; they end before the next run begins
_SEED_CONNECTIONS = 64
_WARM_UP_SECONDS = 12  # a young Kafka spends more on compiling itself than on requests


class Run(msgspec.Struct, frozen=True):
    """One side under one load, once."""

    scenario: str
    side: str
    round: int
    figures: Figures
    cpu_us_per_request: Mapping[str, float]  # by process, the load generator ("wrk") among them
    idle_share: float  # of all cores' time
    elsewhere_share: float  # used by neither this side nor the generator: the other sides at rest, and strangers


class Outcome(msgspec.Struct, frozen=True):
    """What the rounds of a scenario say about one measure."""

    scenario: Scenario
    measure: Measure
    medians: Mapping[str, float]  # by side
    ratios: Mapping[str, tuple[float, ...]]  # Patchbay's figure divided by the side's, of each round's pair

    def ratio(self, against: str) -> float:
        """Return the median of the pairs' ratios."""
        return median(self.ratios[against])


async def seed(side: Side, assistants: int, seconds: float = 0.0) -> None:
    """Create so many assistants to be read, for so long at least."""
    load = Load("create.lua", (side.accounts_file(ACCOUNTS), side.assistants_file), _SEED_CONNECTIONS)
    warm_at = time.monotonic() + seconds
    while time.monotonic() < warm_at or _line_count(Path(side.assistants_file)) < assistants:
        await run_load(side.base_url, load, 2)


def seed_seconds(side: Side) -> float:
    """Return for how long a side has to be seeded so that its servers' compilers have done most of their work."""
    return _WARM_UP_SECONDS if "kafka" in side.pids else 1.0


async def measure_rounds(
    sides: Mapping[str, Side],
    scenarios: Sequence[Scenario],
    *,
    rounds: int,
    seconds: float,
    once: bool,
    tell: Callable[[str], None],
) -> list[Run]:
    """
    Return all runs: in each round each scenario on all its sides, one after the other, taking turns at going first.

    Args:
        sides: By name.
        scenarios: What is asked for.
        rounds: How often.
        seconds: Of each run.
        once: Sides that no goal of the scenario is about have one run, and none to warm up.
        tell: Is told each figure.

    Raises:
        RunFailed: A request was answered by anything but 200 or 503.
    """
    runs = []
    for scenario in scenarios:
        for name in scenario.sides:
            if name in sides and (not once or scenario.is_held_against(name)):
                await run_load(sides[name].base_url, scenario.load(sides[name]), 1)  # the first of a kind are slower
    for number in range(1, rounds + 1):
        for scenario in scenarios:
            there = [
                name
                for name in scenario.sides
                if name in sides and (number == 1 or not once or scenario.is_held_against(name))
            ]
            for name in there if number % 2 else reversed(there):
                await asyncio.sleep(_SETTLE_SECONDS)
                run = await _measure(sides[name], scenario, number, seconds)
                runs.append(run)
                tell(f"round {number}/{rounds}  {scenario.title:<45} {name:<13} {run.figures.per_second:>9,.0f}/s")
    return runs


def outcomes(runs: Sequence[Run], scenarios: Sequence[Scenario]) -> list[Outcome]:
    """Return the medians and ratios, in the scenarios' order."""
    found = []
    for scenario in scenarios:
        there = [name for name in scenario.sides if runs_of(runs, scenario, name)]
        for measure in scenario.measures:
            values = {name: [measure.value(run.figures) for run in runs_of(runs, scenario, name)] for name in there}
            ratios = {
                name: tuple(our / their for our, their in zip(values[US], values[name], strict=False))
                for name in there
                if name != US
            }
            medians = {name: median(values[name]) for name in there}
            found.append(Outcome(scenario, measure, medians, ratios))
    return found


def runs_of(runs: Sequence[Run], scenario: Scenario, side: str) -> list[Run]:
    """Return the runs of one side in one scenario, by round."""
    return [run for run in runs if run.scenario == scenario.name and run.side == side]


def cpu_us(runs: Sequence[Run]) -> dict[str, float]:
    """Return the medians of what each process used for a request, the most first; the generator is among them."""
    if not runs:
        return {}
    used = {name: median(run.cpu_us_per_request[name] for run in runs) for name in runs[0].cpu_us_per_request}
    return dict(sorted(used.items(), key=lambda part: -part[1]))


async def _measure(side: Side, scenario: Scenario, number: int, seconds: float) -> Run:
    load = scenario.load(side)
    before = read_cpu(side.pids)
    figures = await run_load(side.base_url, load, seconds)
    used = spent(before, read_cpu(side.pids))
    return Run(
        scenario=scenario.name,
        side=side.name,
        round=number,
        figures=figures,
        cpu_us_per_request=_per_request(used, figures),
        idle_share=used.idle / (used.idle + used.machine),
        elsewhere_share=max(0.0, used.machine - sum(used.by_process.values()) - figures.cpu_seconds)
        / (used.idle + used.machine),
    )


def _per_request(used: Reading, figures: Figures) -> dict[str, float]:
    seconds = {**used.by_process, "wrk": figures.cpu_seconds}
    return {name: 1e6 * its_own / figures.requests for name, its_own in seconds.items()}


def _line_count(path: Path) -> int:
    if not path.exists():
        return 0
    with path.open("rb") as lines:
        return sum(1 for _ in lines)
