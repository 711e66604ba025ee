"""What a projection tells of its progress: health is progress, not that a task is alive."""

import time
from collections.abc import Mapping

from patchbay.process import metrics

MAX_LAG_RECORDS = 20_000  # about two seconds of work
MAX_PASS_AGE_SECONDS = 10.0  # a pass is a batch, or a look at the log that found nothing; it takes 0.5 s at most
MAX_SILENCE_SECONDS = 120.0  # after this only a new start helps


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

    def lags(self, end_offsets: Mapping[int, int], next_offsets: Mapping[int, int]) -> None:
        """The log's ends as just asked for, and the checkpoints."""
        lags = {partition: max(0, end - next_offsets[partition]) for partition, end in end_offsets.items()}
        for partition, lag in lags.items():
            metrics.lag_records.labels(self.projection, str(partition)).set(lag)
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
