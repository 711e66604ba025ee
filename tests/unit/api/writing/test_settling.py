"""When a record is told what became of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from tests.unit.api.writing.chains import ROOT, chain
from tests.unit.api.writing.virtual_time import in_virtual_time
from tests.unit.api.writing.world import turns

from patchbay.api.writing.attempts import PendingRecord
from patchbay.api.writing.outcomes import Pending, Position
from patchbay.api.writing.settling import Settler
from patchbay.api.writing.standings import Accepted, Standing


class History:
    """A stream as far as it is projected, shown when asked to."""

    def __init__(self, *accepted: PendingRecord) -> None:
        self.accepted = accepted
        self.asked: list[int] = []
        self.answering = asyncio.Event()
        self.quarantined = False

    async def read(self, lowest: Mapping[str, int]) -> Mapping[str, Standing]:
        """Return how the stream stands."""
        (low,) = lowest.values()
        self.asked.append(low)
        await self.answering.wait()
        shown = {
            r.sealed.height: Accepted(r.sealed.digest, Position(0, r.sealed.height))
            for r in self.accepted
            if r.sealed.height >= low
        }
        height = self.accepted[-1].sealed.height if self.accepted else ROOT.height
        return {"acct_1": Standing(height=height, routing_height=0, quarantined=self.quarantined, accepted=shown)}


@asynccontextmanager
async def settling(history: History) -> AsyncIterator[Settler]:
    """Yield a settler at work."""
    settler = Settler(history)
    task = asyncio.create_task(settler.run())
    try:
        yield settler
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@in_virtual_time
async def test_a_record_that_comes_while_the_answer_is_on_its_way_is_told_by_the_next_one() -> None:
    """It may stand below all that was asked for: that nothing was shown at its height says nothing of it."""
    low, *_, high = records = chain(4)
    history = History(*records)
    async with settling(history) as settler:
        settler.watch(high)
        await asyncio.sleep(0.1)
        settler.watch(low)
        history.answering.set()
        await asyncio.sleep(0.1)

    assert (low.accepted, high.accepted) == (True, True)
    assert not low.void
    assert history.asked == [high.sealed.height, low.sealed.height]
    assert settler.watched == 0


@in_virtual_time
async def test_an_idle_settler_asks_nothing() -> None:
    """However often it is woken."""
    history = History(*chain(1))
    async with settling(history) as settler:
        for _ in range(10):
            settler.wake()
            await turns()
        await asyncio.sleep(10)

    assert not history.asked


@in_virtual_time
async def test_a_record_that_waits_for_long_keeps_no_other_waiting() -> None:
    """Looks for its verdict become rare; those for a new record's do not."""
    soon, late = chain(2)
    history = History()
    history.answering.set()
    async with settling(history) as settler:
        settler.watch(late)
        await asyncio.sleep(60)
        looks = len(history.asked)
        settler.watch(soon)
        history.accepted = (soon,)
        await asyncio.sleep(0.06)

        assert soon.accepted
        assert not late.accepted
        assert looks < 130


@in_virtual_time
async def test_a_write_in_a_stream_that_is_quarantined_is_answered_at_once() -> None:
    """An operator takes longer than its deadline."""
    (record,) = chain(1)
    history = History(record)
    history.answering.set()
    history.quarantined = True
    async with settling(history) as settler:
        settler.watch(record)
        await asyncio.sleep(0.1)

    assert isinstance(record.attempt.answer, Pending)
    assert record.attempt.answer.waiting_for == ("read_model",)
    assert settler.watched == 0
