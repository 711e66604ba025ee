"""Appending to Kafka: sessions that end at the first doubt and are followed by the next one, every wait bounded."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from patchbay.eventlog.access import BootstrapServers
from patchbay.eventlog.clock_skew import ClockSkew
from patchbay.eventlog.contract import check_group
from patchbay.eventlog.errors import NotSent
from patchbay.eventlog.identity import LogIdentity
from patchbay.eventlog.lanes import Group, Session
from patchbay.eventlog.producer import Producer
from patchbay.eventlog.seal import SealedRecord

_first_backoff_seconds: Final = 0.05
_longest_backoff_seconds: Final = 1.0
_stop_timeout_seconds: Final = 1.0
_max_unsettled_bytes: Final = 32 * 1024 * 1024
_max_unsettled_records: Final = 20_000

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def open_appender(
    bootstrap_servers: BootstrapServers,
    identity: LogIdentity,
    *,
    append_timeout_seconds: float = 4.0,  # below the 5 s in which a caller wants its answer
    brake_seconds: float = 1.0,
    start_timeout_seconds: float = 3.0,
) -> AsyncIterator["KafkaAppender"]:
    """
    Yield an appender to the log; it does not wait for the brokers: `healthy` tells when it can send.

    Leaving sends what waits and lets it finish, within the append timeout.

    Args:
        bootstrap_servers: `host:port`, several with commas between; or `Brokers`.
        identity: The log, as `open_log` found it.
        append_timeout_seconds: The bound on every future.
        brake_seconds: Nothing is taken for a partition whose oldest unsettled append is older.
        start_timeout_seconds: The bound on one try to start a producer.
    """
    appender = KafkaAppender(
        bootstrap_servers,
        identity,
        append_timeout_seconds=append_timeout_seconds,
        brake_seconds=brake_seconds,
        start_timeout_seconds=start_timeout_seconds,
    )
    supervisor = asyncio.create_task(appender.supervise(), name="append_sessions")
    try:
        yield appender
    finally:
        await appender.drain()
        supervisor.cancel()
        await asyncio.wait([supervisor])
        if not supervisor.cancelled():
            supervisor.result()  # it ends by itself only where it was wrong


class KafkaAppender:
    """Appends to Kafka; see the contract."""

    def __init__(
        self,
        bootstrap_servers: BootstrapServers,
        identity: LogIdentity,
        *,
        append_timeout_seconds: float,
        brake_seconds: float,
        start_timeout_seconds: float,
    ) -> None:
        self._skew = ClockSkew()
        self._bootstrap_servers = bootstrap_servers
        self._identity = identity
        self._append_timeout_seconds = append_timeout_seconds
        self._brake_seconds = brake_seconds
        self._start_timeout_seconds = start_timeout_seconds
        self._session = Session(1, identity.partition_count)
        self._callbacks: list[Callable[[int, str], None]] = []
        self._is_closed = False
        self._down_since: float | None = asyncio.get_running_loop().time()
        self._unsettled_bytes = 0
        self._unsettled_records = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def session(self) -> int:
        """Number of the live session; it only grows."""
        return self._session.number

    @property
    def healthy(self) -> bool:
        """True if the live session can send now."""
        return self._session.producer is not None and not self._is_closed

    def on_session_end(self, callback: Callable[[int, str], None]) -> None:
        """Call `callback(ended session, reason)` at each end, before any future of that session fails."""
        self._callbacks.append(callback)

    def append(self, records: Sequence[SealedRecord], *, session: int) -> asyncio.Future[None]:
        """Enqueue `records`, all of one partition; see the contract for what the future says."""
        partition, size_bytes, too_large = check_group(records, self._identity)
        group = Group(records, size_bytes)
        refusal = too_large or self._refusal(partition, session, group.enqueued_at)
        if refusal is not None:
            group.settle(refusal)
            return group.future
        self._unsettled_bytes += size_bytes
        self._unsettled_records += len(records)
        self._idle.clear()
        self._session.enqueue(group, partition)
        if self._timer is None:
            self._arm_timer(group.enqueued_at)
        return group.future

    async def supervise(self) -> None:
        """Keep a session with a live producer, until cancelled."""
        producer, session = None, self._session
        try:
            while True:
                producer = await self._start_producer()
                session = self._session
                session.attach(
                    producer,
                    on_acknowledged=self._count_off,
                    on_failure=self._end,
                    on_skew=self._skew.note,
                )
                self._down_since = None
                _log.info("append_session_started", session=session.number)
                await session.ended.wait()
                await session.end()
                await producer.abandon()
        finally:
            await self._close(session, producer)

    async def drain(self) -> None:
        """Take nothing more, and let what was taken finish; bounded by the append timeout."""
        self._is_closed = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._append_timeout_seconds):
                await self._idle.wait()

    def _refusal(self, partition: int, session: int, now: float) -> NotSent | None:
        if self._is_closed:
            return NotSent("closed")
        if session != self._session.number:
            return NotSent("stale_session")
        if self._down_since is not None and now - self._down_since > self._brake_seconds:
            return NotSent("no_session")
        oldest = self._session.lanes[partition].oldest
        if oldest is not None and now - oldest.enqueued_at > self._brake_seconds:
            return NotSent("brake")
        if self._unsettled_bytes > _max_unsettled_bytes or self._unsettled_records > _max_unsettled_records:
            return NotSent("queue_full")
        return None

    def _end(self, session: Session, reason: str) -> None:
        if session is not self._session or session.ended.is_set():
            return  # its end was told before
        self._session = Session(session.number + 1, self._identity.partition_count)
        if self._down_since is None:
            self._down_since = asyncio.get_running_loop().time()
        for callback in self._callbacks:
            callback(session.number, reason)
        for lane in session.lanes:
            for group in lane.fail(reason):
                self._count_off(group)
        session.ended.set()
        log = _log.info if reason == "closed" else _log.warning
        log("append_session_ended", session=session.number, reason=reason)

    @property
    def clock_skew_seconds(self) -> float:
        """How far the broker's clock is ahead of this one's, by an acknowledgement of the last seconds; else 0."""
        return self._skew.seconds

    def _count_off(self, group: Group) -> None:
        self._unsettled_bytes -= group.size_bytes
        self._unsettled_records -= len(group.records)
        if not self._unsettled_records:
            self._idle.set()

    def _arm_timer(self, oldest_enqueued_at: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(oldest_enqueued_at + self._append_timeout_seconds, self._check_age)

    def _check_age(self) -> None:
        """End the session if its oldest append is over age; look again when the oldest one will be."""
        self._timer = None
        waiting = [lane.oldest.enqueued_at for lane in self._session.lanes if lane.oldest is not None]
        if not waiting:
            return
        if min(waiting) + self._append_timeout_seconds <= asyncio.get_running_loop().time():
            self._end(self._session, "timeout")
        else:
            self._arm_timer(min(waiting))

    async def _start_producer(self) -> Producer:
        backoff_seconds = _first_backoff_seconds
        while True:
            producer = Producer(
                self._bootstrap_servers, self._identity.topic, request_timeout_seconds=self._append_timeout_seconds
            )
            try:
                async with asyncio.timeout(self._start_timeout_seconds):
                    await producer.start()
            except Exception as failure:  # noqa: BLE001 - whatever keeps it from starting, the next one may start
                _log.warning("append_session_not_started", reason=repr(failure))
                await producer.abandon()
            except asyncio.CancelledError:
                await producer.abandon()
                raise
            else:
                return producer
            await asyncio.sleep(backoff_seconds)
            backoff_seconds = min(2 * backoff_seconds, _longest_backoff_seconds)

    async def _close(self, session: Session, producer: Producer | None) -> None:
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        is_well = session is self._session and not self._unsettled_records
        self._end(self._session, "closed")
        await session.end()
        if producer is None:
            return
        if is_well:
            with contextlib.suppress(TimeoutError, KafkaError):
                async with asyncio.timeout(_stop_timeout_seconds):
                    await producer.stop()
        await producer.abandon()
