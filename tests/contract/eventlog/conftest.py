"""The logs under test, a builder of chains, and a wire to the brokers that can be cut."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial
from secrets import token_hex
from typing import Any

import aiokafka.client
import pytest

from patchbay.eventlog import (
    Appender,
    Base,
    Envelope,
    Head,
    LogIdentity,
    LogReader,
    MemoryLog,
    NewEvent,
    Record,
    SealedRecord,
    Verdict,
    advance,
    judge,
    open_appender,
    open_log,
    open_reader,
    read_envelope,
    seal,
)


class Chain:
    """Writes the events of one stream, each on the one before, as a writer does that wins every race."""

    def __init__(self, identity: LogIdentity, stream: str = "note_a") -> None:
        self.identity = identity
        self.stream = stream
        self.accepted = self.head = Head.genesis(identity.log_id)

    def event(self, *, base: Head | Base | None = None, mends: str | None = None, data: bytes = b"{}") -> SealedRecord:
        """Return the next event and take it for the head."""
        event = NewEvent(
            type="NoteAdded", source="/notes", dataschema="urn:example:NoteAdded:1", actor="me", data=data, mends=mends
        )
        time = "2026-02-18T14:22:31.114207Z"
        record = seal(
            event, stream=self.stream, parent=self.head, base=base or self.accepted, time=time, event_id=token_hex(16)
        )
        self.head = record.as_head()
        return record

    def accept(self) -> None:
        """Take it that a verdict has accepted everything so far."""
        self.accepted = self.head


class OpenedLog:
    """One log and the ways into it, whatever it is made of."""

    def __init__(
        self,
        identity: LogIdentity,
        appender: Callable[[], AbstractAsyncContextManager[Appender]],
        reader: Callable[..., AbstractAsyncContextManager[LogReader]],
    ) -> None:
        self.identity = identity
        self.open_appender = appender
        self.open_reader = reader

    def chain(self, stream: str = "note_a") -> Chain:
        return Chain(self.identity, stream)

    async def read_all(self) -> list[Record]:
        """Return every record that is in the log now, in order within each partition."""
        start = dict.fromkeys(range(self.identity.partition_count), 0)
        async with self.open_reader(start) as reader, asyncio.timeout(20):
            count = sum((await reader.end_offsets()).values())
            records: list[Record] = []
            while len(records) < count:
                records += await reader.fetch(max_records=1000, timeout_seconds=1)
            return records

    async def verdicts(self) -> tuple[dict[str, Verdict], Mapping[str, Head]]:
        """Return the first verdict on each digest, and each stream's head."""
        heads: dict[str, Head] = {}
        verdicts: dict[str, Verdict] = {}
        for record in await self.read_all():
            envelope = read_envelope(record, self.identity)
            if isinstance(envelope, Envelope):
                head = heads.get(envelope.stream, Head.genesis(self.identity.log_id))
                verdict = judge(envelope, head)
                verdicts.setdefault(envelope.digest, verdict)
                heads[envelope.stream] = advance(head, envelope, verdict)
        return verdicts, heads


class Wire:
    """What lies between aiokafka and the brokers: it can fall silent, and it can be cut."""

    def __init__(self, connect: Callable[..., Any]) -> None:
        self._connect = connect
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._is_cut = False
        self._servers: dict[tuple[str, int], asyncio.Server] = {}
        self._pumps: set[asyncio.Task[None]] = set()

    def fall_silent(self) -> None:
        """Keep every connection, accept new ones, and let nothing through."""
        self._flowing.clear()

    def cut(self) -> None:
        """Drop every connection and refuse new ones."""
        self._is_cut = True
        for pump in self._pumps:
            pump.cancel()

    def mend(self) -> None:
        """Let through what was held back, and what comes."""
        self._is_cut = False
        self._flowing.set()

    @contextmanager
    def bypass(self) -> Iterator[None]:
        """Let what connects meanwhile have a wire of its own, as another process has."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(aiokafka.client, "create_conn", self._connect)
            yield

    async def connect(self, host: str, port: int, **options: Any) -> Any:
        """Connect as aiokafka does, through the wire."""
        if self._is_cut:
            raise ConnectionRefusedError(f"{host}:{port}")
        if (host, port) not in self._servers:
            server = await asyncio.start_server(partial(self._serve, host, port), "127.0.0.1", 0)
            self._servers[host, port] = server
        own_host, own_port = self._servers[host, port].sockets[0].getsockname()
        return await self._connect(own_host, own_port, **options)

    async def close(self) -> None:
        self.cut()
        for server in self._servers.values():
            server.close()
        if self._pumps:
            await asyncio.wait(self._pumps)

    async def _serve(self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, port)
        there = asyncio.create_task(self._pump(reader, far_writer))
        back = asyncio.create_task(self._pump(far_reader, writer))
        self._pumps |= {there, back}
        there.add_done_callback(self._pumps.discard)
        back.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while content := await reader.read(65536):
                await self._flowing.wait()
                writer.write(content)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@pytest.fixture
def opened(kafka: str) -> Callable[[LogIdentity], OpenedLog]:
    def on_kafka(identity: LogIdentity) -> OpenedLog:
        return OpenedLog(identity, partial(open_appender, kafka, identity), partial(open_reader, kafka, identity))

    return on_kafka


@pytest.fixture
async def kafka_log(kafka: str, topic: str, opened: Callable[[LogIdentity], OpenedLog]) -> OpenedLog:
    return opened(await open_log(kafka, topic, create_with_partitions=4))


@pytest.fixture
async def memory_log() -> OpenedLog:
    memory = MemoryLog(4)
    return OpenedLog(memory.identity, memory.open_appender, memory.open_reader)


@pytest.fixture(params=["memory_log", "kafka_log"])
def log(request: pytest.FixtureRequest) -> OpenedLog:
    opened: OpenedLog = request.getfixturevalue(request.param)
    return opened


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    wire = Wire(aiokafka.client.create_conn)
    monkeypatch.setattr(aiokafka.client, "create_conn", wire.connect)
    yield wire
    await wire.close()


@pytest.fixture
def chain_of() -> Callable[..., Chain]:
    return Chain


@pytest.fixture
def until() -> Callable[..., Any]:
    async def wait(condition: Callable[[], bool], deadline_seconds: float = 15.0) -> None:
        async with asyncio.timeout(deadline_seconds):
            while not condition():
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def outcomes() -> Callable[[Sequence[asyncio.Future[None]]], Any]:
    async def gather(futures: Sequence[asyncio.Future[None]]) -> list[str]:
        """Return for each future `acknowledged` or the name of its error."""
        results = await asyncio.gather(*futures, return_exceptions=True)
        return ["acknowledged" if result is None else type(result).__name__ for result in results]

    return gather
