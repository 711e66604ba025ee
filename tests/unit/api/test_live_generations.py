"""Which generation is live: no statement is believed that was written for one that is not."""

from typing import Any

from patchbay.api.live import Generations, LiveGenerations

_NO_POOL: Any = None  # nothing is asked


def test_of_statements_that_were_under_way_at_a_swap_none_is_believed() -> None:
    """The first that comes back tells of the swap; the others have read the same tables as it has."""
    live = LiveGenerations(_NO_POOL, Generations(read_model=2, routing=1))
    written_for = live.current

    assert [live.moved(written_for, 1, 1) for _ in range(3)] == [True, True, True]
    assert live.current == Generations(read_model=1, routing=1)
    assert not live.moved(live.current, 1, 1)


def test_a_statement_whose_snapshot_was_before_the_swap_is_right_and_moves_nothing_back() -> None:
    live = LiveGenerations(_NO_POOL, Generations(read_model=2, routing=1))
    written_for = live.current
    live.moved(written_for, 1, 1)

    assert not live.moved(written_for, 2, 1)
    assert live.current == Generations(read_model=1, routing=1)
