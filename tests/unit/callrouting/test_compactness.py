"""A million numbers are held in little memory, and none of it is for the garbage collector to walk through."""

import gc
import logging
import tracemalloc

from patchbay.assistants.events import AssignedNumber
from patchbay.callrouting import InboundSwitched, NumberOwned, NumbersHeld, RoutingTable
from patchbay.callrouting.heads import Heads
from patchbay.callrouting.quieting import OncePerMinute
from patchbay.eventlog import Head

NUMBERS = 20_000
BYTES_PER_NUMBER = 500


def test_a_number_takes_half_a_kilobyte_with_the_head_of_its_stream() -> None:
    gc.collect()
    tracemalloc.start()
    try:
        table, heads = RoutingTable(), Heads("ab" * 32)
        for first in range(0, NUMBERS, 20):
            account, assistant = f"acct_{first // 100:026d}", f"asst_{first:026d}"
            ids = [f"pn_{number:026d}" for number in range(first, first + 20)]
            for number, number_id in enumerate(ids, first):
                table.apply(NumberOwned(number_id, f"+1555{number:07d}", account, 1))
                heads.put(table.name_of(number_id), Head(1, f"{number:064x}"))
            table.apply(
                NumbersHeld(account, assistant, tuple(AssignedNumber(number_id=one, registration=1) for one in ids))
            )
            table.apply(InboundSwitched(account, assistant, is_enabled=True))
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert used / NUMBERS <= BYTES_PER_NUMBER
    assert len(table) == NUMBERS
    assert not any(gc.is_tracked(one) for one in (table._answers, table._numbers, heads._packed))


def test_a_remark_that_is_repeated_is_passed_once() -> None:
    quiet = OncePerMinute()

    def remark(message: str) -> bool:
        return quiet.filter(logging.LogRecord("aiokafka", logging.WARNING, "", 0, message, (1,), None))

    assert [remark("Unable to connect to node %s"), remark("Unable to connect to node %s"), remark("else")] == [
        True,
        False,
        True,
    ]
    assert quiet.suppressed == 1
