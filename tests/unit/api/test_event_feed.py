"""One tail and many streams over a history in memory: whatever the interleaving, each event is told once."""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random

import msgspec
import pytest
from tests.servers import eventually

from patchbay.api.feed.catching_up import CatchingUp
from patchbay.api.feed.cursors import Cursors
from patchbay.api.feed.stream import EventStream, Holder, Wanted
from patchbay.api.feed.tail import Tail
from patchbay.api.reading.events import AcceptedEvent, Events, Passage
from patchbay.api.streaming import OpenWire
from patchbay.eventlog import LogIdentity

IDENTITY = LogIdentity(log_id="ab" * 32, topic="t", partition_count=3)
CURSORS = Cursors(IDENTITY.log_id, IDENTITY.partition_count)
HOLDER = Holder(key_id="key_1", digest=b"")
ACCOUNTS = ("acct_1", "acct_2", "acct_3")


class MemoryEvents(Events):
    """A history in memory, that gives a few events at a time and takes its time."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.partitions: list[list[AcceptedEvent | None]] = [[] for _ in range(IDENTITY.partition_count)]  # None: void

    def append(self) -> None:
        """Accept an event of some account or some number that it has, or pass over a void."""
        account = self._random.choice(ACCOUNTS)
        stream = self._random.choice((account, f"pn_{self._random.randrange(9)}"))
        records = self.partitions[IDENTITY.partition_of(stream)]
        offset = len(records)
        height = 1 + sum(event is not None and event.stream == stream for event in records)
        value = msgspec.json.encode({"account_id": account})
        owner = ("NumberRegistered", height, value) if stream.startswith("pn_") else (None, None, None)
        partition, headers = IDENTITY.partition_of(stream), msgspec.msgpack.encode([("ce_id", b"x")])
        event = AcceptedEvent(partition, offset, stream, height, "T", headers, value, *owner)
        records.append(event if self._random.random() < 0.8 else None)

    def told_to(self, account: str | None, since: Sequence[int]) -> list[tuple[int, int]]:
        """Return the partitions and offsets of what is to be told."""
        return [
            (event.partition, event.offset)
            for partition, records in enumerate(self.partitions)
            for event in records[since[partition] :]
            if event is not None and account in (None, msgspec.json.decode(event.value)["account_id"])
        ]

    async def _takes_time(self) -> None:
        for _ in range(self._random.randrange(4)):
            await asyncio.sleep(0)

    async def ends(self) -> list[int]:
        await self._takes_time()
        return [len(records) for records in self.partitions]

    async def read_pass(
        self, positions: Mapping[int, int], *, accounts: Sequence[str] | None, upto: int | None = None
    ) -> list[Passage]:
        await self._takes_time()
        passages = []
        for partition, since in positions.items():
            checkpoint = len(self.partitions[partition])
            bound = min(checkpoint, since + self._random.randrange(1, 5), checkpoint if upto is None else upto)
            found = [event for event in self.partitions[partition][since:bound] if event is not None]
            own = [e for e in found if accounts is None or e.stream in accounts or e.stream.startswith("pn_")]
            passages.append(Passage(partition, own, max(since, bound), is_at_end=bound >= checkpoint))
        await self._takes_time()
        return passages

    async def read_page(
        self, account_id: str, partition: int, since: int, upto: int | None, above: int | None
    ) -> Passage:
        (passage,) = await self.read_pass({partition: since}, accounts=[account_id], upto=upto)
        own = [e for e in passage.events if e.stream != account_id or (above is not None and e.height > above)]
        return msgspec.structs.replace(passage, events=own)

    async def height_below(self, stream: str, offset: int) -> int:
        await self._takes_time()
        records = self.partitions[IDENTITY.partition_of(stream)][:offset]
        return max((event.height for event in records if event is not None and event.stream == stream), default=0)


class Transport(asyncio.WriteTransport):
    """Keeps what is written; nobody reads it unless it is told to be read."""

    def __init__(self, *, is_read: bool = True) -> None:
        super().__init__()
        self.written = b""
        self.is_read = is_read
        self.is_gone = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.is_gone:
            self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        return 0 if self.is_read else len(self.written)

    def is_closing(self) -> bool:
        return False


class Writer:
    async def drain(self) -> None:
        await asyncio.sleep(0)


class Around:
    """What streams stand on, without a server."""

    def __init__(self, events: Events, buffer_bytes: int = 1_000_000) -> None:
        self.cursors = CURSORS
        self.tail = Tail(events, CURSORS)
        self.catching_up = CatchingUp(events, IDENTITY)
        self.buffer_bytes = buffer_bytes

    def forget(self, stream: EventStream) -> None:
        """Nothing is kept of it."""


class Client:
    """Runs a stream, and reads the ids that it was sent."""

    def __init__(
        self, around: Around, account: str | None, positions: Sequence[int], *, now: bool = False, is_read: bool = True
    ) -> None:
        wanted = Wanted(account_id=account, types=None, positions=tuple(positions), is_from_now=now)
        self.account = account
        self.since = positions
        self.transport = Transport(is_read=is_read)
        self.stream = EventStream(around, HOLDER, wanted)
        wire = OpenWire(self.transport, Writer(), is_chunked=False)  # type: ignore[arg-type]
        self.task = asyncio.create_task(self.stream.run(wire))

    @property
    def place(self) -> list[int]:
        """Where it has come to."""
        return self._places()[-1]

    @property
    def told(self) -> list[tuple[int, int]]:
        """Partition and offset of each event: the event lies right before the place that was sent with it."""
        begin, *places = self._places()
        datas = [line for line in self.transport.written.decode().splitlines() if line.startswith("data: ")]
        found, before = [], begin
        for place, data in zip(places, datas, strict=True):
            assert all(now >= earlier for now, earlier in zip(place, before, strict=True)), "a place behind another"
            partition = IDENTITY.partition_of(msgspec.json.decode(data[6:])["partitionkey"])
            found.append((partition, place[partition] - 1))
            before = place
        return found

    def _places(self) -> list[list[int]]:
        lines = self.transport.written.decode().splitlines()
        return [CURSORS.read(line[4:]) for line in lines if line.startswith("id: ")]

    async def hang_up(self) -> list[int]:
        """End it, and return where to go on."""
        self.stream.end("gone")
        await self.task
        return self.place


class Audience:
    """Clients that come and go."""

    def __init__(self, around: Around, events: MemoryEvents, random: Random) -> None:
        self._around = around
        self._events = events
        self._random = random
        self.chains: list[list[Client]] = []  # each goes on where the one before it has hung up

    def changes(self) -> None:
        """Let somebody come, somebody go and come back, or nothing happen."""
        chance = self._random.random()
        if chance < 0.3:
            ends = [len(records) for records in self._events.partitions]
            since = self._random.choice(([0, 0, 0], ends, [self._random.randint(0, end) for end in ends]))
            account = self._random.choice((*ACCOUNTS, None))
            self.chains.append([Client(self._around, account, since, now=since == ends)])
        elif chance < 0.6 and self.chains:
            chain = self._random.choice(self.chains)
            client = chain[-1]
            if client.transport.written:
                client.transport.is_gone = True
                client.stream.end("gone")
                chain.append(Client(self._around, client.account, client.place))

    def knows_all(self) -> bool:
        """True if everybody was told all there was to tell, once."""
        for chain in self.chains:
            expected = self._events.told_to(chain[0].account, chain[0].since)
            if sorted(event for client in chain for event in client.told) != expected:
                return False
        return True

    async def goes(self) -> None:
        """Let everybody go."""
        for chain in self.chains:
            chain[-1].stream.end("gone")
            await asyncio.wait([client.task for client in chain])


@pytest.mark.parametrize("seed", range(25))
async def test_streams_that_come_and_go_miss_nothing_and_are_told_nothing_twice(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also such as were told more elsewhere than this process has seen, and such as follow everybody."""
    monkeypatch.setattr("patchbay.api.feed.tail.PACE_SECONDS", 0.0)
    random = Random(seed)
    events = MemoryEvents(random)
    around = Around(events)
    audience = Audience(around, events, random)
    tailing = asyncio.create_task(around.tail.run())
    for _ in range(80):
        for _ in range(random.randrange(4)):
            events.append()
        around.tail.wake("read_model")
        audience.changes()
        for _ in range(random.randrange(12)):
            await asyncio.sleep(0)
    try:
        await eventually(audience.knows_all)
    finally:
        await audience.goes()
        tailing.cancel()
        await asyncio.wait([tailing])

    assert audience.chains


async def test_who_leaves_too_much_unread_is_cut_off() -> None:
    events = MemoryEvents(Random(1))
    around = Around(events, buffer_bytes=1_000)
    tailing = asyncio.create_task(around.tail.run())
    slow, quick = [Client(around, None, [0, 0, 0], now=True, is_read=is_read) for is_read in (False, True)]

    def goes_on() -> bool:
        events.append()
        around.tail.wake("")
        return slow.task.done()

    await eventually(goes_on)
    told = len(slow.told)
    await eventually(lambda: len(quick.told) > told)
    await quick.hang_up()
    tailing.cancel()
    await asyncio.wait([tailing])

    assert b"read too slowly" in slow.transport.written
    assert len(slow.transport.written) < 10_000
