"""
Measure what a router that keeps the table in its own memory has of it.

    python -m tests.benchmarks.callrouting [--numbers 1000000] [--changes 2000] [--only start,latency]

`start`: a log of so many numbers, the routing process that has folded it and the API; subscribers that start from the
log and from the snapshot, each a process of its own that measures its start, its memory and its look-ups.
`latency`: everything at rest, and one change after the other over REST.
The exit code is 0 if every goal is reached, 1 if one is missed. Linux only.
"""

import argparse
import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tests.benchmarks.callrouting.latency import measure_latency
from tests.benchmarks.callrouting.starting import measure_starts
from tests.benchmarks.starting import RESULTS, fetch_servers

Measure = Callable[[Path], Coroutine[Any, Any, tuple[str, int]]]


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.callrouting", description=__doc__.splitlines()[1])
    parser.add_argument("--numbers", type=int, default=1_000_000)
    parser.add_argument("--changes", type=int, default=2_000)
    parser.add_argument("--only", default="start,latency")
    plan = parser.parse_args()
    fetch_servers()
    missed = 0
    if "start" in plan.only:
        missed += _in_new_directory(lambda directory: measure_starts(directory, plan.numbers))
    if "latency" in plan.only:
        missed += _in_new_directory(lambda directory: measure_latency(directory, plan.changes))
    return 1 if missed else 0


def _in_new_directory(measure: Measure) -> int:
    """Measure in a directory on the disk that the repository is on; return how many goals were missed."""
    RESULTS.mkdir(exist_ok=True)
    directory = Path(mkdtemp(prefix="callrouting-", dir=RESULTS))
    try:
        before = os.getloadavg()[0]
        figures = asyncio.run(measure(directory))
        sys.stdout.write(f"{figures[0]}load average {before:.1f} before, {os.getloadavg()[0]:.1f} after\n")
        return figures[1]
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
