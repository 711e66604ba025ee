"""Whoever was told that a write is done finds it done, wherever the next question goes."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

from tests.servers import eventually
from tests.system.guarantees.accounts import open_team
from tests.system.guarantees.cluster import PROJECTOR, ROUTING, Cluster
from tests.system.guarantees.noting import Note
from tests.system.guarantees.rereading import RereadingWriter, hire
from tests.thoroughness import rounds

ROUNDS = rounds(600, 10_000)
WRITERS = 64
TEAMS = 32
HICCUPS = 20
HICCUP_SECONDS = 0.1
READS_PER_ROUND = 4
PROGRESS_SECONDS = 30.0  # for a twentieth of all rounds


async def test_the_very_next_read_of_any_process_shows_what_was_written(cluster: Cluster, note: Note) -> None:
    """After a PATCH's 200, GET and the routing look-up of both processes of the API show it: never a stale answer."""
    numbers = iter(range(ROUNDS))

    async def go_on(writer: RereadingWriter) -> None:
        for number in numbers:  # shared: whoever is free takes the next
            await writer.round(number % 2)

    async with AsyncExitStack() as stack:
        teams = [await stack.enter_async_context(open_team(cluster)) for _ in range(TEAMS)]
        writers = await asyncio.gather(*(hire(teams[index % TEAMS]) for index in range(WRITERS)))
        begun_at = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for writer in writers:
                group.create_task(go_on(writer))
            await _have_hiccups(cluster, writers)
        seconds = time.monotonic() - begun_at
    stale = [line for writer in writers for line in writer.stale]
    reads = sum(writer.reads for writer in writers)
    note(f"{ROUNDS} writes, {reads} reads right after them, {len(stale)} stale, {seconds:.1f} s")

    assert stale == []


async def _have_hiccups(cluster: Cluster, writers: Sequence[RereadingWriter]) -> None:
    """Hold one projection up for a moment, again and again: whoever does not wait for it is found out."""
    for number in range(HICCUPS):
        due = READS_PER_ROUND * ROUNDS * number // HICCUPS
        await eventually(partial(_have_read, writers, due), PROGRESS_SECONDS)
        with cluster.frozen((ROUTING, PROJECTOR)[number % 2]):
            await asyncio.sleep(HICCUP_SECONDS)  # the fault itself, and no wait for anything


def _have_read(writers: Sequence[RereadingWriter], reads: int) -> bool:
    return sum(writer.reads for writer in writers) >= reads
