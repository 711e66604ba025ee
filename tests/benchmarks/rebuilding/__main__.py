"""
Measure how fast a projection is made again from the log.

    python -m tests.benchmarks.rebuilding [--events 100000] [--partitions 4]

On a Kafka and a Postgres of its own, with a log that looks like work (two thirds of its events change assistants):
first the projector's own loop, which makes the live generation and the history of an empty database, then `rebuild`,
which fills the next generation beside it while the projector stands by. Each is one process; its memory is what it has
at its peak.
"""

import argparse
import asyncio
import os
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp

from tests.benchmarks.rebuilding.measuring import GOAL_EVENTS_PER_SECOND, GOAL_MEGABYTES, measure
from tests.benchmarks.starting import RESULTS, fetch_servers


def main() -> int:
    """Measure and print; return the exit code: 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.rebuilding", description=__doc__.splitlines()[1])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--partitions", type=int, default=4)
    plan = parser.parse_args()
    fetch_servers()
    RESULTS.mkdir(exist_ok=True)
    directory = Path(mkdtemp(prefix="rebuilding-", dir=RESULTS))
    try:
        before = os.getloadavg()[0]
        loop, rebuild = asyncio.run(measure(directory, plan.events, plan.partitions))
    finally:
        shutil.rmtree(directory)
    lines = [
        f"{plan.events:,} events, {plan.partitions} partitions",
        loop.line(),
        rebuild.line(),
        f"goal {GOAL_EVENTS_PER_SECOND:,} events/s, {GOAL_MEGABYTES} MB",
        f"load average {before:.1f} before, {os.getloadavg()[0]:.1f} after, {os.cpu_count()} cores",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(rebuild.rate < GOAL_EVENTS_PER_SECOND or rebuild.peak_bytes > GOAL_MEGABYTES * 1e6)


if __name__ == "__main__":
    sys.exit(main())
