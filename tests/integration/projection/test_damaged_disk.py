"""A byte that has changed on a broker's disk: all before it is read, nothing behind it, and it is said where it is."""

import asyncio
import functools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from tests.integration.callrouting.test_subscription import append
from tests.integration.projection.running import READ_MODEL, connected
from tests.servers import eventually
from tests.unit.projection.chains import Chains, assistant_created, assistant_id

from patchbay.assistants.events import AssistantUpdated, Event
from patchbay.callrouting import CallRouting
from patchbay.eventlog import LogDamaged, LogReader, Record, fingerprint, open_appender, open_log, open_reader
from patchbay.projection import Progress, Projector

pytestmark = pytest.mark.skipif(
    "KAFKA_BOOTSTRAP_SERVERS" in os.environ, reason="the disk of brokers that are given is out of reach"
)


class Scene(msgspec.Struct, frozen=True):
    """A log of two partitions: a victim in one, a neighbour in the other, each with three events."""

    kafka: str
    chains: Chains
    victim: str
    neighbour: str
    segment: Path  # the victim's partition, as it lies on the disk

    @property
    def partition(self) -> int:
        return self.chains.identity.partition_of(self.victim)

    def flip(self) -> None:
        """Change one byte of the victim's last event but one; once more, and it is as it was."""
        content = self.segment.read_bytes()
        at = content.index(b"he damaged one") - 1
        with self.segment.open("r+b") as file:
            file.seek(at)
            file.write(bytes([content[at] ^ 1]))

    def projector(self, database_url: str) -> Projector[Event]:
        identity = self.chains.identity
        reader = functools.partial(open_reader, self.kafka, identity)
        progress = Progress("read_model")
        return Projector(READ_MODEL, identity, reader, database_url=database_url, instance_id="one", progress=progress)


@asynccontextmanager
async def scene(kafka: str, topic: str, directory: Path) -> AsyncIterator[Scene]:
    chains = Chains(await open_log(kafka, topic, create_with_partitions=2))
    accounts = [chains.account(f"account-{number}") for number in range(20)]
    victim, neighbour = (next(a for a in accounts if chains.identity.partition_of(a) == p) for p in (0, 1))
    async with open_appender(kafka, chains.identity) as appender:
        for account, assistant in ((victim, assistant_id(1)), (neighbour, assistant_id(2))):
            created = chains.seal(account, assistant_created(assistant, account))
            names = "the damaged one", "the last one"
            changed = [chains.seal(account, AssistantUpdated(assistant_id=assistant, name=name)) for name in names]
            await append(appender, [created, *changed])
    [segment] = await asyncio.to_thread(lambda: list(directory.glob(f"**/{topic}-0/00000000000000000000.log")))
    yield Scene(kafka, chains, victim, neighbour, segment)


@pytest.fixture
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


async def read_on(reader: LogReader, read: list[Record]) -> None:
    """Read for ever."""
    while True:
        read += await reader.fetch(max_records=10, timeout_seconds=1)


async def test_a_reader_gives_all_before_the_damage_and_of_others_and_then_names_it(
    kafka: str, topic: str, disk: Path
) -> None:
    async with scene(kafka, topic, disk) as there:
        there.flip()
        identity = there.chains.identity
        async with open_reader(kafka, identity, {0: 0, 1: 0}) as reader:
            read: list[Record] = []
            with pytest.raises(LogDamaged, match="partition 0 is damaged at offset 2") as damaged:
                await read_on(reader, read)
            with pytest.raises(LogDamaged):
                await reader.fetch(max_records=10, timeout_seconds=1)

        assert (damaged.value.partition, damaged.value.position) == (0, 2)
        assert sorted((r.partition, r.offset) for r in read) == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (1, 3)]
        with pytest.raises(LogDamaged):
            async with open_reader(kafka, identity, {0: 3}, fingerprints={0: fingerprint(read[0])}):
                pass
        there.flip()
        async with open_reader(kafka, identity, {0: 2}) as reader:
            assert [r.offset for r in await reader.fetch(max_records=10, timeout_seconds=5)] == [2, 3]


async def test_a_projection_ends_with_the_reason_and_goes_on_when_the_bytes_are_back(
    kafka: str, topic: str, disk: Path, database_url: str
) -> None:
    """Everything before the damage, and the other partition, are in the tables; a router keeps the table it has."""
    async with scene(kafka, topic, disk) as there, connected(database_url) as database:
        there.flip()
        with pytest.raises(LogDamaged, match="partition 0 is damaged at offset 2"):
            await asyncio.wait_for(there.projector(database_url).run(asyncio.Event()), 30)
        heads = "SELECT stream, height FROM read_model_1.heads"

        assert dict(await database.fetch(heads)) == {there.victim: 1, there.neighbour: 3}
        there.flip()
        stop = asyncio.Event()
        again = asyncio.create_task(there.projector(database_url).run(stop))

        async def is_whole() -> bool:
            return dict(await database.fetch(heads)) == {there.victim: 3, there.neighbour: 3}

        await eventually(is_whole, 20)
        stop.set()
        await again


async def test_a_router_keeps_its_table_and_names_the_damage(kafka: str, topic: str, disk: Path) -> None:
    async with scene(kafka, topic, disk) as there:
        there.flip()
        with pytest.raises(LogDamaged):
            async with CallRouting.subscribe(bootstrap_servers=kafka, topic=topic):
                pass
