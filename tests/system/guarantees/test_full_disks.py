"""Where a disk is full nothing is written, and nothing is lost; when there is room again, everything goes on."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio
from tests.forked import Start
from tests.servers import eventually
from tests.system.guarantees.accounts import open_team
from tests.system.guarantees.cluster import KAFKA, POSTGRES, Cluster, run_cluster
from tests.system.guarantees.conftest import watch_logs
from tests.system.guarantees.folding import read_log
from tests.system.guarantees.noting import Note
from tests.system.guarantees.settling import broken_promises, settle, tally
from tests.system.guarantees.tables import differences
from tests.system.guarantees.writing import Writer

MEGABYTES = {KAFKA: 64, POSTGRES: 192}
CLIENTS = 6
WRITES_BETWEEN = 30
REFUSALS = 12
SECONDS = 60.0
SEED = 11

Small = tuple[Cluster, dict[str, "SmallDisk"]]


class SmallDisk:
    """A file system with little room, which can be taken."""

    def __init__(self, path: Path) -> None:
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Take all the room that there is."""
        with self._ballast.open("ab", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(4096))

    def clear(self) -> None:
        """Give it back."""
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def _mounted(path: Path, megabytes: int) -> Iterator[SmallDisk]:
    path.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk needs root and Linux: mount -t tmpfs")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "small", str(path)], check=True)  # noqa: S603, S607 - found above
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)  # noqa: S603, S607 - see above


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def _on_small_disks(tmp_path_factory: pytest.TempPathFactory, starting: Start) -> AsyncIterator[Small]:
    directory = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        disks = {name: stack.enter_context(_mounted(directory / name, size)) for name, size in MEGABYTES.items()}
        async with run_cluster(directory, start=starting) as cluster:
            yield cluster, disks


@pytest.fixture
def cluster(_on_small_disks: Small, request: pytest.FixtureRequest) -> Generator[Cluster]:
    """Give a cluster of its own; no test may leave behind a cry for a person."""
    yield from watch_logs(_on_small_disks[0], request)


@pytest.fixture
def disks(_on_small_disks: Small) -> dict[str, SmallDisk]:
    """Give the disks of Kafka and of Postgres."""
    return _on_small_disks[1]


@pytest.mark.parametrize("name", [KAFKA, POSTGRES])
async def test_a_full_disk_loses_nothing(cluster: Cluster, disks: dict[str, SmallDisk], note: Note, name: str) -> None:
    """Writes are not done while it is full; each answer holds, and every table is a fold of the log."""
    async with AsyncExitStack() as stack:
        teams = [await stack.enter_async_context(open_team(cluster)) for _ in range(2)]
        shared = [await team.assistant() for team in teams]
        writers = [Writer(teams[n % 2], shared[n % 2], Random(SEED + n)) for n in range(CLIENTS)]
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for writer in writers:
                group.create_task(writer.work(stop))
            await _writes_go_on(writers)
            await _fill_until_refused(disks[name], writers)
            reads = [
                await team.client.get(0, f"/api/assistants/{own}") for team, own in zip(teams, shared, strict=True)
            ]
            disks[name].clear()
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


async def _fill_until_refused(disk: SmallDisk, writers: Sequence[Writer]) -> None:
    """Leave no room, be it one that was made meanwhile, until so many tries were not done."""

    def undone() -> int:
        tries = [one for writer in writers for operation in writer.operations for one in operation.tries]
        return sum(not one.is_definite for one in tries)

    before = undone()

    def is_refused() -> bool:
        disk.fill()
        return undone() >= before + REFUSALS

    await eventually(is_refused, SECONDS)
