"""Verdicts for the records of this copy, from what the projections have committed."""

import asyncio
from collections.abc import Iterable

import structlog

from patchbay.api.writing.attempts import PendingRecord, reference_to
from patchbay.api.writing.outcomes import Pending, Position
from patchbay.api.writing.remembering import Memory
from patchbay.api.writing.rivals import Rivals
from patchbay.api.writing.standings import ReadsStandings, Standing
from patchbay.postgres import DATABASE_FAILURES
from patchbay.process import metrics
from patchbay.projection import Announced

_log = structlog.get_logger()
_ANNOUNCED, _READ = map(metrics.verdicts.labels, ("announced", "read"))
_BY_NOTIFY, _BY_CLOCK = map(metrics.settler_wakes.labels, ("notify", "poll"))

POLL_SECONDS = 0.025  # a notification is a hint; without one this bounds the wait for a verdict
TOLD_POLL_SECONDS = 0.1  # the same while verdicts are announced, and asking is for what is not
POLL_LIMIT_SECONDS = 0.5  # while nothing moves, the pause doubles up to here
WATCHED_RECORDS = 16_384  # beyond this or the next nothing more is written, before memory grows
WATCHED_BYTES = 64_000_000


class _Stream:
    """The records of one stream that wait for a verdict, and those that wait for what their answer depends on."""

    __slots__ = ("accepted", "is_due", "lowest", "pending", "since")

    def __init__(self, lowest: int, now: float) -> None:
        self.lowest = lowest  # no pending record is below this height
        self.since = now  # loop time from which on it has been told nothing
        self.is_due = False  # there is a reason to look
        self.pending: dict[str, PendingRecord] = {}  # both by digest
        self.accepted: dict[str, PendingRecord] = {}

    def __bool__(self) -> bool:
        """True if something is to be told."""
        return bool(self.pending or self.accepted)


