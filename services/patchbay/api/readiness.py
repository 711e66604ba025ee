"""Whether this copy can do its work: facts gathered in the background, so that asking for them waits for nothing."""

import asyncio
from collections.abc import Awaitable, Callable
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

_READ_LEASES = with_pointers(
    f"""
    SELECT 'read_model' AS projection, max(lease_until) > clock_timestamp() - interval '{UNOWNED_SECONDS} s' AS owned
      FROM {{read_model}}.checkpoints
    UNION ALL
    SELECT 'routing', max(lease_until) > clock_timestamp() - interval '{UNOWNED_SECONDS} s'
      FROM {{routing}}.checkpoints
    """
)
_log = structlog.get_logger()

TopicCheck = Callable[[], Awaitable[list[TopicFault]]]


class Watch:
    """Looks at what this copy depends on, and tells what is wrong with it."""

    def __init__(self, reader: Reader, appender: Appender, check_topic: TopicCheck) -> None:
        self._reader = reader
        self._appender = appender
        self._check_topic = check_topic
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

    async def run(self) -> None:
        """Look every second until cancelled."""
        topic_due = monotonic()
        while True:
            metrics.clock_skew_seconds.set(-self._appender.clock_skew_seconds)
            await self._look_at_database()
            if monotonic() >= topic_due:
                await self._look_at_topic()
                topic_due = monotonic() + TOPIC_LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)

    async def _look_at_database(self) -> None:
        try:
            rows = await self._reader.fetch(_READ_LEASES)
        except DATABASE_FAILURES as error:
            _log.warning("database_unreachable", reason=str(error) or type(error).__name__)
            return
        self._database_seen_at = monotonic()
        self._unowned = tuple(row["projection"] for row in rows if not row["owned"])

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

    def _projections_fault(self) -> str | None:
        return f"nobody projects: {', '.join(self._unowned)}" if self._unowned else None
