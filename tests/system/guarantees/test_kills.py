"""Whatever is killed while clients write: nothing that was promised is lost, nothing acts twice, all tables agree."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from random import Random

from tests.servers import eventually
from tests.system.guarantees.accounts import open_team
from tests.system.guarantees.cluster import APIS, KAFKA, POSTGRES, PROJECTOR, ROUTING, Cluster
from tests.system.guarantees.folding import read_log
from tests.system.guarantees.noting import Note
from tests.system.guarantees.settling import broken_promises, settle, tally
from tests.system.guarantees.tables import differences, differences_in_memory
from tests.system.guarantees.writing import Writer
from tests.thoroughness import rounds

CLIENTS = 8
TEAMS = 3
WRITES_BETWEEN = rounds(30, 60)
RECOVERY_SECONDS = 30.0
SEED = 7
EVERYTHING = (KAFKA, POSTGRES, PROJECTOR, ROUTING, *APIS)


async def test_kill_9_of_each_process_loses_nothing_and_repeats_nothing(cluster: Cluster, note: Note) -> None:
    """Each process in turn, at last all at once: every answer holds, and every table is a fold of the log."""
    each = [(name,) for name in (*APIS, PROJECTOR, ROUTING, KAFKA, POSTGRES)]
    await survive(cluster, note, (*each, EVERYTHING), clients=CLIENTS)


async def survive(cluster: Cluster, note: Note, kills: Sequence[Sequence[str]], *, clients: int) -> None:
    """Have clients write while one group of processes after the other is killed and started again, and check it all."""
    async with AsyncExitStack() as stack:
        teams = [await stack.enter_async_context(open_team(cluster)) for _ in range(TEAMS)]
        shared = [await team.assistant() for team in teams]
        writers = [Writer(teams[n % TEAMS], shared[n % TEAMS], Random(SEED + n)) for n in range(clients)]
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for writer in writers:
                group.create_task(writer.work(stop))
            for victims in kills:
                await _kill_and_start_again(cluster, victims, writers, note)
            stop.set()
        operations = [operation for writer in writers for operation in writer.operations]
        nudges = await settle(operations)
        await cluster.catch_up()
    log = await read_log(cluster.kafka)
    note(f"{len(operations)} operations, tries answered {dict(tally(operations))}; log: {dict(log.verdicts)}")

    assert broken_promises(log, [*operations, *nudges]) == []
    assert await differences(log, cluster.database_url) == []
    assert await differences_in_memory(log, cluster.kafka) == []


async def _kill_and_start_again(
    cluster: Cluster, victims: Sequence[str], writers: Sequence[Writer], note: Note
) -> None:
    await _writes_go_on(writers)
    killed_at = time.monotonic()
    for name in victims:
        await cluster.kill(name)
    await cluster.start(*victims)
    ready_after = time.monotonic() - killed_at
    await _writes_go_on(writers)
    seconds = time.monotonic() - killed_at
    note(f"kill -9 of {', '.join(victims)}: ready again after {ready_after:.1f} s, all write on after {seconds:.1f} s")


async def _writes_go_on(writers: Sequence[Writer]) -> None:
    """Wait until so many more writes have been answered with 200, some of every client's."""
    begun = [writer.succeeded for writer in writers]

    def is_so() -> bool:
        gained = [writer.succeeded - before for writer, before in zip(writers, begun, strict=True)]
        return sum(gained) >= WRITES_BETWEEN and min(gained) > 0

    await eventually(is_so, RECOVERY_SECONDS)
