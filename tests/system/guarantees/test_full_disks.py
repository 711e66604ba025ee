"""Where a disk is full nothing is written, and nothing is lost; when there is room again, everything goes on."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from random import Random

import pytest
from tests.servers import eventually
from tests.system.guarantees.accounts import open_team
from tests.system.guarantees.cluster import KAFKA, POSTGRES, Cluster
from tests.system.guarantees.disks import Disk
from tests.system.guarantees.folding import read_log
from tests.system.guarantees.noting import Note
from tests.system.guarantees.settling import broken_promises, settle, tally
from tests.system.guarantees.tables import differences
from tests.system.guarantees.writing import Writer
from tests.thoroughness import rounds

CLIENTS = 6
WRITES_BETWEEN = rounds(15, 30)
REFUSALS = 12
SECONDS = 60.0
SEED = 11


@pytest.mark.parametrize("name", [KAFKA, POSTGRES])
async def test_a_full_disk_loses_nothing(cluster: Cluster, note: Note, name: str) -> None:
    """Writes are not done while it is full; each answer holds, and every table is a fold of the log."""
    if name not in cluster.disks:
        pytest.skip("a disk that can be full needs root and Linux: mount -t tmpfs")
    disk = cluster.disks[name]
    async with AsyncExitStack() as stack:
        teams = [await stack.enter_async_context(open_team(cluster)) for _ in range(2)]
        shared = [await team.assistant() for team in teams]
        writers = [Writer(teams[n % 2], shared[n % 2], Random(SEED + n)) for n in range(CLIENTS)]
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for writer in writers:
                group.create_task(writer.work(stop))
            await _writes_go_on(writers)
            await _fill_until_refused(disk, writers)
            reads = [
                await team.client.get(0, f"/api/assistants/{own}") for team, own in zip(teams, shared, strict=True)
            ]
            disk.clear()
            has_ended = cluster.has_ended(name)
            if has_ended:
                await cluster.start(name)
            await _writes_go_on(writers)
            stop.set()
        operations = [operation for writer in writers for operation in writer.operations]
        nudges = await settle(operations)
        await cluster.catch_up()
    log = await read_log(cluster.kafka)
    note(f"{name} {'ended' if has_ended else 'went on'}; {len(operations)} operations, {dict(tally(operations))}")

    assert [read.status for read in reads] == [200, 200]
    assert broken_promises(log, [*operations, *nudges]) == []
    assert await differences(log, cluster.database_url) == []


async def _writes_go_on(writers: Sequence[Writer]) -> None:
    begun = sum(writer.succeeded for writer in writers)
    await eventually(lambda: sum(writer.succeeded for writer in writers) >= begun + WRITES_BETWEEN, SECONDS)


async def _fill_until_refused(disk: Disk, writers: Sequence[Writer]) -> None:
    """Leave no room, be it one that was made meanwhile, until so many tries were not done."""

    def undone() -> int:
        tries = [one for writer in writers for operation in writer.operations for one in operation.tries]
        return sum(not one.is_definite for one in tries)

    before = undone()

    def is_refused() -> bool:
        disk.fill()
        return undone() >= before + REFUSALS

    await eventually(is_refused, SECONDS)
