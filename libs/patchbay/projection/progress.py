"""What a projection tells of its progress: health is progress, not that a task is alive."""

import time
from collections.abc import Mapping, Sequence
from functools import partial

from patchbay.eventlog import Record
from patchbay.process import metrics

MAX_LAG_RECORDS = 20_000  # about two seconds of work
MAX_PASS_AGE_SECONDS = 10.0  # a pass is a batch, or a look at the log that found nothing; it takes 0.5 s at most
MAX_SILENCE_SECONDS = 120.0  # after this only a new start helps
MAX_LOOK_AGE_SECONDS = 5.0  # after this nobody knows whether there is nothing to project


class Progress:
    """
    The facts behind readiness and metrics, kept by the loop and read by whoever asks.

    A stand-by (another instance owns the partitions) is alive and not ready: whoever waits for readiness wants to know
    that this process projects.
    """

    def __init__(self, projection: str) -> None:
        self.projection = projection
        self.lag_records: int | None = None  # None: not known yet
        self._trouble: str | None = "it has not started"
        self._passed_at = self._sign_of_life_at = time.monotonic()
        self._lags = _Lags(projection)
        metrics.quarantined_since.labels(projection).set(0)
        metrics.streams_quarantined.labels(projection).set(0)
        metrics.streams_stopped.labels(projection).set(0)

    def passed(self) -> None:
        """A pass of the loop is complete."""
        self._trouble = None
        metrics.last_pass_timestamp.labels(self.projection).set_to_current_time()
        self._passed_at = self._sign_of_life_at = time.monotonic()

    def hindered(self, reason: str) -> None:
        """The loop tries, but does not get on."""
        self._trouble = reason
        self.lag_records = None
        self._sign_of_life_at = time.monotonic()

    def stands_by(self, owner: str) -> None:
        """Another instance owns the partitions: it tells of the lag, and this one knows nothing of it."""
        self.hindered(f"stand-by: {owner} owns the partitions")
        self._lags.forget()

    def projected(self, records: Sequence[Record]) -> None:
        """These records are committed; those of a partition in order."""
        self._lags.projected_until.update({record.partition: record.timestamp / 1000 for record in records})

    def lags(self, end_offsets: Mapping[int, int], passed_offsets: Mapping[int, int]) -> None:
        """The log's ends as just asked for, and what has been projected."""
        lags = {partition: max(0, end - passed_offsets[partition]) for partition, end in end_offsets.items()}
        self._lags.see(lags)
        self.lag_records = sum(lags.values())

    def readiness_fault(self) -> str | None:
        """Return why this projection is not ready, None if it is."""
        if self._trouble is not None:
            return self._trouble
        age_seconds = time.monotonic() - self._passed_at
        if age_seconds > MAX_PASS_AGE_SECONDS:
            return f"the last batch was {age_seconds:.0f} s ago"
        if self.lag_records is None or self.lag_records > MAX_LAG_RECORDS:
            return (
                f"it is {self.lag_records if self.lag_records is not None else 'an unknown number of'} records behind"
            )
        return None

    def liveness_fault(self) -> str | None:
        """Return why this process should be started anew, None if it need not."""
        silence_seconds = time.monotonic() - self._sign_of_life_at
        return f"no sign of life for {silence_seconds:.0f} s" if silence_seconds > MAX_SILENCE_SECONDS else None


class _Lags:
    """How far the projection is behind, by partition: what was seen last, and what that means when it is asked for."""

    def __init__(self, projection: str) -> None:
        self.projected_until: dict[int, float] = {}  # append time of the last record that is; seconds since 1970
        self._projection = projection
        self._seen: dict[int, int] = {}  # lag in records
        self._seen_at = 0.0  # seconds since 1970

    def see(self, lags: Mapping[int, int]) -> None:
        """Take the lags as they are now."""
        self._seen_at = time.time()
        for partition, lag in lags.items():
            metrics.lag_records.labels(self._projection, str(partition)).set(lag)
            if partition not in self._seen:
                seconds = metrics.lag_seconds.labels(self._projection, str(partition))
                seconds.set_function(partial(self._seconds, partition))
            if lag == 0:
                self.projected_until[partition] = self._seen_at
            self._seen[partition] = lag

    def forget(self) -> None:
        """Tell nothing any more."""
        for partition in self._seen:
            metrics.lag_records.remove(self._projection, str(partition))
            metrics.lag_seconds.remove(self._projection, str(partition))
        self._seen.clear()
        self.projected_until.clear()

    def _seconds(self, partition: int) -> float:
        now = time.time()
        if self._seen.get(partition) == 0 and now - self._seen_at < MAX_LOOK_AGE_SECONDS:
            return 0.0
        # What is not projected was appended after what is; where nothing is known of that, after the first look.
        return max(0.0, now - self.projected_until.get(partition, self._seen_at))
