"""The loop of a projection: claim, look back, fetch, project, for ever; whatever goes wrong outside is tried again."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec
import structlog

from patchbay.eventlog import LogIdentity, LogReader, LogUnavailable, Record
from patchbay.postgres import BY_INDEX, DATABASE_FAILURES, Connection, DatabaseRefused, open_connection, why_refused
from patchbay.projection.errors import Fenced, OtherShape
from patchbay.projection.folding import Fold
from patchbay.projection.generations import ProjectionTables, prepare_database, schema_of
from patchbay.projection.opening import open_tenure
from patchbay.projection.ownership import LEASE_SECONDS, HeldByAnother, Ownership, Role, claim, release
from patchbay.projection.progress import Progress
from patchbay.projection.refolding import refold
from patchbay.projection.standing_by import hearing_releases
from patchbay.projection.tenure import OnCommitted, Tenure

log = structlog.get_logger()

E = TypeVar("E")

MAX_BATCH_RECORDS = 500  # some 50 ms of work: bounds what one commit adds to the wait for an answer
# The least time between two commits: who writes alone is never held up by it, and who writes among many shares the
# commit, its wake-up and what follows from it.
PACE_SECONDS = 0.003
# What does not concern the projection at all may wait that long for what does, or for more of its kind: nobody's answer
# depends on it.
PATIENCE_SECONDS = 0.05
LOOK_SECONDS = (0.005, 0.02)  # between looks for it: while there is some, and while there has been none for a second
FETCH_SECONDS = 0.5  # an idle pass; below RENEW_SECONDS
LOOK_AT_END_SECONDS = 1.0
LOOK_AT_END_TIMEOUT_SECONDS = 3.0  # a busy broker may take its time; below the lease
REFOLD_SECONDS = 5.0  # between tries while the history is behind
STAND_BY_SECONDS = LEASE_SECONDS / 5
BACKOFF_SECONDS = (0.1, 2.0)


class OpenReader(Protocol):
    """Opens the log at positions, after a look whether the records before them are still the same."""

    def __call__(
        self, positions: Mapping[int, int], *, fingerprints: Mapping[int, bytes]
    ) -> contextlib.AbstractAsyncContextManager[LogReader]:
        """Return the reader, to be entered; raises LogTruncated, LogRecreated, LogUnavailable at that."""


class Projection(msgspec.Struct, Generic[E], frozen=True):
    """What makes one projection different from another."""

    tables: ProjectionTables
    fold: Callable[[str], Fold[E]]  # given the schema; called at each claim, since memory is true for one tenure only
    writes_history: bool = False  # one projection does
    concerns: Callable[[Record], bool] | None = None  # whether an answer may wait for it; None: for any
    on_committed: OnCommitted | None = None  # is told what the live generation shows, and when that batch began


class Projector(Generic[E]):
    """Projects one log into the live generation of a projection, as long as it may, and into the next one after it."""

    def __init__(
        self,
        projection: Projection[E],
        identity: LogIdentity,
        open_reader: OpenReader,
        *,
        database_url: str,
        instance_id: str,
        progress: Progress,
    ) -> None:
        self._projection = projection
        self._name = projection.tables.projection
        self._identity = identity
        self._open_reader = open_reader
        self._database_url = database_url
        self._instance_id = instance_id
        self._progress = progress
        self._committed_at = 0.0  # monotonic
        self._concerned_at = 0.0  # monotonic; when something last concerned the projection
        self._was_let_in = False  # what is refused from then on is tried again
        self._may_take_own_lease = True  # until another process of the same name takes it from us

    async def run(self, stop: asyncio.Event) -> None:
        """
        Project until `stop` is set; the batch under way is finished, and the lease released.

        A database or a log that is away is waited for, a lease that another instance holds, and a generation of this
        version where another version's is live.

        Raises:
            DatabaseRefused: The database does not let this process in, or not do its work, from the beginning.
            LogTruncated: The log lost records that were projected: a person is needed.
            LogRecreated: The log is another one than was projected: a person is needed.
            PartitionsChanged: The checkpoints do not fit the log: a person is needed.
            Unprojectable: A record cannot be stored: a person is needed.
        """
        pause_seconds, longest_seconds = BACKOFF_SECONDS
        while not stop.is_set():
            began_at = time.monotonic()
            try:
                await self._serve(stop)
            except Fenced as error:
                self._may_take_own_lease = False
                self._hindered("fenced", str(error))
            except OtherShape as error:
                self._hindered("generation_of_another_version", str(error))
            except LogUnavailable as error:
                self._hindered("log_unavailable", str(error))
            except DATABASE_FAILURES as error:
                if not self._was_let_in and (reason := why_refused(error, self._database_url)) is not None:
                    raise DatabaseRefused(reason) from error
                self._hindered("database_unavailable", str(error) or type(error).__name__)
            if time.monotonic() - began_at > longest_seconds:
                pause_seconds = BACKOFF_SECONDS[0]
            await _wait(stop, pause_seconds * random.uniform(0.5, 1.0))  # noqa: S311 - spreads, hides nothing
            pause_seconds = min(pause_seconds * 2, longest_seconds)

    def _hindered(self, event: str, reason: str) -> None:
        self._progress.hindered(f"{event}: {reason}")
        log.warning(event, projection=self._name, reason=reason)

    async def _serve(self, stop: asyncio.Event) -> None:
        """Own the partitions, or stand by until they are free, and project until something fails or `stop` is set."""
        name = f"projection {self._name}"
        async with open_connection(self._database_url, name=name, session=BY_INDEX) as connection:
            generation = await prepare_database(connection, self._projection.tables)
            ownership = await self._await_ownership(connection, generation, stop)
            if ownership is None:
                return
            try:
                await self._own(connection, ownership, stop)
            finally:
                with contextlib.suppress(*DATABASE_FAILURES):
                    await release(connection, ownership)

    async def _await_ownership(self, connection: Connection, generation: int, stop: asyncio.Event) -> Ownership | None:
        schema = schema_of(self._name, generation)
        found = await self._claim(connection, schema, generation)
        if not isinstance(found, Ownership):
            log.info("standing_by", schema=schema, owner=found.owner)
            async with hearing_releases(self._database_url) as releases:
                while not isinstance(found, Ownership):
                    self._progress.stands_by(found.owner)
                    await releases.wait(stop, STAND_BY_SECONDS)
                    if stop.is_set():
                        return None
                    found = await self._claim(connection, schema, generation)
        self._may_take_own_lease = True
        log.info("partitions_claimed", schema=schema, epoch=found.epoch, next_offsets=found.next_offsets)
        return found

    async def _claim(self, connection: Connection, schema: str, generation: int) -> Ownership | HeldByAnother:
        found = await claim(
            connection,
            schema,
            owner=self._instance_id,
            partition_count=self._identity.partition_count,
            also_own_lease=self._may_take_own_lease,
            role=Role(self._name, generation, is_live=True),
        )
        self._was_let_in = True
        return found

    async def _own(self, connection: Connection, ownership: Ownership, stop: asyncio.Event) -> None:
        tenure = await open_tenure(connection, ownership, self._identity, self._projection, is_live=True)
        async with self._open_reader(ownership.next_offsets, fingerprints=ownership.fingerprints) as reader:
            await self._work(tenure, reader, stop)

    async def _work(self, tenure: Tenure[E], reader: LogReader, stop: asyncio.Event) -> None:
        refold_later = await refold(tenure)
        refold_at = look_at = time.monotonic()
        while not stop.is_set():
            records = await self._fetch(reader)
            if records:
                await tenure.project(records)
                self._progress.projected(records)
                self._committed_at = time.monotonic()
            elif tenure.committer.is_renewal_due:
                await tenure.renew()
            now = time.monotonic()
            if now - look_at >= LOOK_AT_END_SECONDS or self._progress.lag_records is None:
                look_at = now
                await self._look_at_end(reader)
            if refold_later and now - refold_at >= REFOLD_SECONDS:
                refold_at = now
                refold_later = await refold(tenure)
            self._progress.passed()

    async def _fetch(self, reader: LogReader) -> Sequence[Record]:
        """Return the next records; under load those of a moment, so that one commit serves many."""
        records = await reader.fetch(max_records=MAX_BATCH_RECORDS, timeout_seconds=FETCH_SECONDS)
        held_seconds = self._committed_at + PACE_SECONDS - time.monotonic()
        if records and held_seconds > 0:
            await asyncio.sleep(held_seconds)
            records = [*records, *await reader.fetch(max_records=MAX_BATCH_RECORDS, timeout_seconds=0)]
        return await self._gather(reader, records, self._projection.concerns) if self._projection.concerns else records

    async def _gather(
        self, reader: LogReader, records: Sequence[Record], concerns: Callable[[Record], bool]
    ) -> Sequence[Record]:
        """Let records that do not concern the projection wait for one that does, or for more of their kind."""
        now = time.monotonic()
        until, new = now + PATIENCE_SECONDS, records
        while records and len(records) < MAX_BATCH_RECORDS and now < until:
            if any(map(concerns, new)):
                self._concerned_at = now
                break
            await asyncio.sleep(LOOK_SECONDS[now - self._concerned_at > 1])
            new = await reader.fetch(max_records=MAX_BATCH_RECORDS, timeout_seconds=0)
            records = [*records, *new]
            now = time.monotonic()
        return records

    async def _look_at_end(self, reader: LogReader) -> None:
        try:
            async with asyncio.timeout(LOOK_AT_END_TIMEOUT_SECONDS):
                ends = await reader.end_offsets()
                passed = await reader.passed_offsets()
        except TimeoutError as error:
            raise LogUnavailable("asking for the end of the log: no answer") from error
        # All that was fetched is projected by now; a partition may end in what is no record.
        self._progress.lags(ends, passed)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
