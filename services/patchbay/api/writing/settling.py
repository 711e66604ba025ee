"""Verdicts for the records of this copy, from what the projections have committed."""

import asyncio
from contextlib import suppress

import structlog

from patchbay.api.writing.attempts import PendingRecord, reference_to
from patchbay.api.writing.outcomes import Pending
from patchbay.api.writing.standings import ReadsStandings, Standing
from patchbay.postgres import DATABASE_FAILURES

_log = structlog.get_logger()

POLL_SECONDS = 0.025  # a notification is a hint; without one this bounds the wait for a verdict
POLL_LIMIT_SECONDS = 0.5  # while nothing moves, the pause doubles up to here
WATCHED_RECORDS = 16_384  # beyond this or the next nothing more is written, before memory grows
WATCHED_BYTES = 64_000_000


class _Stream:
    """The records of one stream that wait for a verdict, and those that wait for what their answer depends on."""

    __slots__ = ("accepted", "lowest", "pending")

    def __init__(self, lowest: int) -> None:
        self.lowest = lowest  # no pending record is below this height
        self.pending: dict[PendingRecord, None] = {}
        self.accepted: dict[PendingRecord, None] = {}

    def __bool__(self) -> bool:
        """True if something is to be told."""
        return bool(self.pending or self.accepted)


class Settler:
    """
    Tells each watched record its verdict once the projections have passed its height.

    A verdict is the digest that the history holds at the record's height, never an offset and never an
    acknowledgement. The write's answer is given when the read model, and where asked the routing table, shows it.
    """

    def __init__(self, reader: ReadsStandings) -> None:
        self._reader = reader
        self._streams: dict[str, _Stream] = {}
        self._arrived = asyncio.Event()
        self._woken = asyncio.Event()
        self._pause = POLL_SECONDS
        self._swept_at = 0.0  # loop time
        self._bytes = 0
        self.watched = 0  # how many records have no answer yet

    def wake(self) -> None:
        """Look now: a projection says it has moved."""
        if self._streams:
            self._woken.set()

    def watch(self, record: PendingRecord) -> None:
        """Tell this record its verdict."""
        height = record.sealed.height
        stream = self._streams.get(record.sealed.stream)
        if stream is None:
            stream = self._streams[record.sealed.stream] = _Stream(height)
        stream.lowest = min(stream.lowest, height)
        self._keep(record, stream.pending)
        self._arrived.set()
        if self._pause > POLL_SECONDS:  # another record keeps us waiting; this one need not
            self._pause = POLL_SECONDS
            self._woken.set()

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
                moved = False
            except Exception:  # noqa: BLE001 - what one snapshot holds must not end the telling of all that follow
                _log.exception("verdicts_not_read")
                moved = False
            self._pause = POLL_SECONDS if moved else min(self._pause * 2, POLL_LIMIT_SECONDS)

    async def _wait(self) -> None:
        if not self._streams:
            self._arrived.clear()
            await self._arrived.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause):
                await self._woken.wait()
        self._woken.clear()

    def _sweep(self) -> None:
        """Let go, now and then, what no verdict matters to any more."""
        now = asyncio.get_running_loop().time()
        if now < self._swept_at + POLL_LIMIT_SECONDS:
            return
        self._swept_at = now
        for name, stream in list(self._streams.items()):
            for record in [record for record in stream.pending if record.abandoned]:
                self._drop(record, stream.pending)
                record.release()
            if not stream:
                del self._streams[name]

    async def _settle(self) -> bool:
        lowest = {name: stream.lowest for name, stream in self._streams.items()}
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

    def _tell(self, stream: _Stream, standing: Standing) -> bool:
        """Tell a stream's records what the snapshot shows; True if it was news to one of them."""
        waited = len(stream.pending), len(stream.accepted)
        for record in list(stream.accepted):
            self._drop(record, stream.accepted)
            self._answer(record, stream, standing)
        if standing.height >= stream.lowest or standing.stopped_at is not None:
            for record in list(stream.pending):
                self._tell_verdict(record, stream, standing)
            stream.lowest = min((r.sealed.height for r in stream.pending), default=standing.height + 1)
        return len(stream.pending) < waited[0] or len(stream.accepted) < waited[1]

    def _tell_verdict(self, record: PendingRecord, stream: _Stream, standing: Standing) -> None:
        height = record.sealed.height
        # What came while the answer was on its way may be below all that was asked for: it is told next time.
        winner = standing.accepted.get(height) if height <= standing.height else None
        if winner is not None and winner.digest == record.sealed.digest:
            self._drop(record, stream.pending)
            record.accepted = record.acknowledged = True
            record.position = winner.position
            record.on_verdict(record)
            self._answer(record, stream, standing)
        elif winner is not None or (standing.stopped_at is not None and height > standing.stopped_at):
            # Lost, or broken for good: a stopped stream accepts nothing but a mend.
            self._drop(record, stream.pending)
            record.turn_void()
            record.on_verdict(record)

    def _answer(self, record: PendingRecord, stream: _Stream, standing: Standing) -> None:
        """Answer an accepted record's write, or keep it until what its answer depends on has passed it."""
        attempt = record.attempt
        record.waiting_for = _behind(record, standing)
        if attempt.answered:
            return
        if not record.waiting_for and record.position is not None:
            attempt.conclude(record.written(record.position))
        elif standing.quarantined or standing.routing_quarantined:
            attempt.conclude(Pending(reference_to(record), record.waiting_for))
        else:
            self._keep(record, stream.accepted)

    def _keep(self, record: PendingRecord, records: dict[PendingRecord, None]) -> None:
        records[record] = None
        self.watched += 1
        self._bytes += record.sealed.size_bytes

    def _drop(self, record: PendingRecord, records: dict[PendingRecord, None]) -> None:
        del records[record]
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
