"""What is printed and kept of a benchmark."""

import os
import platform
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
from tests.benchmarks.measuring import Outcome, Run, runs_of
from tests.benchmarks.scenarios import Scenario
from tests.benchmarks.sides import Side

RESULTS: Final = Path(__file__).with_name("results")  # not kept in the repository
_PACKAGES: Final = ("aiohttp", "aiokafka", "asyncpg", "msgspec", "uvloop")
_SYNC_TRIES: Final = 100
_QUIET_SHARE: Final = 0.1  # of all cores' time; the side that rests takes some 2 %


def describe_machine(directory: Path) -> dict[str, Any]:
    """Return what the figures depend on, and how long this machine takes to bring a page to disk."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "fdatasync_ms": round(_sync_ms(directory), 3),
    }


def render(found: Sequence[Outcome], runs: Sequence[Run], sides: Sequence[Side], machine: Mapping[str, Any]) -> str:
    """Return the tables as text."""
    lines = [
        _machine_line(machine),
        *(f"{side.name} answers a write after: {side.durability}" for side in sides),
        "",
        f"{'':<46}{'crud':>12}{'patchbay':>12}{'ratio':>9}  {'of the rounds':<14}{'goal':>9}",
    ]
    for one in found:
        lines.append(_figures_line(one))
        if one.measure is one.scenario.measures[-1]:
            lines += [_cpu_line(runs_of(runs, one.scenario, side.name), side.name) for side in sides]
            lines.append(_durability_line(one.scenario))
    strangers = median(run.elsewhere_share for run in runs)
    if strangers > _QUIET_SHARE:
        lines += [
            "",
            f"Not a quiet machine: {100 * strangers:.0f} % of it went elsewhere. Trust the CPU, not the times.",
        ]
    return "\n".join(lines) + "\n"


def write_results(
    found: Sequence[Outcome], runs: Sequence[Run], sides: Sequence[Side], machine: Mapping[str, Any]
) -> Path:
    """Write everything that was measured as JSON and return the file."""
    RESULTS.mkdir(exist_ok=True)
    time_now = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    path = RESULTS / f"{time_now}.json"
    content = {
        "time": time_now,
        "machine": machine,
        "durability": {side.name: side.durability for side in sides},
        "outcomes": [_outcome(one) for one in found],
        "runs": runs,
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2))
    return path


def _machine_line(machine: Mapping[str, Any]) -> str:
    return (
        f"{machine['cores']} cores ({machine['processor']}), Python {machine['python']}, "
        f"a write to disk takes {machine['fdatasync_ms']} ms"
    )


def _outcome(one: Outcome) -> dict[str, Any]:
    return {
        "scenario": one.scenario.name,
        "title": one.scenario.title,
        "measure": one.measure.name,
        "unit": one.measure.unit,
        "crud": one.crud,
        "patchbay": one.patchbay,
        "ratio": one.ratio,
        "ratios": one.ratios,
        "goal": one.measure.goal,
        "reached": one.measure.reaches(one.ratio),
    }


def _figures_line(one: Outcome) -> str:
    measure = one.measure
    title = one.scenario.title if measure.unit == "/s" else f"{one.scenario.title}, {measure.name}"
    figures = "".join(f"{_figure(value, measure.unit):>12}" for value in (one.crud, one.patchbay))
    spread = f"{min(one.ratios):.2f} to {max(one.ratios):.2f}"
    goal = "" if measure.goal is None else f"{'>=' if measure.unit == '/s' else '<='} {measure.goal:g}x"
    verdict = {None: "", True: "  pass", False: "  FAIL"}[measure.reaches(one.ratio)]
    return f"{title:<46}{figures}{one.ratio:>8.2f}x  {spread:<14}{goal:>9}{verdict}"


def _figure(value: float, unit: str) -> str:
    return f"{value:,.0f}/s" if unit == "/s" else f"{value:.2f} ms"


def _cpu_line(runs: Sequence[Run], side: str) -> str:
    used = {name: median(run.cpu_us_per_request[name] for run in runs) for name in runs[0].cpu_us_per_request}
    parts = ", ".join(f"{name} {us:.0f}" for name, us in sorted(used.items(), key=lambda part: -part[1]))
    idle, elsewhere = (100 * median(share) for share in zip(*_shares(runs), strict=True))
    total = f"sum {sum(used.values()):.0f}"
    return f"    {side:<9} CPU us/request: {parts} ({total}); idle {idle:.0f} %, elsewhere {elsewhere:.0f} %"


def _shares(runs: Sequence[Run]) -> list[tuple[float, float]]:
    return [(run.idle_share, run.elsewhere_share) for run in runs]


def _durability_line(scenario: Scenario) -> str:
    if not scenario.writes:
        return "    durability: nothing is written"
    return "    durability: fsync before the answer; crud: Postgres; patchbay: Kafka (flush.messages=1), then Postgres"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _sync_ms(directory: Path) -> float:
    """Return the median time of writing a page and waiting until it is on disk."""
    times = []
    with (directory / "sync").open("wb", buffering=0) as file:
        for _ in range(_SYNC_TRIES):
            file.write(bytes(4096))
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - started)
    return 1000 * median(times)
