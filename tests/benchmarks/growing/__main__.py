"""
Measure what grows with events, assistants and numbers.

    python -m tests.benchmarks.growing [--events 100000] [--partitions 4]

On a Kafka and a Postgres of its own, with a log that looks like work: of nine events six change an assistant, and each
assistant holds a number. docs/scaling.md computes from what this prints.
"""

import argparse
import asyncio
import os
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp

from tests.benchmarks.growing.measuring import measure
from tests.benchmarks.starting import RESULTS, fetch_servers


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growing", description=__doc__.splitlines()[1])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--partitions", type=int, default=4)
    plan = parser.parse_args()
    fetch_servers()
    RESULTS.mkdir(exist_ok=True)
    directory = Path(mkdtemp(prefix="growing-", dir=RESULTS))
    try:
        grown = asyncio.run(measure(directory, plan.events, plan.partitions))
    finally:
        shutil.rmtree(directory)
    events = grown.events
    lines = [f"{events:,} events, {plan.partitions} partitions, load average {os.getloadavg()[0]:.1f}"]
    lines.append(f"{'the log':<32} {grown.log_bytes / events:>8,.0f} B an event")
    for name, seconds in grown.cpu_seconds.items():
        lines.append(f"{name:<32} {seconds / events * 1e6:>8,.0f} µs of CPU an event")
    for table in grown.tables:
        size, indexes = table.bytes / table.rows, table.index_bytes / table.rows
        lines.append(f"{table.name:<32} {size:>8,.0f} B a row, of which indexes {indexes:,.0f}; {table.rows:,} rows")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
