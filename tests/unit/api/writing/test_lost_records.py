"""A record that the broker has acknowledged and then does not have: nothing definite is said of it."""

import asyncio

import pytest
from tests.unit.api.writing.copies import create
from tests.unit.api.writing.virtual_time import in_virtual_time
from tests.unit.api.writing.world import World, until

from patchbay.api.writing.outcomes import Pending
from patchbay.eventlog import Fault, Verdict


@in_virtual_time
async def test_an_acknowledged_record_that_never_landed_holds_up_its_stream_until_another_copy_writes() -> None:
    """
    Only a broken log does this.

    The copy goes on from its record until it is told otherwise, and what it writes meanwhile has no verdict; whoever
    waits hears so. The next event of any other copy settles all of it: none of it was ever accepted, and what somebody
    still waits for is decided again.
    """
    world = World()
    async with world.projecting(), world.copy() as copy, world.copy() as another:
        other = world.account("other")
        await copy.open_account()
        await copy.open_account("other", other)
        world.log.inject(Fault.LOST)
        lost = copy.execute(create(world.account(), "asst_lost"), seconds=0.2)
        await asyncio.sleep(0.1)
        child = copy.execute(create(world.account(), "asst_child"), seconds=5)
        with pytest.raises(Pending):
            await lost
        elsewhere = await copy.execute(create(other, "asst_o"), stream=other, seconds=0.2)
        assert not child.done()

        first = await another.execute(create(world.account(), "asst_first"))
        second = await child
        await until(lambda: not copy.settler.watched)

    assert elsewhere.height
    assert [first.height, second.height] == [2, 3]
    assert world.verdicts[Verdict.BROKEN] == 0
