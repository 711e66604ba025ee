"""Whatever goes wrong, every answer is true: many seeds of races, faults, pauses and repetitions."""

import pytest
import structlog
from tests.simulation.writing import Simulation
from tests.unit.api.writing.virtual_time import run


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_whatever_goes_wrong_every_answer_is_true(first: int) -> None:
    """Written = once in the log, as folded; a definite failure = never in it; nothing broken, nothing left behind."""
    with structlog.testing.capture_logs():
        for seed in range(first, first + 10):
            simulation = Simulation(seed)
            try:
                run(simulation.run())
            except BaseException as failure:
                failure.add_note(f"seed {seed}")
                raise
