"""A projection is rebuilt, swapped and rolled back by command while clients write: nobody is the worse for it."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest
from tests.servers import eventually
from tests.system.guarantees.accounts import open_team
from tests.system.guarantees.cluster import TOPIC, Cluster
from tests.system.guarantees.noting import Note
from tests.system.guarantees.rereading import RereadingWriter, hire
from tests.thoroughness import breath

from patchbay.cli.audit.comparing import Difference, compare
from patchbay.cli.audit.log_access import opened_log
from patchbay.cli.whereabouts import LogAccess

WRITERS = 64
REST_SECONDS = breath(1.0)
TEAMS = 16
READS_BETWEEN = 256  # a round of every writer
COMMAND_SECONDS = 120.0


async def command(cluster: Cluster, *arguments: str) -> list[dict[str, object]]:
    """Run `patchbay projection …` as an operator does, and return what it told."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "patchbay.cli", "projection", *arguments, "--json"),
        env=cluster.environ_of_commands,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)

    assert process.returncode == 0, (arguments, errors, output)
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize("projection", ["read_model", "routing"])
async def test_writers_notice_neither_rebuild_nor_swap_nor_rollback(
    cluster: Cluster, note: Note, projection: str
) -> None:
    """Every write answers 200, and the very next reads show it; both generations are equal, and what the log says."""
    stop = asyncio.Event()

    async def go_on(writer: RereadingWriter) -> None:
        number = 0
        while not stop.is_set():
            await writer.round(number % 2)
            await asyncio.sleep(REST_SECONDS)
            number += 1

    async with AsyncExitStack() as stack:
        teams = [await stack.enter_async_context(open_team(cluster)) for _ in range(TEAMS)]
        writers = await asyncio.gather(*(hire(teams[index % TEAMS]) for index in range(WRITERS)))
        begun_at = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for writer in writers:
                group.create_task(go_on(writer))
            filled = (await command(cluster, "rebuild", projection))[-1]
            assert await command(cluster, "compare", projection) == []
            for action in ("swap", "rollback"):
                (moved,) = await command(cluster, action, projection)
                assert moved["live"] == (2 if action == "swap" else 1)
                assert moved["taken_over_after_seconds"] is not None
                await _read_more(writers)
                if action == "swap":
                    assert await _differences_to_the_log(cluster) == []
            assert await command(cluster, "compare", projection) == []
            await command(cluster, "drop", projection)
            await _read_more(writers)
            stop.set()
        seconds = time.monotonic() - begun_at
    stale = [line for writer in writers for line in writer.stale]
    reads = sum(writer.reads for writer in writers)
    note(f"{filled['records']} records rebuilt, {reads} reads after writes, {len(stale)} stale, {seconds:.1f} s")

    assert stale == []


async def _differences_to_the_log(cluster: Cluster) -> list[Difference]:
    """Return how the live generations, as far as they have come, are not what the log says."""
    async with opened_log(LogAccess(cluster.kafka, TOPIC)) as log:
        return await compare(log, cluster.database_url)


async def _read_more(writers: Sequence[RereadingWriter]) -> None:
    def reads() -> int:
        return sum(writer.reads for writer in writers)

    due = reads() + READS_BETWEEN
    await eventually(lambda: reads() >= due, 60.0)
