"""Every process is stopped in order and started again, one after the other, while 64 clients work: none notices."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from tests.servers import eventually
from tests.system.guarantees.accounts import Team, open_team
from tests.system.guarantees.balancer import balanced
from tests.system.guarantees.cluster import APIS, STAND_BYS, Cluster
from tests.system.guarantees.noting import Note
from tests.system.guarantees.rereading import RereadingWriter, hire
from tests.thoroughness import breath

WRITERS = 64
REST_SECONDS = breath(1.0)
TEAMS = 16
READS_BETWEEN = 256  # a round of every writer
TAKE_OVER_SECONDS = 30.0


async def test_a_rolling_restart_fails_no_request_and_makes_no_answer_stale(cluster: Cluster, note: Note) -> None:
    """Both copies of each projection, and both of the API behind a balancer: every write is answered with 200."""
    stop = asyncio.Event()

    async def go_on(writer: RereadingWriter) -> None:
        number = 0
        while not stop.is_set():
            await writer.round(number % 2)  # whatever is not a 200 ends the test
            await asyncio.sleep(REST_SECONDS)
            number += 1

    async with _reached_by_balancers(cluster) as ports, _with_stand_bys(cluster), AsyncExitStack() as stack:
        teams = [await stack.enter_async_context(open_team(cluster, ports)) for _ in range(TEAMS)]
        writers = await asyncio.gather(*(hire(teams[index % TEAMS]) for index in range(WRITERS)))
        slowest_seconds = {"before": _slowest_since(teams)}
        async with asyncio.TaskGroup() as group:
            for writer in writers:
                group.create_task(go_on(writer))
            await _read_more(writers)
            slowest_seconds["undisturbed"] = _slowest_since(teams)
            for pairs in (STAND_BYS.items(), ((second, first) for first, second in STAND_BYS.items())):
                restarts = (_restart(cluster, leaving, staying, note) for leaving, staying in pairs)
                await asyncio.gather(*restarts)
                await _read_more(writers)
                slowest_seconds["projections"] = max(slowest_seconds.get("projections", 0.0), _slowest_since(teams))
            for name in APIS:
                await cluster.stop(name)
                await cluster.start(name)
                await _read_more(writers)
                slowest_seconds[name] = _slowest_since(teams)
            stop.set()
    stale = [line for writer in writers for line in writer.stale]
    reads = sum(writer.reads for writer in writers)
    note(f"{reads // 4} writes, {reads} reads right after them, 0 failed, {len(stale)} stale")
    note(f"the slowest answer, in seconds: { {name: round(seconds, 2) for name, seconds in slowest_seconds.items()} }")

    assert stale == []


async def _restart(cluster: Cluster, leaving: str, staying: str, note: Note) -> None:
    """Stop the copy that works, see the other one take over, and start the first again, to stand by."""
    begun_at = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(cluster.stop(leaving))
        await eventually(partial(cluster.works, staying), TAKE_OVER_SECONDS)
        note(f"{staying} works {time.monotonic() - begun_at:.2f} s after {leaving} was told to stop")
    await cluster.start(leaving)


@asynccontextmanager
async def _reached_by_balancers(cluster: Cluster) -> AsyncIterator[Sequence[int]]:
    """Yield the ports of two balancers, each with another copy as its first choice."""
    first, second = cluster.api_ports
    async with balanced((first, second)) as one, balanced((second, first)) as other:
        yield one, other


@asynccontextmanager
async def _with_stand_bys(cluster: Cluster) -> AsyncIterator[None]:
    """Have a second copy of each projection beside the first one for as long as the body runs."""
    await cluster.start(*STAND_BYS.values())
    try:
        yield
    finally:
        await cluster.stop(*STAND_BYS.values())
        for name in STAND_BYS:
            await eventually(partial(cluster.works, name), TAKE_OVER_SECONDS)


def _slowest_since(teams: Sequence[Team]) -> float:
    """Return how long the slowest answer took since this was asked the last time."""
    slowest_seconds = max(team.client.slowest_seconds for team in teams)
    for team in teams:
        team.client.slowest_seconds = 0.0
    return slowest_seconds


async def _read_more(writers: Sequence[RereadingWriter]) -> None:
    def reads() -> int:
        return sum(writer.reads for writer in writers)

    due = reads() + READS_BETWEEN
    await eventually(lambda: reads() >= due, 60.0)
