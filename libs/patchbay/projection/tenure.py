"""What one owner of the partitions does with each batch, from verdicts to the commit."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

import structlog

from patchbay.eventlog import Foreign, LogIdentity, Record, Verdict, read_envelope
from patchbay.eventlog.manifest import is_manifest
from patchbay.postgres import Connection
from patchbay.process import metrics
from patchbay.projection.announcing import announcements_of
from patchbay.projection.committing import BESIDE_CHANNEL, CHANNEL, ROW_FAULTS, Committer
from patchbay.projection.errors import Unprojectable
from patchbay.projection.folding import Fold, Folded, Suspect, fold_arrivals
from patchbay.projection.heads import Heads, change_of_heads
from patchbay.projection.history import INSERT_HISTORY, history_row
from patchbay.projection.judging import Arrival, Judged, Read, judge_records
from patchbay.projection.ownership import Ownership
from patchbay.projection.quarantine import change_of_suspects, tell_quarantine
from patchbay.projection.statement import Change, change_of_rows

log = structlog.get_logger()

E = TypeVar("E")

OnCommitted = Callable[[Sequence[Arrival], float], None]  # the accepted events; since when, in seconds since 1970


class Tenure(Generic[E]):
    """
    One stretch of ownership. Whatever it keeps in memory is true as long as its commits succeed.

    After any exception it must be thrown away, and the partitions claimed again.
    """

    def __init__(
        self,
        connection: Connection,
        ownership: Ownership,
        identity: LogIdentity,
        fold: Fold[E],
        *,
        projection: str,
        writes_history: bool,
        blocked: dict[str, Suspect],
        is_live: bool = True,
        on_committed: OnCommitted | None = None,
    ) -> None:
        self.connection = connection
        self.ownership = ownership
        self.identity = identity
        self.fold = fold
        self.projection = projection
        self.blocked = blocked  # the quarantined streams, by stream
        self.committer = Committer(connection, ownership, projection, channel=CHANNEL if is_live else BESIDE_CHANNEL)
        self._on_committed = on_committed
        self._begun_at = 0.0  # the batch under way; seconds since 1970
        self._heads = Heads(ownership.schema, identity.log_id)
        # A generation beside the live one writes and tells nothing that anybody else relies on.
        self._writes_history = self._announces = writes_history and is_live

    async def project(self, records: Sequence[Record]) -> None:
        """
        Project the records that follow the checkpoints, all of them or, if this raises, some first part.

        Raises:
            Fenced: Somebody else owns the partitions.
            Unprojectable: A record cannot be stored even without its rows.
            DATABASE_FAILURES: The database is away, or slow; what was committed, only its checkpoints tell.
        """
        begun_at, self._begun_at = time.perf_counter(), time.time()
        await self._project(records)
        seconds = time.perf_counter() - begun_at
        metrics.batch_seconds.labels(self.projection).observe(seconds)
        metrics.batch_records.labels(self.projection).observe(len(records))
        log.debug("batch_projected", projection=self.projection, records=len(records), seconds=round(seconds, 6))

    async def renew(self) -> None:
        """
        Renew the lease with nothing to commit.

        Raises:
            Fenced: Somebody else owns the partitions.
            DATABASE_FAILURES: The database is away, or slow.
        """
        await self.committer.commit((), ())

    async def _project(self, records: Sequence[Record]) -> None:
        reads: list[Read] = [(record, read_envelope(record, self.identity)) for record in records]
        streams = {read.stream for _, read in reads if not isinstance(read, Foreign)}
        judged = judge_records(reads, await self._heads.of(self.connection, streams))
        folded = await fold_arrivals(self.fold, self.connection, judged.accepted, self.blocked)
        try:
            await self._commit(records, judged, folded)
        except ROW_FAULTS as error:
            await self._isolate(records, judged, error)
        else:
            self._count(judged)

    async def _isolate(self, records: Sequence[Record], judged: Judged, fault: Exception) -> None:
        """Find the record whose row cannot be stored by halving the batch; its stream is quarantined."""
        if len(records) > 1:
            middle = len(records) // 2
            await self._project(records[:middle])
            await self._project(records[middle:])
            return
        record = records[0]
        # The first line only: the others quote the row, which may hold what no log should.
        reason = f"{type(fault).__name__}: {fault}".partition("\n")[0]
        suspects = [
            Suspect(arrival.envelope.stream, arrival.envelope.height, reason)
            for arrival in judged.accepted
            if arrival.envelope.stream not in self.blocked
        ]
        if not suspects:
            raise Unprojectable(record.partition, record.offset, reason) from fault
        log.error(
            "stream_quarantined",
            stream=suspects[0].stream,
            height=suspects[0].from_height,
            partition=record.partition,
            offset=record.offset,
            reason=suspects[0].reason,
        )
        try:
            await self._commit(records, judged, Folded(self.fold.draft(), suspects))
        except ROW_FAULTS as error:
            raise Unprojectable(record.partition, record.offset, str(error)) from error
        self._count(judged)

    async def _commit(self, records: Sequence[Record], judged: Judged, folded: Folded[E]) -> None:
        changes: list[Change] = []
        if judged.heads:
            changes.append(change_of_heads(judged.heads))
        if judged.accepted and self._writes_history:
            rows = [history_row(a.envelope, a.partition, a.offset) for a in judged.accepted]
            changes.append(change_of_rows(INSERT_HISTORY, rows))
        changes += folded.draft.changes()
        if folded.suspects:
            changes.append(change_of_suspects(folded.suspects))
        announced = announcements_of(self.ownership.schema, self._visible(judged, folded)) if self._announces else ()
        await self.committer.commit(records, changes, announced)
        self._heads.keep(judged.heads)
        folded.draft.keep()
        if folded.suspects:
            self.blocked.update({suspect.stream: suspect for suspect in folded.suspects})
            await tell_quarantine(self.connection, self.ownership.schema, self.projection, len(self.blocked))

    def _visible(self, judged: Judged, folded: Folded[E]) -> Iterable[Arrival]:
        """Return the accepted events whose rows readers see with this commit: not those of quarantined streams."""
        if not self.blocked and not folded.suspects:
            return judged.accepted
        hidden = {**self.blocked, **{suspect.stream: suspect for suspect in folded.suspects}}
        return [arrival for arrival in judged.accepted if arrival.envelope.stream not in hidden]

    def _count(self, judged: Judged) -> None:
        if self._on_committed is not None:
            self._on_committed(judged.accepted, self._begun_at)
        for verdict, count in judged.counts.items():
            if verdict is not Verdict.FOREIGN:
                metrics.records_read.labels(self.projection, verdict.value).inc(count)
        for record, foreign in judged.foreign:
            self._count_foreign(record, foreign)
        for arrival in judged.stopping:
            metrics.streams_stopped.labels(self.projection).inc()
            log.error(
                "stream_stopped",
                projection=self.projection,
                stream=arrival.envelope.stream,
                height=arrival.envelope.height,
                digest=arrival.envelope.digest,
                partition=arrival.partition,
                offset=arrival.offset,
                reason="its writer knew an event that this log does not have",
            )
        for arrival in judged.mending:
            metrics.streams_stopped.labels(self.projection).dec()
            log.info(
                "stream_mended",
                projection=self.projection,
                stream=arrival.envelope.stream,
                height=arrival.envelope.height,
            )

    def _count_foreign(self, record: Record, foreign: Foreign) -> None:
        """Count a record that is no event: a stranger's, which is an alarm, or a manifest, which is none."""
        place = {"projection": self.projection, "partition": record.partition, "offset": record.offset}
        if is_manifest(record, self.identity.partition_count):
            metrics.records_read.labels(self.projection, "manifest").inc()
            if record.offset:
                log.info("manifest_repeated", **place, reason="several processes have begun the log at once")
        else:
            metrics.records_read.labels(self.projection, Verdict.FOREIGN.value).inc()
            log.warning("record_foreign", **place, reason=foreign.reason, detail=foreign.detail)
