"""Verdicts for the records of this copy, read from what the projections have committed."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import structlog

from patchbay.api.live import LIVE_COLUMNS, LiveGenerations
from patchbay.api.writing.attempts import PendingRecord, reference_to
from patchbay.api.writing.outcomes import Pending, Position, Quarantined
from patchbay.postgres import DATABASE_FAILURES, Pool

_log = structlog.get_logger()

_READ_VERDICTS = f"""
SELECT w.number, e.digest, e.partition, e."offset", h.height, h.stopped_by, r.height AS routing_height,
       q.stream IS NOT NULL AS quarantined, rq.stream IS NOT NULL AS routing_quarantined, {LIVE_COLUMNS}
  FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS w (stream, height, number)
  LEFT JOIN history.events e ON e.stream = w.stream AND e.height = w.height
  LEFT JOIN {{read_model}}.heads h ON h.stream = w.stream
  LEFT JOIN {{read_model}}.quarantine q ON q.stream = w.stream
  LEFT JOIN {{routing}}.heads r ON r.stream = w.stream
  LEFT JOIN {{routing}}.quarantine rq ON rq.stream = w.stream
"""

POLL_SECONDS = 0.025  # a notification is a hint; without one this bounds the wait for a verdict
POLL_LIMIT_SECONDS = 0.5  # while nothing moves, the pause doubles up to here


VerdictRow = Mapping[str, Any]  # the columns of `_READ_VERDICTS`


class ReadsVerdicts(Protocol):
    """What shows how far the projections are (see `VerdictReader`)."""

    async def read(self, records: Sequence[PendingRecord]) -> Sequence[VerdictRow]:
        """Return one row for each record, in any order."""


class VerdictReader:
    """Reads, in one snapshot, what the history holds at the records' heights and which projections have passed them."""

    def __init__(self, pool: Pool, live: LiveGenerations) -> None:
        self._pool = pool
        self._live = live

    async def read(self, records: Sequence[PendingRecord]) -> Sequence[VerdictRow]:
        """Return one row for each record, in any order."""
        streams = [record.sealed.stream for record in records]
        heights = [record.sealed.height for record in records]
        while True:
            rows = await self._pool.fetch(self._live.sql(_READ_VERDICTS), streams, heights)
            if not rows or not self._live.moved(rows[0]["live_read_model"], rows[0]["live_routing"]):
                return rows


class Settler:
    """
    Tells each watched record its verdict once the projections have passed its height.

    A verdict is the digest that the history holds at the record's height, never an offset and never an
    acknowledgement. The write's answer is given when the read model, and where asked the routing table, shows it.
    """

    def __init__(self, reader: ReadsVerdicts) -> None:
        self._reader = reader
        self._watched: dict[PendingRecord, None] = {}
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look now: a projection says it has moved."""
        self._woken.set()

    def watch(self, record: PendingRecord) -> None:
        """Tell this record its verdict."""
        self._watched[record] = None

    @property
    def watched(self) -> int:
        """How many records have no answer yet."""
        return len(self._watched)

    async def run(self) -> None:
        """Settle until cancelled. A database that is away delays verdicts and loses none."""
        pause = POLL_SECONDS
        while True:
            await self._wait(pause)
            self._drop_abandoned()
            if not self._watched:
                continue
            try:
                moved = await self._settle(list(self._watched))
            except DATABASE_FAILURES as error:
                _log.warning("verdicts_delayed", reason=str(error) or type(error).__name__)
                moved = False
            pause = POLL_SECONDS if moved else min(pause * 2, POLL_LIMIT_SECONDS)

    def _drop_abandoned(self) -> None:
        for record in [record for record in self._watched if record.abandoned]:
            del self._watched[record]
            record.release()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds if self._watched else POLL_LIMIT_SECONDS):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    async def _settle(self, records: Sequence[PendingRecord]) -> bool:
        rows = await self._reader.read(records)
        moved = False
        for row in rows:
            record = records[row["number"] - 1]
            if self._tell(record, row):
                self._watched.pop(record, None)
                moved = True
        return moved

    def _tell(self, record: PendingRecord, row: VerdictRow) -> bool:
        """Tell the record what the row says; True if there is nothing more to wait for."""
        if row["digest"] is None:
            return self._tell_stopped(record, row)
        if row["digest"].hex() != record.sealed.digest:
            record.void = True
            record.on_verdict(record)
            return True
        if not record.accepted:
            record.accepted = record.acknowledged = True
            record.position = Position(row["partition"], row["offset"] + 1)
            record.on_verdict(record)
        record.waiting_for = _behind(record, row)
        if not record.waiting_for and record.position is not None:
            record.attempt.conclude(record.written(record.position))
            return True
        if row["quarantined"] or row["routing_quarantined"]:
            record.attempt.conclude(Pending(reference_to(record), record.waiting_for))
            return True
        return False

    def _tell_stopped(self, record: PendingRecord, row: VerdictRow) -> bool:
        """A stream that is stopped below the record accepts nothing but a mend: the record is broken for good."""
        if row["stopped_by"] is None:
            return False
        record.void = True
        record.on_verdict(record)
        record.attempt.conclude(Quarantined(f"stream {record.sealed.stream} is stopped; an operator has to mend it"))
        return True


def _behind(record: PendingRecord, row: VerdictRow) -> tuple[str, ...]:
    behind = []
    if row["quarantined"]:
        behind.append("read_model")
    if record.attempt.write.changes_routing and (
        row["routing_quarantined"] or (row["routing_height"] or 0) < record.sealed.height
    ):
        behind.append("routing")
    return tuple(behind)
