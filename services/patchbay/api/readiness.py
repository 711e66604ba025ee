"""Whether this copy can do its work: facts gathered in the background, so that asking for them waits for nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic

import structlog

from patchbay.api.reading.reader import Reader, with_pointers
from patchbay.api.writing.writer import CLOCK_SKEW_SECONDS
from patchbay.eventlog import Appender, EventLogError, TopicFault
from patchbay.postgres import DATABASE_FAILURES
from patchbay.process import Health, metrics

LOOK_SECONDS = 1.0
STALE_SECONDS = 4.0  # of the last successful look at the database
TOPIC_LOOK_SECONDS = 60.0
UNOWNED_SECONDS = 30  # a projection that nobody has owned for longer is not just being handed over

LAG_LOOK_SECONDS = 5.0  # between questions where the log ends: a short visit to the brokers

_READ_CHECKPOINTS = with_pointers(
    f"""
    SELECT 'read_model' AS projection, max(lease_until) > clock_timestamp() - interval '{UNOWNED_SECONDS} s' AS owned,
           sum(next_offset)::bigint AS passed
      FROM {{read_model}}.checkpoints
    UNION ALL
    SELECT 'routing', max(lease_until) > clock_timestamp() - interval '{UNOWNED_SECONDS} s', sum(next_offset)::bigint
      FROM {{routing}}.checkpoints
    """
)
_log = structlog.get_logger()

TopicCheck = Callable[[], Awaitable[list[TopicFault]]]
ReadEnds = Callable[[], Awaitable[Mapping[int, int]]]  # where each partition of the log ends


class Watch:
    """Looks at what this copy depends on, and tells what is wrong with it."""

    def __init__(
        self,
        reader: Reader,
        appender: Appender,
        check_topic: TopicCheck,
        read_ends: ReadEnds,
        *,
        most_lag_records: int,
    ) -> None:
        """`most_lag_records`: beyond it this copy is not ready; 0: it is, however far the projections are behind."""
        self._reader = reader
        self._appender = appender
        self._check_topic = check_topic
        self._read_ends = read_ends
        self._most_lag_records = most_lag_records
        self._passed: Mapping[str, int] = {}  # records, by projection
        self._lags: Mapping[str, int] = {}  # records, by projection that is too far behind
        self._database_seen_at = monotonic()
        self._unowned: tuple[str, ...] = ()
        self._topic_faults: tuple[str, ...] = ()

    def report_to(self, health: Health) -> None:
        """Add the checks to what /readyz asks."""
        health.add_readiness("log", self._log_fault)
        health.add_readiness("clock", self._clock_fault)
        health.add_readiness("topic", lambda: "; ".join(self._topic_faults) or None)
        health.add_readiness("database", self._database_fault)
        health.add_readiness("projections", self._projections_fault)
        health.add_readiness("lag", self._lag_fault)

    async def run(self) -> None:
        """Look every second until cancelled."""
        topic_due = lag_due = monotonic()
        while True:
            metrics.clock_skew_seconds.set(-self._appender.clock_skew_seconds)
            await self._look_at_database()
            if monotonic() >= topic_due:
                await self._look_at_topic()
                topic_due = monotonic() + TOPIC_LOOK_SECONDS
            if self._most_lag_records and monotonic() >= lag_due:
                await self._look_at_lag()
                lag_due = monotonic() + LAG_LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)

    async def _look_at_database(self) -> None:
        try:
            rows = await self._reader.fetch(_READ_CHECKPOINTS)
        except DATABASE_FAILURES as error:
            _log.warning("database_unreachable", reason=str(error) or type(error).__name__)
            return
        self._database_seen_at = monotonic()
        self._unowned = tuple(row["projection"] for row in rows if not row["owned"])
        self._passed = {row["projection"]: row["passed"] or 0 for row in rows}

    async def _look_at_lag(self) -> None:
        passed = self._passed  # asked for before the ends: what is passed meanwhile does not count
        try:
            end = sum((await self._read_ends()).values())
        except EventLogError as error:
            _log.warning("end_of_log_not_known", reason=str(error) or type(error).__name__)
            return
        lags = {projection: end - offset for projection, offset in passed.items()}
        self._lags = {projection: lag for projection, lag in lags.items() if lag > self._most_lag_records}

    async def _look_at_topic(self) -> None:
        try:
            faults = await self._check_topic()
        except EventLogError as error:
            _log.warning("topic_unchecked", reason=str(error) or type(error).__name__)
            return
        self._topic_faults = tuple(str(fault) for fault in faults)
        metrics.topic_faults.set(len(faults))
        for fault in self._topic_faults:
            _log.error("topic_unfit", fault=fault)

    def _log_fault(self) -> str | None:
        return None if self._appender.healthy else "the log cannot be appended to"

    def _clock_fault(self) -> str | None:
        skew = self._appender.clock_skew_seconds
        return f"this clock is {skew:.1f} s off the log's" if abs(skew) > CLOCK_SKEW_SECONDS else None

    def _database_fault(self) -> str | None:
        age = monotonic() - self._database_seen_at
        return f"the database has not answered for {age:.0f} s" if age > STALE_SECONDS else None

    def _lag_fault(self) -> str | None:
        return "; ".join(f"{projection} is {lag} records behind" for projection, lag in self._lags.items()) or None

    def _projections_fault(self) -> str | None:
        return f"nobody projects: {', '.join(self._unowned)}" if self._unowned else None
