"""The log as processes reach it over a network: what is appended lands later, or never, or twice, or long after."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial

import msgspec
from tests.simulation.scheduling import SimulatedLoop

from patchbay.eventlog import LogUnavailable
from patchbay.eventlog.contract import check_group
from patchbay.eventlog.errors import AppendError, NotSent, OutcomeUnknown
from patchbay.eventlog.memory import MemoryLog, MemoryReader
from patchbay.eventlog.record import Record
from patchbay.eventlog.seal import SealedRecord

ACKNOWLEDGED_WITHIN_SECONDS = 1.5  # else the session ends, and the outcome is unknown


class Faults(msgspec.Struct):
    """How likely each is to befall a group of records, and what is wrong with the brokers."""

    refused: float = 0.0  # never lands; the session ends
    skipped: float = 0.0  # never lands, while the session goes on: its child lands without it
    unacknowledged: float = 0.0  # lands, and nobody is told; the session ends
    zombie: float = 0.0  # lands long after its session has ended
    twice: float = 0.0  # lands again, some time later
    not_sent: float = 0.0  # the session ends before it has left
    is_away: bool = False  # nothing is acknowledged or read
    delays: Sequence[float] = (0.0005,)  # seconds, one way
    zombie_delays: Sequence[float] = (0.05, 0.5, 2.0, 5.0)


class Brokers:
    """The log, and how to get at it."""

    def __init__(self, loop: SimulatedLoop, log: MemoryLog) -> None:
        self.loop = loop
        self.log = log
        self.faults = Faults()
        self.appenders: list[SimulatedAppender] = []
        self.under_way = 0  # groups that may still land
        self.landed_at: dict[tuple[int, int], float] = {}  # by partition and offset

    def delay(self) -> float:
        """Return how long one way takes."""
        return self.loop.random.choice(self.faults.delays)

    def land(self, delay: float, partition: int, records: Sequence[SealedRecord], then: Callable[[], None]) -> None:
        """Store the records after a while, whatever becomes of the process that sent them."""
        self.under_way += 1
        self.loop.in_world(delay, self._landed, partition, records, then)

    def _landed(self, partition: int, records: Sequence[SealedRecord], then: Callable[[], None]) -> None:
        self.under_way -= 1
        first = len(self.log.records(partition))
        self.log._store(partition, records)
        self.landed_at.update(((partition, first + n), self.loop.time()) for n in range(len(records)))
        then()

    @contextlib.asynccontextmanager
    async def open_appender(self) -> AsyncIterator["SimulatedAppender"]:
        """Yield an appender of its own session."""
        appender = SimulatedAppender(self)
        self.appenders.append(appender)
        try:
            yield appender
        finally:
            appender.close()

    @contextlib.asynccontextmanager
    async def open_reader(
        self, positions: Mapping[int, int], *, fingerprints: Mapping[int, bytes] | None = None
    ) -> AsyncIterator["SimulatedReader"]:
        """Yield a reader; see the contract."""
        await asyncio.sleep(self.delay())
        if self.faults.is_away:
            raise LogUnavailable("opening a reader: no answer")
        async with self.log.open_reader(positions, fingerprints=fingerprints) as reader:
            yield SimulatedReader(self, reader)


class _Group:
    """Records on their way, and who waits to hear of them."""

    def __init__(self, partition: int, records: Sequence[SealedRecord], future: "asyncio.Future[None]") -> None:
        self.partition = partition
        self.records = records
        self.future = future
        self.is_sent = False


class SimulatedAppender:
    """Appends over the network; see the contract."""

    def __init__(self, brokers: Brokers) -> None:
        self.session = 1
        self.healthy = True
        self.clock_skew_seconds = 0.0
        self._brokers = brokers
        self._groups: dict[_Group, None] = {}  # of this session, unacknowledged
        self._lands_at: dict[int, float] = {}  # of a partition's newest group: the next lands behind it
        self._callbacks: list[Callable[[int, str], None]] = []

    def append(self, records: Sequence[SealedRecord], *, session: int) -> "asyncio.Future[None]":
        """Enqueue records of one partition."""
        partition, _, fault = check_group(records, self._brokers.log.identity)
        loop = self._brokers.loop
        future: asyncio.Future[None] = loop.create_future()
        if fault is not None:
            _tell(future, fault)
        elif session != self.session or not self.healthy:
            _tell(future, NotSent("closed" if not self.healthy else "stale_session"))
        else:
            group = _Group(partition, records, future)
            self._groups[group] = None
            loop.call_soon(self._send, group)
            loop.call_later(ACKNOWLEDGED_WITHIN_SECONDS, self._give_up, group)
        return future

    def on_session_end(self, callback: Callable[[int, str], None]) -> None:
        """Call back at each end."""
        self._callbacks.append(callback)

    def end_session(self, reason: str = "asked_for") -> None:
        """End the session: what is under way may have landed, may land, or never; the rest is not sent."""
        groups, self._groups = self._groups, {}
        ended, self.session = self.session, self.session + 1
        self._lands_at = {}
        for callback in self._callbacks:
            callback(ended, reason)
        for group in groups:
            _tell(group.future, OutcomeUnknown(reason) if group.is_sent else NotSent("session_ended"))

    def close(self) -> None:
        """End for good."""
        self.healthy = False
        self.end_session("closed")

    def _send(self, group: _Group) -> None:
        if group not in self._groups:
            return
        brokers = self._brokers
        fault = self._fault()
        if fault == "not_sent":
            self.end_session(fault)
            return
        group.is_sent = True
        if fault == "refused":
            brokers.loop.call_later(brokers.delay(), self._lose, group, fault)
            return
        if fault == "skipped":
            brokers.loop.call_later(brokers.delay(), self._hear, group, OutcomeUnknown(fault))
            return
        if fault == "zombie":
            delay = brokers.loop.random.choice(brokers.faults.zombie_delays)
            brokers.land(delay, group.partition, group.records, _nothing)
            brokers.loop.call_later(brokers.delay(), self._lose, group, fault)
            return
        now = brokers.loop.time()
        at = max(now + brokers.delay(), self._lands_at.get(group.partition, 0.0))
        self._lands_at[group.partition] = at
        acknowledge = partial(self._landed, group, fault)
        brokers.land(at - now, group.partition, group.records, acknowledge)
        if fault == "unacknowledged":
            brokers.loop.call_later(brokers.delay(), self._lose, group, fault)

    def _landed(self, group: _Group, fault: str | None) -> None:
        brokers = self._brokers
        if fault == "twice":
            delay = brokers.loop.random.choice(brokers.faults.zombie_delays)
            brokers.land(delay, group.partition, group.records, _nothing)
        if fault != "unacknowledged" and not brokers.faults.is_away:
            brokers.loop.in_world(brokers.delay(), self._hear, group, None)

    def _fault(self) -> str | None:
        faults, chance = self._brokers.faults, self._brokers.loop.random.random()
        for name in ("refused", "skipped", "unacknowledged", "zombie", "twice", "not_sent"):
            chance -= getattr(faults, name)
            if chance < 0:
                return name
        return None

    def _hear(self, group: _Group, error: AppendError | None) -> None:
        if group in self._groups:
            del self._groups[group]
            _tell(group.future, error)

    def _lose(self, group: _Group, reason: str) -> None:
        if group in self._groups:
            self.end_session(reason)

    def _give_up(self, group: _Group) -> None:
        self._lose(group, "timed_out")


class SimulatedReader:
    """Reads over the network; see the contract."""

    def __init__(self, brokers: Brokers, reader: MemoryReader) -> None:
        self._brokers = brokers
        self._reader = reader

    async def fetch(self, *, max_records: int, timeout_seconds: float) -> Sequence[Record]:
        """Return the next records; none if there were none in time."""
        if self._brokers.faults.is_away:
            await asyncio.sleep(timeout_seconds)
            return ()
        found = await self._reader.fetch(max_records=max_records, timeout_seconds=timeout_seconds)
        await asyncio.sleep(self._brokers.delay())
        return found

    async def end_offsets(self) -> Mapping[int, int]:
        """Return the log's ends."""
        await asyncio.sleep(self._brokers.delay())
        if self._brokers.faults.is_away:
            raise LogUnavailable("asking for the ends: no answer")
        return await self._reader.end_offsets()

    async def passed_offsets(self) -> Mapping[int, int]:
        """Return how far it has read."""
        return await self._reader.passed_offsets()


def _nothing() -> None:
    """Tell nobody."""


def _tell(future: "asyncio.Future[None]", error: AppendError | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
        future.exception()
