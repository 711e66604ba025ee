"""Many seeds on all processors: each process takes the next few, and tells which of them failed."""

import gc
import multiprocessing
import traceback
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from tests.simulation.simulation import simulate

PROCESSES: Final = 2
AT_ONCE: Final = 50  # seeds; a process that ends takes no longer than this to be missed
TIDIED_AFTER: Final = 10  # seeds; with what more of them leave, memory is too large for the processor's caches
CORPUS: Final = Path(__file__).with_name("failing_seeds.txt")


def kept_seeds() -> list[int]:
    """Return the seeds that failed once."""
    lines = (line.partition("#")[0].strip() for line in CORPUS.read_text(encoding="utf-8").splitlines())
    return [int(line) for line in lines if line]


def run_some(seeds: Iterable[int], *, is_harsh: bool = False) -> list[str]:
    """Run seeds in this process, and return what failed, each with its seed and how to see it again."""
    failures = []
    gc.disable()  # a seed leaves much and lives shortly: looking through it again and again costs a fifth of the time
    try:
        for number, seed in enumerate(seeds, start=1):
            if number % TIDIED_AFTER == 0:
                gc.collect()
            try:
                simulate(seed, is_harsh=is_harsh)
            except Exception as failure:  # noqa: BLE001 - told to whoever reads the run's output
                failures.append("".join(traceback.format_exception(failure)))
    finally:
        gc.enable()
    return failures


def run_many(seeds: Iterable[int]) -> list[str]:
    """Run seeds, and return what failed."""
    context = multiprocessing.get_context("spawn")  # a process that was forked would share the servers' connections
    with context.Pool(PROCESSES, initializer=_begin) as pool:
        return [failure for failures in pool.imap_unordered(run_some, _portions(seeds)) for failure in failures]


def _begin() -> None:
    """Make what all seeds begin with, and do not look through it, nor through what was imported, at each tidying."""
    simulate(0)
    gc.collect()
    gc.freeze()


def _portions(seeds: Iterable[int]) -> Iterator[list[int]]:
    remaining = iter(seeds)
    while portion := list(islice(remaining, AT_ONCE)):
        yield portion
