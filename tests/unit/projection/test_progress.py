"""Readiness is progress: owning the partitions, near the log's end, a pass lately."""

import time

from patchbay.eventlog.record import StoredRecord
from patchbay.process import metrics
from patchbay.projection import Progress


def test_a_projection_that_has_not_begun_is_not_ready_but_alive() -> None:
    progress = Progress("read_model")

    assert progress.readiness_fault() == "it has not started"
    assert progress.liveness_fault() is None


def test_a_pass_near_the_end_of_the_log_makes_it_ready() -> None:
    progress = Progress("read_model")
    progress.lags({0: 10, 1: 7}, {0: 10, 1: 5})
    progress.passed()

    assert progress.readiness_fault() is None
    assert progress.lag_records == 2


def test_far_behind_is_not_ready() -> None:
    progress = Progress("read_model")
    progress.lags({0: 1_000_000}, {0: 10})
    progress.passed()

    assert progress.readiness_fault() == "it is 999990 records behind"


def test_what_hinders_it_is_what_readiness_says_until_the_next_pass() -> None:
    progress = Progress("read_model")
    progress.lags({0: 1}, {0: 1})
    progress.passed()
    progress.hindered("stand-by: other owns the partitions")

    assert progress.readiness_fault() == "stand-by: other owns the partitions"
    assert progress.liveness_fault() is None


def lag_seconds(partition: int) -> float | None:
    return metrics.REGISTRY.get_sample_value(
        "patchbay_lag_seconds", {"projection": "lags", "partition": str(partition)}
    )


def test_the_lag_in_seconds_is_since_the_last_record_that_is_projected() -> None:
    """At the end it is 0; behind it, what is missing was appended after what is there, or after the last end."""
    progress = Progress("lags")
    now_ms = int(time.time() * 1000)
    progress.projected([StoredRecord(1, 6, now_ms - 90_000, None, None, ())])
    progress.lags({0: 10, 1: 9}, {0: 10, 1: 7})

    assert lag_seconds(0) == 0
    assert 90 <= (lag_seconds(1) or 0) < 150

    progress.lags({0: 11, 1: 9}, {0: 10, 1: 9})
    assert 0 < (lag_seconds(0) or 0) < 60, "since it was at the end"
    assert lag_seconds(1) == 0


def test_who_stands_by_tells_no_lag() -> None:
    """Else the highest of both copies would stay what it was when this one lost its partitions."""
    progress = Progress("lags")
    progress.lags({0: 10}, {0: 3})
    progress.stands_by("other")

    assert lag_seconds(0) is None
    assert progress.readiness_fault() == "stand-by: other owns the partitions"
