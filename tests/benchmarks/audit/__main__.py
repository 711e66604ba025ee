"""
Measure how fast a log is verified, exported, imported and asked for its past, in how much memory, and how that grows.

    python -m tests.benchmarks.audit [--events 10000 100000 1000000]

A real Kafka and a real Postgres; for each size a log that looks like work (two thirds of its events change assistants).
Each command runs as people run it, in a process of its own, with those that it starts; its start counts. `history` is
GET /api/audit of one assistant, asked of the tables that the projector has made of the log. Figures and a plot are kept
among the results. The exit code is 0 if every goal is reached at the largest size, 1 if one is missed.
"""

import argparse
import asyncio
import os
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import msgspec
from tests.benchmarks.audit.measuring import Figure, measure
from tests.benchmarks.charts import Chart, Series, draw
from tests.benchmarks.starting import RESULTS, fetch_servers

GOALS: Final = {"verify": 100_000, "verify export": 100_000, "export": 50_000}  # events a second
MOST_MIB: Final = 300
MOST_HISTORY_MS: Final = 20


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.audit", description=__doc__.splitlines()[1])
    parser.add_argument("--events", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--no-history", action="store_true", help="leave out what needs Postgres and the projector")
    plan = parser.parse_args()
    fetch_servers()
    RESULTS.mkdir(exist_ok=True)
    figures: list[Figure] = []
    for events in plan.events:
        directory = Path(mkdtemp(prefix="audit-", dir=RESULTS))
        before = os.getloadavg()[0]
        try:
            found = asyncio.run(measure(directory, events, with_history=not plan.no_history))
        finally:
            shutil.rmtree(directory)
        figures += found
        load = f"load average {before:.1f} before, {os.getloadavg()[0]:.1f} after, {os.cpu_count()} cores"
        sys.stdout.write("\n".join([f"{found[0].events:,} events", *(each.line() for each in found), load, ""]) + "\n")
        sys.stdout.flush()
    (RESULTS / "audit.json").write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    (RESULTS / "audit.svg").write_text(draw(plot(figures)))
    largest = [each for each in figures if each.events == figures[-1].events]
    return int(any(is_missed(each) for each in largest))


def is_missed(figure: Figure) -> bool:
    """Return whether a goal is missed."""
    if figure.p99_ms is not None:
        return figure.p99_ms > MOST_HISTORY_MS
    return figure.rate < GOALS.get(figure.name, 0) or figure.mib > MOST_MIB


def plot(figures: list[Figure]) -> Chart:
    """Return how long each kind of work takes, by the number of events: a straight line is linear."""
    timed = [each for each in figures if each.p99_ms is None]
    names = dict.fromkeys(each.name for each in timed)
    return Chart(
        title="Work on a log, by its length",
        x_title="events",
        y_title="seconds",
        series=[Series(name, [(each.events, each.seconds) for each in timed if each.name == name]) for name in names],
    )


if __name__ == "__main__":
    sys.exit(main())
