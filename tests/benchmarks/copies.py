"""What a second API process adds, and what is full by then."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from statistics import median
from typing import Final

import msgspec
from msgspec.structs import replace
from tests.benchmarks.cpu import read_cores, read_cpu, spent
from tests.benchmarks.generator import Load, run_load
from tests.benchmarks.rows import NOT_WRITTEN, WRITTEN, Row, verdict_of
from tests.benchmarks.scenarios import creates, reads
from tests.benchmarks.sides import Side
from tests.benchmarks.starting import run_module

from patchbay.embedded.ports import free_port

GOAL: Final = 1.7
_CORES_TO_SPARE: Final = 6  # two processes, Kafka, Postgres, two projections and the generator: below, they share
_CONNECTIONS: Final = 64
_SETTLE_SECONDS: Final = 0.3

_LOADS: Final[Mapping[str, Callable[[int], Callable[[Side], Load]]]] = {"GET": reads, "create": creates}


class Pair(msgspec.Struct, frozen=True):
    """One process, then two, under the same load."""

    kind: str
    one: tuple[float, ...]  # requests a second, of each round
    two: tuple[float, ...]
    busy_cores: tuple[float, ...]  # share of each core's time, with two
    busy_processes: Mapping[str, float]  # cores' worth, with two

    def row(self) -> Row:
        """Return it as a line of the table."""
        ratio = median(two / one for one, two in zip(self.one, self.two, strict=True))
        cores = ", ".join(f"{100 * share:.0f} %" for share in self.busy_cores)
        parts = sorted(self.busy_processes.items(), key=lambda part: -part[1])
        processes = ", ".join(f"{name} {share:.2f}" for name, share in parts)
        return Row(
            what=f"a second API process, {self.kind}, {_CONNECTIONS} connections",
            goal=f">= {GOAL}x, with cores to spare",
            measured=f"{ratio:.2f}x",
            verdict=verdict_of(reached=ratio >= GOAL) if len(self.busy_cores) >= _CORES_TO_SPARE else "not judged",
            figures=f"{median(self.one):,.0f}/s, then {median(self.two):,.0f}/s; each core's time: {cores}; "
            f"cores' worth: {processes}",
            durability=NOT_WRITTEN if self.kind == "GET" else WRITTEN,
        )


async def measure_copies(side: Side, rounds: int, seconds: float) -> list[Pair]:
    """Start a second API process for a while, and ask one, then both."""
    async with AsyncExitStack() as stack:
        port = free_port()
        environ = {**side.environ, "API_PORT": str(port), "INSTANCE_ID": "second"}
        pid = await run_module(stack, side.directory, "patchbay.api", environ, port=port, name="api-2")
        both = replace(side, pids={**side.pids, "api-2": pid})
        second = f"http://127.0.0.1:{port}"
        for load in _LOADS.values():
            await run_load(second, load(_CONNECTIONS)(side), 2)
        return [await _pair(both, second, kind, rounds, seconds) for kind in _LOADS]


async def _pair(side: Side, second: str, kind: str, rounds: int, seconds: float) -> Pair:
    one, two, cores, processes = [], [], [], []
    for _ in range(rounds):
        await asyncio.sleep(_SETTLE_SECONDS)
        whole = await run_load(side.base_url, _LOADS[kind](_CONNECTIONS)(side), seconds)
        one.append(whole.per_second)
        await asyncio.sleep(_SETTLE_SECONDS)
        before, cores_before = read_cpu(side.pids), read_cores()
        half = _LOADS[kind](_CONNECTIONS // 2)
        halves = await asyncio.gather(
            run_load(side.base_url, half(side), seconds), run_load(second, half(side), seconds)
        )
        used, cores_after = spent(before, read_cpu(side.pids)), read_cores()
        two.append(sum(each.per_second for each in halves))
        cores.append([_share(*pair) for pair in zip(cores_before, cores_after, strict=True)])
        generators = sum(each.cpu_seconds for each in halves)
        processes.append({name: share / seconds for name, share in {**used.by_process, "wrk": generators}.items()})
    return Pair(
        kind=kind,
        one=tuple(one),
        two=tuple(two),
        busy_cores=tuple(median(shares) for shares in zip(*cores, strict=True)),
        busy_processes={name: median(each[name] for each in processes) for name in processes[0]},
    )


def _share(before: tuple[float, float], after: tuple[float, float]) -> float:
    busy, idle = after[0] - before[0], after[1] - before[1]
    return busy / (busy + idle) if busy + idle else 0.0
