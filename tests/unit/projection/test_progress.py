"""Readiness is progress: owning the partitions, near the log's end, a pass lately."""

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
