"""What is printed and kept of a benchmark."""

import os
import platform
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
from tests.benchmarks.findings import Findings
from tests.benchmarks.measuring import Outcome, Run, cpu_us, runs_of
from tests.benchmarks.rows import Row, figure, title_of
from tests.benchmarks.scenarios import Scenario
from tests.benchmarks.sides import Side
from tests.benchmarks.starting import RESULTS

_PACKAGES: Final = ("aiohttp", "aiokafka", "asyncpg", "msgspec", "uvloop", "fastapi", "sqlalchemy", "eventsourcing")
_SYNC_TRIES: Final = 100
_QUIET_SHARE: Final = 0.1  # of all cores' time; the sides that rest take some 2 %
_WIDTHS: Final = (42, 32, 24, 12)


def describe_machine(directory: Path) -> dict[str, Any]:
    """Return what the figures depend on, and how long this machine takes to bring a page to disk."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": _versions(),
        "fdatasync_ms": round(_sync_ms(directory), 3),
        "load_average_before": os.getloadavg()[0],
    }


def machine_line(machine: Mapping[str, Any]) -> str:
    """Return the machine in a line."""
    return (
        f"{machine['cores']} cores ({machine['processor']}), Python {machine['python']}, a write to disk takes "
        f"{machine['fdatasync_ms']} ms, load average {machine['load_average_before']:.1f} before"
    )


def elsewhere_share(runs: Sequence[Run]) -> float:
    """Return which share of the machine went to what was not measured; above a tenth it was not a quiet one."""
    return median(run.elsewhere_share for run in runs) if runs else 0.0


def warnings(runs: Sequence[Run]) -> list[str]:
    """Return what makes the figures worth less."""
    strangers, found = elsewhere_share(runs), []
    if strangers > _QUIET_SHARE:
        found.append(
            f"Not a quiet machine: {100 * strangers:.0f} % of it went elsewhere. Trust the CPU, not the times."
        )
    for scenario, side in dict.fromkeys((run.scenario, run.side) for run in runs if run.figures.shed):
        its_own = [run.figures for run in runs if (run.scenario, run.side) == (scenario, side)]
        shed, served = sum(one.shed for one in its_own), sum(one.requests for one in its_own)
        share = 100 * shed / (shed + served)
        found.append(
            f"{side} had no room for {share:.1f} % of the requests of {scenario} (503); what it did is counted."
        )
    return found


def render(findings: Findings) -> str:
    """Return everything as text, the table of goals last."""
    durability = [f"{side.name} answers a write after: {side.durability}" for side in findings.sides]
    lines = [
        *_details(findings.outcomes, findings.runs),
        *_parts(findings),
        "",
        f"{machine_line(findings.machine)}, {findings.load_average_after:.1f} after",
        findings.conditions,
        *durability,
        "",
        *_rows(findings.rows()),
        *warnings(findings.runs),
    ]
    return "\n".join(lines) + "\n"


def _rows(rows: Sequence[Row]) -> list[str]:
    return [
        _columns("", "goal", "measured", "", "patchbay, other side; durability"),
        *[_columns(row.what, row.goal, row.measured, row.verdict, f"{row.figures}; {row.durability}") for row in rows],
    ]


def _details(found: Sequence[Outcome], runs: Sequence[Run]) -> list[str]:
    """Return every side's medians, and where the CPU time went."""
    lines = []
    for one in found:
        unit = one.measure.unit
        medians = "".join(f"  {name} {figure(value, unit)}" for name, value in one.medians.items())
        lines.append(f"{title_of(one):<54}{medians}")
        if one.measure is one.scenario.measures[-1]:
            lines += [_cpu_line(runs_of(runs, one.scenario, side), side) for side in one.medians]
            lines.append(f"    durability: {_durability(one.scenario)}")
    return lines


def _parts(findings: Findings) -> list[str]:
    lines = [
        f"{one.what:<54}{one.per_second:>9,.0f}/s  {_p50(one.p50_ms):<14}{one.durability}" for one in findings.limits
    ]
    lines += [f"one write: {one.name:<43}{one.ms:>9.2f} ms  ({one.how})" for one in findings.budget]
    return [
        *lines,
        *[
            f"{one.kind}, {one.connections} connections, {one.side:<32}{one.per_second:>9,.0f}/s  "
            f"p50 {one.p50_ms:.2f} ms, p99 {one.p99_ms:.2f} ms"
            for one in findings.curve
        ],
    ]


def write_results(content: Mapping[str, Any], sides: Sequence[Side]) -> Path:
    """Write everything that was measured as JSON and return the file."""
    RESULTS.mkdir(exist_ok=True)
    time_now = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    path = RESULTS / f"{time_now}.json"
    durability = {side.name: side.durability for side in sides}
    path.write_bytes(
        msgspec.json.format(msgspec.json.encode({"time": time_now, "durability": durability, **content}), indent=2)
    )
    return path


def _p50(ms: float | None) -> str:
    return "" if ms is None else f"p50 {ms:.2f} ms"


def _columns(*texts: str) -> str:
    parts = [f"{text:<{width}}" for text, width in zip(texts, _WIDTHS, strict=False)]
    return ("".join(parts) + texts[-1]).rstrip()


def _cpu_line(runs: Sequence[Run], side: str) -> str:
    used = cpu_us(runs)
    parts = ", ".join(f"{name} {us:.0f}" for name, us in used.items())
    idle, elsewhere = (100 * median(share) for share in zip(*_shares(runs), strict=True))
    total = f"sum {sum(used.values()):.0f}"
    return f"    {side:<13} CPU us/request: {parts} ({total}); idle {idle:.0f} %, elsewhere {elsewhere:.0f} %"


def _shares(runs: Sequence[Run]) -> list[tuple[float, float]]:
    return [(run.idle_share, run.elsewhere_share) for run in runs]


def _durability(scenario: Scenario) -> str:
    if not scenario.writes:
        return "nothing is written"
    return "fsync before the answer; patchbay: Kafka (flush.messages=1), then Postgres; all others: Postgres"


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


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
