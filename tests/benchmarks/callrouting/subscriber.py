"""A process that subscribes, measures itself, prints what it found as JSON, and ends. To be run by `starting.py`."""

import argparse
import asyncio
import gc
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import msgspec
from tests.benchmarks.callrouting.filling import phone_number
from tests.benchmarks.callrouting.goals import percentile

from patchbay.callrouting import Answer, CallRouting, Outcome
from patchbay.process import configure_logging

_LOOK_UPS: Final = 200_000
_ROUNDS: Final = 5


class Found(msgspec.Struct, frozen=True):
    """What one subscriber has measured."""

    is_from_snapshot: bool
    start_seconds: float
    start_cpu_seconds: float
    memory_bytes: int  # more than before the start
    process_bytes: int  # all of it
    peak_bytes: int
    look_up_p50_ns: float  # best of the rounds, without the clock's own time
    look_up_p99_ns: float
    look_up_mean_ns: float
    collection_ms: float  # of all garbage


async def measure(bootstrap_servers: str, topic: str, numbers: int, snapshot: str | None) -> Found:
    """Start, look at the memory, and look numbers up."""
    gc.collect()
    memory, started_at, cpu = _resident_bytes(), time.perf_counter(), time.process_time()
    async with CallRouting.subscribe(
        bootstrap_servers=bootstrap_servers,
        topic=topic,
        snapshot=snapshot,
        api_key=os.environ.get("API_KEY"),
        start_timeout_seconds=1_200,
    ) as routing:
        start_seconds, start_cpu_seconds = time.perf_counter() - started_at, time.process_time() - cpu
        before_collection = time.perf_counter()
        gc.collect()
        collection_ms = (time.perf_counter() - before_collection) * 1e3
        after = _resident_bytes()
        if len(routing) != numbers:
            raise SystemExit(f"{len(routing)} numbers instead of {numbers}")
        p50, p99, mean = _look_ups(routing.look_up, numbers)
        return Found(
            is_from_snapshot=routing.is_from_snapshot,
            start_seconds=start_seconds,
            start_cpu_seconds=start_cpu_seconds,
            memory_bytes=after - memory,
            process_bytes=after,
            peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            look_up_p50_ns=p50,
            look_up_p99_ns=p99,
            look_up_mean_ns=mean,
            collection_ms=collection_ms,
        )


def _look_ups(look_up: Callable[[str], Answer], numbers: int) -> tuple[float, float, float]:
    """Look numbers up in a random order; return median, 99th percentile and mean of the best round, in ns."""
    random, clock = Random(1), time.perf_counter_ns
    rounds = []
    for _ in range(_ROUNDS):
        asked = [phone_number(random.randrange(numbers)) for _ in range(_LOOK_UPS)]
        taken, idle = [], []
        for number in asked:
            started = clock()
            answer = look_up(number)
            taken.append(clock() - started)
            if answer.outcome is not Outcome.ROUTED:
                raise SystemExit(f"{number} is {answer.outcome}")
        for _ in asked:
            started = clock()
            idle.append(clock() - started)
        clock_ns = percentile(sorted(idle), 0.5)
        started = time.process_time_ns()
        for number in asked:
            look_up(number)
        mean = (time.process_time_ns() - started) / len(asked)
        taken.sort()
        rounds.append((percentile(taken, 0.5) - clock_ns, percentile(taken, 0.99) - clock_ns, mean))
    return min(rounds)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bootstrap_servers")
    parser.add_argument("topic")
    parser.add_argument("numbers", type=int)
    parser.add_argument("--snapshot")
    given = parser.parse_args()
    configure_logging("benchmark")  # standard output is for the figures
    found = asyncio.run(measure(given.bootstrap_servers, given.topic, given.numbers, given.snapshot))
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
