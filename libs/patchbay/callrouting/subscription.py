"""The routing table that follows the log: for telephony routers, with Kafka alone."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Self

import structlog

from patchbay.callrouting.facts import read_fact
from patchbay.callrouting.table import Answer, RoutingTable
from patchbay.eventlog import (
    Envelope,
    EventLogError,
    Foreign,
    Head,
    KafkaReader,
    LogIdentity,
    LogUnavailable,
    Record,
    TopicMissing,
    Verdict,
    advance,
    fingerprint,
    judge,
    open_log,
    open_reader,
    read_envelope,
)

log = structlog.get_logger()

MAX_BATCH_RECORDS = 2_000
FETCH_SECONDS = 0.5
RECONNECT_SECONDS = (0.1, 5.0)  # first and longest pause

OnChange = Callable[[str, Answer], None]


class CallRouting:
    """
    The whole routing table in memory, kept current from the log itself; every chain is verified on the way.

    While the log is away, and after it turned out to be damaged, the last known table goes on to answer;
    `staleness_seconds` tells.
    """

    def __init__(self, bootstrap_servers: str, topic: str, on_change: OnChange | None) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._topic = topic
        self._on_change = on_change
        self._table = RoutingTable()
        self._heads: dict[str, Head] = {}
        self._blocked: set[str] = set()
        self._next_offsets: dict[int, int] = {}
        self._fingerprints: dict[int, bytes] = {}
        self._targets: dict[int, int] | None = None  # the log's ends at the start
        self._caught_up = asyncio.Event()
        self._contact_at = time.monotonic()
        self._failure: EventLogError | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def subscribe(
        cls,
        *,
        bootstrap_servers: str,
        topic: str = "patchbay.events",
        on_change: OnChange | None = None,
        start_timeout_seconds: float = 60.0,
    ) -> AsyncIterator[Self]:
        """
        Follow the log; the body begins when the table holds all that was in the log at the start.

        Args:
            bootstrap_servers: `host:port`, several with commas between.
            topic: The log's.
            on_change: Called with a number (E.164) and its new answer, in the loop's thread, after the start; must not
                raise.
            start_timeout_seconds: The bound on reading the log once.

        Raises:
            LogUnavailable: The log could not be read once within the bound.
            NotALog, LogMismatch: The topic is not a log of Patchbay.
        """
        routing = cls(bootstrap_servers, topic, on_change)
        task = asyncio.create_task(routing._follow(), name="call routing")
        caught_up = asyncio.create_task(routing._caught_up.wait())
        try:
            await asyncio.wait([task, caught_up], timeout=start_timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
            if not routing._caught_up.is_set():
                raise routing._failure or LogUnavailable(f"the log was not read within {start_timeout_seconds:g} s")
            yield routing
        finally:
            for each in (task, caught_up):
                each.cancel()
            await asyncio.wait([task, caught_up])

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
    def staleness_seconds(self) -> float:
        """How long ago the log's brokers last answered: what was appended since then may be missing here."""
        return time.monotonic() - self._contact_at

    @property
    def failure(self) -> EventLogError | None:
        """Why the table is not kept current any more: the log is not the one that was read. None: it is kept."""
        return self._failure

    @property
    def blocked_streams(self) -> frozenset[str]:
        """The streams with an event that this version cannot fold; their part of the table stays as it was."""
        return frozenset(self._blocked)

    async def _follow(self) -> None:
        pause_seconds, longest_seconds = RECONNECT_SECONDS
        identity: LogIdentity | None = None
        while True:
            began_at = time.monotonic()
            try:
                identity = identity or await open_log(self._bootstrap_servers, self._topic)
                await self._read(identity)
            except (LogUnavailable, TopicMissing) as error:
                log.warning("log_unavailable", reason=str(error))
            except EventLogError as error:
                # The table goes on to answer; what follows in this log would not follow from it.
                self._failure = error
                log.error("log_changed", reason=str(error))  # noqa: TRY400 - the error says it all
                return
            if time.monotonic() - began_at > longest_seconds:
                pause_seconds = RECONNECT_SECONDS[0]
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * 2, longest_seconds)

    async def _read(self, identity: LogIdentity) -> None:
        """Read on until the log is away."""
        positions = {partition: self._next_offsets.get(partition, 0) for partition in range(identity.partition_count)}
        async with open_reader(self._bootstrap_servers, identity, positions, fingerprints=self._fingerprints) as reader:
            if self._targets is None:
                self._targets = dict(await reader.end_offsets())
            while True:
                self._note_contact(reader)
                self._note_catching_up()
                records = await reader.fetch(max_records=MAX_BATCH_RECORDS, timeout_seconds=FETCH_SECONDS)
                self._take(records, identity)

    def _note_contact(self, reader: KafkaReader) -> None:
        self._contact_at = time.monotonic() - reader.seconds_since_contact

    def _note_catching_up(self) -> None:
        if not self._caught_up.is_set() and self._targets is not None:
            ends = self._targets.items()
            if all(self._next_offsets.get(partition, 0) >= end for partition, end in ends):
                self._caught_up.set()

    def _take(self, records: Sequence[Record], identity: LogIdentity) -> None:
        for record in records:
            read = read_envelope(record, identity)
            if isinstance(read, Foreign):
                continue
            head = self._heads.get(read.stream) or Head.genesis(identity.log_id)
            verdict = judge(read, head)
            if verdict is not Verdict.VOID:
                self._heads[read.stream] = advance(head, read, verdict)
            if verdict is Verdict.ACCEPTED and read.stream not in self._blocked:
                self._fold(read)
            elif verdict is Verdict.BROKEN and head.stopped_by is None:
                log.error("stream_stopped", stream=read.stream, height=read.height, digest=read.digest)
        # By partition the last one; the fingerprint shows at a new connection whether the log is still the same.
        for partition, record in {record.partition: record for record in records}.items():
            self._next_offsets[partition] = record.offset + 1
            self._fingerprints[partition] = fingerprint(record)

    def _fold(self, envelope: Envelope) -> None:
        try:
            fact = read_fact(envelope)
            changed = self._table.apply(fact) if fact is not None else ()
        except Exception as error:  # noqa: BLE001 - the stream is blocked, with the reason
            self._blocked.add(envelope.stream)
            # Without a traceback, which would show the event.
            reason = f"{type(error).__name__}: {error}"
            log.error("stream_blocked", stream=envelope.stream, height=envelope.height, reason=reason)  # noqa: TRY400
            return
        if self._on_change is not None and self._caught_up.is_set():
            for phone_number in changed:
                self._on_change(phone_number, self._table.look_up(phone_number))
