"""Latency against load: how much comes out, and how long it takes, as more connections ask."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Final

import msgspec
from tests.benchmarks.generator import Figures, Load, run_load
from tests.benchmarks.scenarios import US, creates, reads
from tests.benchmarks.sides import Side

CONNECTIONS: Final = (1, 4, 16, 64, 256)
CONNECTIONS_IN_SHORT: Final = (1, 16, 256)
SIDES: Final = (US, "crud")
_SETTLE_SECONDS: Final = 0.3
_KINDS: Final[Mapping[str, Callable[[int], Callable[[Side], Load]]]] = {"create": creates, "GET": reads}


class Point(msgspec.Struct, frozen=True):
    """One side under one load; medians of the rounds."""

    kind: str
    side: str
    connections: int
    per_second: float
    p50_ms: float
    p99_ms: float


async def measure_curve(
    sides: Mapping[str, Side], steps: Sequence[int], rounds: int, seconds: float, tell: Callable[[str], None]
) -> list[Point]:
    """Ask all sides in turn, at each number of connections."""
    points = []
    for kind, load in _KINDS.items():
        for connections in steps:
            figures: dict[str, list[Figures]] = {name: [] for name in SIDES if name in sides}
            for number in range(rounds):
                for name in figures if number % 2 else reversed(list(figures)):
                    await asyncio.sleep(_SETTLE_SECONDS)
                    side = sides[name]
                    figures[name].append(await run_load(side.base_url, load(connections)(side), seconds))
            points += [_point(kind, name, connections, each) for name, each in figures.items()]
            tell(f"latency against load  {kind}, {connections} connections")
    return points


def _point(kind: str, side: str, connections: int, figures: Sequence[Figures]) -> Point:
    return Point(
        kind=kind,
        side=side,
        connections=connections,
        per_second=median(each.per_second for each in figures),
        p50_ms=median(each.p50_us for each in figures) / 1000,
        p99_ms=median(each.p99_us for each in figures) / 1000,
    )
