"""
Measure how fast a log is exported, verified and imported, and in how much memory.

    python -m tests.benchmarks.audit [--events 100000] [--accounts 500]

A real Kafka, a log of so many events, a tenth of them void; `export` and `verify` read it from Kafka, `verify export`
and `import` read files. The exit code is 0 if every goal is reached, 1 if one is missed.
"""

import argparse
import asyncio
import os
import resource
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Final, NamedTuple

from tests.benchmarks.starting import RESULTS, fetch_servers
from tests.unit.projection.chains import Chains, assistant_created, assistant_id

from patchbay.assistants.events import AssistantUpdated
from patchbay.audit import verify_export
from patchbay.cli.audit.exporting import export
from patchbay.cli.audit.importing import import_export
from patchbay.cli.audit.log_access import opened_log
from patchbay.cli.audit.verifying import verify_log
from patchbay.cli.whereabouts import LogAccess
from patchbay.embedded import run_kafka
from patchbay.eventlog import open_appender, open_log

PARTITIONS: Final = 4
GROUP_RECORDS: Final = 200  # below what an append takes
GOALS: Final = {"verify": 100_000, "verify export": 100_000, "export": 50_000}  # events a second
MOST_MIB: Final = 300
PROMPT: Final = "You are a friendly assistant who answers briefly, and asks before promising anything. " * 8


class Figure(NamedTuple):
    """What one kind of work took."""

    name: str
    events: int
    seconds: float
    mib: float  # the most that the process had by then

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.audit", description=__doc__.splitlines()[1])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--accounts", type=int, default=500)
    plan = parser.parse_args()
    fetch_servers()
    RESULTS.mkdir(exist_ok=True)
    directory = Path(mkdtemp(prefix="audit-", dir=RESULTS))
    try:
        before = os.getloadavg()[0]
        figures = asyncio.run(measure(directory, plan.events, plan.accounts))
        lines = [f"{f.name:<14} {f.rate:>10,.0f} events/s {f.seconds:>8.1f} s {f.mib:>7.0f} MiB" for f in figures]
        load = f"load average {before:.1f} before, {os.getloadavg()[0]:.1f} after"
        sys.stdout.write("\n".join([f"{plan.events:,} events", *lines, load, ""]))
    finally:
        shutil.rmtree(directory)
    missed = [f for f in figures if f.rate < GOALS.get(f.name, 0) or f.mib > MOST_MIB]
    return 1 if missed else 0


async def measure(directory: Path, events: int, accounts: int) -> list[Figure]:
    """Fill a log, and do with it what there is to do."""
    figures: list[Figure] = []

    async def timed(name: str, work: Callable[[], Awaitable[object]]) -> None:
        begun_at = time.perf_counter()
        await work()
        seconds = time.perf_counter() - begun_at
        figures.append(Figure(name, events, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))

    async def verify_files() -> None:
        verify_export(directory / "exported")

    async with run_kafka(directory / "kafka") as kafka:
        access = LogAccess(kafka, "bench.events")
        await fill(access, events, accounts)
        async with opened_log(access) as log:
            await timed("verify", lambda: verify_log(log, anchor=None, account=None, known=()))
            await timed("export", lambda: export(log, directory / "exported", account=None))
        await timed("verify export", verify_files)
        restored = LogAccess(kafka, "bench.restored")
        await timed("import", lambda: import_export(directory / "exported", restored, partitions=None))
    return figures


async def fill(access: LogAccess, events: int, accounts: int) -> None:
    """Append so many events, those of one account after the other; a tenth of all is void, having come before."""
    identity = await open_log(access.bootstrap_servers, access.topic, create_with_partitions=PARTITIONS)
    chains, of_each = Chains(identity), events // accounts
    async with open_appender(access.bootstrap_servers, identity) as appender:
        for number in range(accounts):
            slug, assistant = f"team-{number}", assistant_id(number)
            account = chains.account(slug)
            records = [chains.opened(slug), chains.seal(account, assistant_created(assistant, account))]
            edits = of_each * 9 // 10 - len(records)
            for edit in range(edits):
                update = AssistantUpdated(assistant_id=assistant, system_prompt=f"{PROMPT}{edit}")
                records.append(chains.seal(account, update))
            records += records[: of_each - len(records)]
            for begin in range(0, len(records), GROUP_RECORDS):
                group = records[begin : begin + GROUP_RECORDS]
                await appender.append(group, session=appender.session)
            del chains.heads[account]


if __name__ == "__main__":
    sys.exit(main())
