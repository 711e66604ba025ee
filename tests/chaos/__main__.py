"""
Run Patchbay on three brokers while everything that can fail does, and hold what clients saw against the log.

    python -m tests.chaos [--minutes 3] [--seed 1]

The exit code is 0 if every promise was kept, 1 if one was broken, and 2 if it could not be run. What a run leaves
behind, the history, the journal of faults, the figures and the logs, is in `.cache/chaos/<seed>`. Linux only.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import time
from secrets import randbelow

from tests.chaos.programs import CACHE, ProgramMissing
from tests.chaos.report import keep, render
from tests.chaos.running import Plan, run
from tests.chaos.system import Tell

from patchbay.embedded import EmbeddedError
from patchbay.eventlog import calm_client

SHOWN = 5  # violations of each check


def main() -> int:
    """Run, print, and return the exit code."""
    began_at = time.monotonic()

    def tell(line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began_at:6.1f}  {line}\n")
        sys.stdout.flush()

    plan = _plan()
    tell(f"seed {plan.seed}, {plan.minutes:g} minutes; everything is kept in {plan.directory}")
    try:
        with calm_client():
            return asyncio.run(_run(plan, tell))
    except (EmbeddedError, ProgramMissing) as failure:
        tell(f"cannot be run: {failure}")
        return 2
    except KeyboardInterrupt:
        tell("interrupted; all that was started has ended")
        return 130


async def _run(plan: Plan, tell: Tell) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    figures, violations = await run(plan, tell)
    path = keep(figures, plan.directory)
    for check, found in violations.items():
        for line in found[:SHOWN]:
            tell(f"VIOLATION: {check}: {line[:2000]}")
    sys.stdout.write(f"\n{render(figures)}\nall figures: {path}\n")
    if not figures.is_good:
        sys.stdout.write(f"to see it again: python -m tests.chaos --minutes {plan.minutes:g} --seed {plan.seed}\n")
    for server in ("kafka", "postgres"):
        if figures.is_good:
            shutil.rmtree(plan.directory / server)
    return 0 if figures.is_good else 1


def _plan() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__.splitlines()[1])
    parser.add_argument("--minutes", type=float, default=3.0, help="how long faults happen; checks come on top")
    parser.add_argument("--seed", type=int, help="of the clients and the faults; a new one each time, if not given")
    options = parser.parse_args()
    seed = randbelow(1_000_000) if options.seed is None else options.seed
    directory = CACHE / f"{seed}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return Plan(seed=seed, minutes=options.minutes, directory=directory)


if __name__ == "__main__":
    sys.exit(main())