class Settler:
    """
    Tells each watched record its verdict once the projections have passed its height.

    A verdict is the digest that the history holds at the record's height, read there or announced with the commit
    that put it there; never an offset and never an acknowledgement. The write's answer is given when the read model,
    and where asked the routing table, shows it.
    """

    def __init__(self, reader: ReadsStandings, memory: Memory | None = None) -> None:
        self._reader = reader
        self._memory = Memory() if memory is None else memory
        self.rivals = Rivals()  # what is heard of them
        self._streams: dict[str, _Stream] = {}
        self._arrived = asyncio.Event()
        self._woken = asyncio.Event()
        self._pause = POLL_SECONDS
        self._swept_at = 0.0  # loop time
        self._bytes = 0
        self.is_told = False  # verdicts are announced: a moved projection is no reason to ask
        self._awaiting_routing = 0  # how many accepted records do
        self.watched = 0  # how many records have no answer yet

    def wake(self, payload: str = "") -> None:
        """Look now, if that may tell something: a projection says, by its payload's first word, that it has moved."""
        is_news = self._awaiting_routing if payload.startswith("routing") else not (payload and self.is_told)
        if is_news and self._streams:
            _BY_NOTIFY.inc()
            self._woken.set()

    def hear(self, announced: Iterable[Announced]) -> None:
        """Tell accepted records their verdict without asking, and forget what others have changed."""
        told: dict[str, _Stream] = {}
        now = asyncio.get_running_loop().time()
        for event in announced:
            stream = self._streams.get(event.stream)
            record = None if stream is None else stream.pending.get(event.digest)
            if stream is None or record is None:
                self._memory.forget(event.stream, unless=event.digest)
                self.rivals.wrote(event.stream, now, event.offset + 1)
                if stream is not None:  # somebody else's: a record of this copy may have lost
                    stream.is_due = True
                    self._woken.set()
                continue
            told[event.stream] = stream
            _ANNOUNCED.inc()
            try:
                self._accept(record, stream, Position(event.partition, event.offset + 1))
                self._answer_shown(record, stream)
            except Exception:  # noqa: BLE001 - one stream's trouble must not keep verdicts from the others
                _log.exception("verdict_not_told", stream=event.stream)
        for name, stream in told.items():
            stream.since = now
            stream.lowest = min((r.sealed.height for r in stream.pending.values()), default=stream.lowest)
            if not stream:
                del self._streams[name]

    def watch(self, record: PendingRecord) -> None:
        """Tell this record its verdict."""
        height = record.sealed.height
        stream = self._streams.get(record.sealed.stream)
        if stream is None:
            now = asyncio.get_running_loop().time()
            stream = self._streams[record.sealed.stream] = _Stream(height, now)
        stream.lowest = min(stream.lowest, height)
        self._keep(record, stream.pending)
        self._arrived.set()
        if self._pause > self._poll_seconds:  # another record keeps us waiting; this one need not
            self._pause = self._poll_seconds
            self._woken.set()

    @property
    def _poll_seconds(self) -> float:
        return TOLD_POLL_SECONDS if self.is_told else POLL_SECONDS

    @property
    def is_full(self) -> bool:
        """True if so much waits for its verdict that nothing more may be written."""
        return self.watched >= WATCHED_RECORDS or self._bytes >= WATCHED_BYTES

    async def run(self) -> None:
        """Settle until cancelled. A database that is away delays verdicts and loses none."""
        while True:
            await self._wait()
            self._sweep()
            try:
                moved = await self._settle()
            except DATABASE_FAILURES as error:
                _log.warning("verdicts_delayed", reason=str(error) or type(error).__name__)
                moved = self.is_told = False  # until somebody is heard again, nothing is to be decided unseen
                self._memory.hear(hears=False)
            except Exception:  # noqa: BLE001 - what one snapshot holds must not end the telling of all that follow
                _log.exception("verdicts_not_read")
                moved = False
            self._pause = self._poll_seconds if moved or self.is_told else min(self._pause * 2, POLL_LIMIT_SECONDS)

    async def _wait(self) -> None:
        if not self._streams:
            self._arrived.clear()
            await self._arrived.wait()
        try:
            async with asyncio.timeout(self._pause):
                await self._woken.wait()
        except TimeoutError:
            _BY_CLOCK.inc()
        self._woken.clear()

    def _sweep(self) -> None:
        """Let go, now and then, what no verdict matters to any more."""
        now = asyncio.get_running_loop().time()
        if now < self._swept_at + POLL_LIMIT_SECONDS:
            return
        self._swept_at = now
        for name, stream in list(self._streams.items()):
            for record in [record for record in stream.pending.values() if record.abandoned]:
                self._drop(record, stream.pending)
                record.release()
            if not stream:
                del self._streams[name]

    async def _settle(self) -> bool:
        lowest = {name: stream.lowest for name, stream in self._streams.items() if self._is_due(stream)}
        if not lowest:
            return False
        moved = False
        for name, standing in (await self._reader.read(lowest)).items():
            stream = self._streams.get(name)
            if stream is None:
                continue
            try:
                moved |= self._tell(stream, standing)
            except Exception:  # noqa: BLE001 - one stream's trouble must not keep verdicts from the others
                _log.exception("verdict_not_told", stream=name)
            if not stream:
                del self._streams[name]
        return moved

    def _is_due(self, stream: _Stream) -> bool:
        if not self.is_told or stream.accepted or stream.is_due:
            return True
        return asyncio.get_running_loop().time() - stream.since >= TOLD_POLL_SECONDS

    def _tell(self, stream: _Stream, standing: Standing) -> bool:
        """Tell a stream's records what the snapshot shows; True if it was news to one of them."""
        stream.is_due = False
        stream.since = asyncio.get_running_loop().time()
        waited = len(stream.pending), len(stream.accepted)
        for record in list(stream.accepted.values()):
            self._drop(record, stream.accepted)
            self._awaiting_routing -= 1
            self._answer(record, stream, standing)
        if standing.height >= stream.lowest or standing.stopped_at is not None:
            for record in list(stream.pending.values()):
                self._tell_verdict(record, stream, standing)
            stream.lowest = min((r.sealed.height for r in stream.pending.values()), default=standing.height + 1)
        return len(stream.pending) < waited[0] or len(stream.accepted) < waited[1]

    def _tell_verdict(self, record: PendingRecord, stream: _Stream, standing: Standing) -> None:
        height = record.sealed.height
        # What came while the answer was on its way may be below all that was asked for: it is told next time.
        winner = standing.accepted.get(height) if height <= standing.height else None
        if winner is not None and winner.digest == record.sealed.digest:
            _READ.inc()
            self._accept(record, stream, winner.position)
            self._answer(record, stream, standing)
        elif winner is not None or (standing.stopped_at is not None and height > standing.stopped_at):
            # Lost, or broken for good: a stopped stream accepts nothing but a mend.
            _READ.inc()
            self._drop(record, stream.pending)
            record.turn_void()
            record.on_verdict(record)

    def _accept(self, record: PendingRecord, stream: _Stream, position: Position) -> None:
        self._drop(record, stream.pending)
        record.accepted = record.acknowledged = True
        record.position = position
        record.on_verdict(record)

    def _answer_shown(self, record: PendingRecord, stream: _Stream) -> None:
        """Answer the write of a record that the read model shows, unless it waits for the routing table too."""
        attempt = record.attempt
        if attempt.write.changes_routing:
            record.waiting_for = ("routing",)
            if not attempt.answered:
                self._await_routing(record, stream)
                self._woken.set()
        elif record.position is not None:
            record.answer(record.position)

    def _answer(self, record: PendingRecord, stream: _Stream, standing: Standing) -> None:
        """Answer an accepted record's write, or keep it until what its answer depends on has passed it."""
        attempt = record.attempt
        record.waiting_for = _behind(record, standing)
        if attempt.answered:
            return
        if not record.waiting_for and record.position is not None:
            record.answer(record.position)
        elif standing.quarantined or standing.routing_quarantined:
            self._memory.forget(record.sealed.stream)
            attempt.conclude(Pending(reference_to(record), record.waiting_for))
        else:
            self._await_routing(record, stream)

    def _await_routing(self, record: PendingRecord, stream: _Stream) -> None:
        self._keep(record, stream.accepted)
        self._awaiting_routing += 1

    def _keep(self, record: PendingRecord, records: dict[str, PendingRecord]) -> None:
        records[record.sealed.digest] = record
        self.watched += 1
        self._bytes += record.sealed.size_bytes

    def _drop(self, record: PendingRecord, records: dict[str, PendingRecord]) -> None:
        del records[record.sealed.digest]
        self.watched -= 1
        self._bytes -= record.sealed.size_bytes


def _behind(record: PendingRecord, standing: Standing) -> tuple[str, ...]:
    behind = []
    if standing.quarantined:
        behind.append("read_model")
    if record.attempt.write.changes_routing and (
        standing.routing_quarantined or standing.routing_height < record.sealed.height
    ):
        behind.append("routing")
    return tuple(behind)
