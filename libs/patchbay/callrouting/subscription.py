"""The routing table that follows the log: for telephony routers, with Kafka alone."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Self

import structlog

from patchbay.callrouting.entries import Answer
from patchbay.callrouting.errors import SnapshotUnusable
from patchbay.callrouting.following import Following
from patchbay.callrouting.quieting import quiet_client
from patchbay.callrouting.snapshot import fetch_snapshot
from patchbay.callrouting.table import RoutingTable
from patchbay.eventlog import (
    BootstrapServers,
    EventLogError,
    KafkaReader,
    LogRefused,
    LogUnavailable,
    TopicMissing,
    open_log,
    open_reader,
)

log = structlog.get_logger()

# A few ms of work: look-ups wait for no more, and the loop gets on with the next fetch meanwhile. It reads a quarter of
# a megabyte at each turn, and an answer of the brokers has many.
BATCH_RECORDS = 100
FETCH_SECONDS = 0.5
# Brokers that are well answer at least twice a second. After a longer silence the log is looked at anew before it is
# read on: it may have lost its end, or be another one.
SILENCE_SECONDS = 3.0
RECONNECT_SECONDS = (0.1, 1.0)  # first and longest pause
REMARK_SECONDS = 60.0  # between two remarks that the log is away

OnChange = Callable[[str, Answer], None]
OnFailure = Callable[[Exception], None]


class CallRouting:
    """
    The whole routing table in memory, kept current from the log itself; every chain is verified on the way.

    While the log is away, and after it turned out to be damaged, the last known table goes on to answer;
    `staleness_seconds` tells.
    """

    def __init__(
        self, bootstrap_servers: BootstrapServers, topic: str, on_change: OnChange | None, on_failure: OnFailure | None
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._topic = topic
        self._on_change = on_change
        self._on_failure = on_failure
        self._following: Following | None = None
        self._table = RoutingTable()
        self._targets: Mapping[int, int] | None = None  # the log's ends at the start
        self._caught_up = asyncio.Event()
        self._current_at = time.monotonic()
        self._away_since: float | None = None
        self._remark_at = 0.0
        self._callback_failures = 0
        self._failure: Exception | None = None
        self._is_from_snapshot = False

    @classmethod
    @contextlib.asynccontextmanager
    async def subscribe(
        cls,
        *,
        bootstrap_servers: BootstrapServers,
        topic: str = "patchbay.events",
        snapshot: str | None = None,
        api_key: str | None = None,
        on_change: OnChange | None = None,
        on_failure: OnFailure | None = None,
        start_timeout_seconds: float = 60.0,
    ) -> AsyncIterator[Self]:
        """
        Follow the log; the body begins when the table holds all that was in the log at the start.

        Meanwhile the lines that aiokafka writes with `logging` are let through once a minute each.

        Args:
            bootstrap_servers: `host:port`, several with commas between; or `Brokers`, with TLS and a login.
            topic: The log's.
            snapshot: Where to fetch a table to start from, `http://host:port/api/routing/snapshot`; None, or one that
                cannot be had: the log is read from its beginning.
            api_key: For the snapshot: an operator's, with the scope `routing:read`.
            on_change: Called with a number (E.164) and its new answer, in the loop's thread, after the start. What it
                raises is logged and counted, and following goes on.
            on_failure: Called once if the table cannot be kept current any more; `failure` tells it too.
            start_timeout_seconds: The bound on reading the log once.

        Raises:
            LogRefused: The brokers do not let this process read it.
            LogUnavailable: The log could not be read once within the bound.
            NotALog, LogMismatch: The topic is not a log of Patchbay.
            LogTruncated, LogRecreated: The snapshot is of more than the log has, or of another log.
        """
        routing = cls(bootstrap_servers, topic, on_change, on_failure)
        with quiet_client():
            task = asyncio.create_task(routing._run(snapshot, api_key), name="call routing")
            caught_up = asyncio.create_task(routing._caught_up.wait())
            both = (task, caught_up)
            try:
                await asyncio.wait(both, timeout=start_timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
                if not routing._caught_up.is_set():
                    raise routing._failure or LogUnavailable(f"the log was not read within {start_timeout_seconds:g} s")
                yield routing
            finally:
                for each in both:
                    each.cancel()
                await asyncio.wait(both)

    def look_up(self, phone_number: str) -> Answer:
        """Return who answers `phone_number` (E.164, with the plus sign), by the table as it is now."""
        return self._table.look_up(phone_number)

    def __len__(self) -> int:
        """Return how many numbers belong to somebody."""
        return len(self._table)

    @property
    def table(self) -> RoutingTable:
        """The table itself, to be read only."""
        return self._table

    @property
    def is_from_snapshot(self) -> bool:
        """True if it started from a snapshot; False if it has read the whole log."""
        return self._is_from_snapshot

    @property
    def positions(self) -> Mapping[int, int]:
        """By partition, the offset that is read next: what lies below is in the table."""
        return {} if self._following is None else dict(self._following.next_offsets)

    @property
    def staleness_seconds(self) -> float:
        """How long ago the table was known to be all of the log: what was appended since then may be missing here."""
        return time.monotonic() - self._current_at

    @property
    def failure(self) -> Exception | None:
        """Why the table is not kept current any more: the log is not the one that was read. None: it is kept."""
        return self._failure

    @property
    def callback_failures(self) -> int:
        """How often a callback has raised."""
        return self._callback_failures

    @property
    def blocked_streams(self) -> frozenset[str]:
        """The streams with an event that this version cannot fold; their part of the table stays as it was."""
        return frozenset() if self._following is None else frozenset(self._following.blocked)

    async def _run(self, snapshot: str | None, api_key: str | None) -> None:
        try:
            await self._follow(snapshot, api_key)
        except Exception as error:
            self._failure = error
            reason = f"{type(error).__name__}: {error}"
            log.error("call_routing_failed", reason=reason, exc_info=not isinstance(error, EventLogError))  # noqa: TRY400 - only where it tells more
            if self._on_failure is not None:
                self._call(self._on_failure, error)

    async def _follow(self, snapshot: str | None, api_key: str | None) -> None:
        """Follow the log, whenever it can be had; end by an error if it is not what it was."""
        pause_seconds = RECONNECT_SECONDS[0]
        while True:
            began_at = time.monotonic()
            try:
                if self._following is None:
                    self._following = await self._start(snapshot, api_key)
                    self._table = self._following.table
                await self._read(self._following)
            except (LogUnavailable, TopicMissing) as error:
                if isinstance(error, LogRefused) and self._following is None:
                    raise  # a mistake, which waiting does not mend; later it may be a login that is being renewed
                self._note_absence(str(error))
            if time.monotonic() - began_at > SILENCE_SECONDS:
                pause_seconds = RECONNECT_SECONDS[0]
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * 2, RECONNECT_SECONDS[1])

    async def _start(self, snapshot: str | None, api_key: str | None) -> Following:
        identity = await open_log(self._bootstrap_servers, self._topic)
        if snapshot is not None:
            try:
                following = await fetch_snapshot(snapshot, api_key, identity)
            except SnapshotUnusable as error:
                # The log has everything; reading all of it takes longer.
                log.warning("snapshot_unusable", reason=error.reason)
            else:
                self._is_from_snapshot = True
                return following
        return Following(identity)

    async def _read(self, following: Following) -> None:
        """Read on until the log is away."""
        async with open_reader(
            self._bootstrap_servers, following.identity, following.next_offsets, fingerprints=following.fingerprints
        ) as reader:
            if self._targets is None:
                self._targets = await reader.end_offsets()
            self._note_presence()
            while True:
                await self._note_progress(reader)
                records = await reader.fetch(max_records=BATCH_RECORDS, timeout_seconds=FETCH_SECONDS)
                if records:
                    self._tell(following.take(records))
                    await asyncio.sleep(0)  # what was fetched ahead comes without waiting; others need their turn
                elif reader.seconds_since_contact > SILENCE_SECONDS:
                    raise LogUnavailable(f"the brokers have not answered for {reader.seconds_since_contact:.1f} s")

    async def _note_progress(self, reader: KafkaReader) -> None:
        if await reader.lag_offsets() == 0:
            self._current_at = max(self._current_at, time.monotonic() - reader.seconds_since_contact)
        if not self._caught_up.is_set() and self._targets is not None:
            passed = await reader.passed_offsets()
            if all(passed[partition] >= end for partition, end in self._targets.items()):
                self._caught_up.set()

    def _note_absence(self, reason: str) -> None:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        if now >= self._remark_at:
            self._remark_at = now + REMARK_SECONDS
            log.warning("log_unavailable", reason=reason, staleness_seconds=round(self.staleness_seconds, 1))

    def _note_presence(self) -> None:
        if self._away_since is not None:
            log.info("log_available", after_seconds=round(time.monotonic() - self._away_since, 1))
            self._away_since, self._remark_at = None, 0.0

    def _tell(self, phone_numbers: Iterable[str]) -> None:
        if self._on_change is not None and self._caught_up.is_set():
            for phone_number in phone_numbers:
                self._call(self._on_change, phone_number, self._table.look_up(phone_number))

    def _call(self, callback: Callable[..., None], *facts: object) -> None:
        try:
            callback(*facts)
        except Exception:
            self._callback_failures += 1
            log.exception("callback_failed", failures=self._callback_failures)
