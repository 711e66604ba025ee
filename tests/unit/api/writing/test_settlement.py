"""Nothing definite is said while it may still turn out otherwise."""

import asyncio

import pytest
from tests.unit.api.writing.copies import create, rename
from tests.unit.api.writing.virtual_time import in_virtual_time
from tests.unit.api.writing.world import World, turns, until

from patchbay.api.writing.outcomes import OutcomeUnknown, Pending, Unavailable, Unsettled, WriteFailed
from patchbay.assistants.rejections import AssistantNotFound
from patchbay.eventlog import Verdict
from patchbay.eventlog.memory import Fault


@in_virtual_time
async def test_a_rejection_waits_for_an_earlier_record_of_its_command() -> None:
    """A zombie pair lands after the rename was decided again without its assistant: no 404 may have been said."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.log.inject(Fault.DELAYED)
        created = copy.execute(create(world.account(), "asst_1"), seconds=0.05)
        renamed = copy.execute(rename("asst_1", "B"))
        world.loading.clear()
        await until(lambda: world.loads == 2)
        world.loading.set()
        await until(lambda: copy.appender.session == 2)
        world.loading.clear()  # the second decision waits until the create has given up
        with pytest.raises(OutcomeUnknown):
            await created
        world.loading.set()
        loads = world.loads
        await until(lambda: world.loads > loads or not copy.writer._streams[world.account()]._task)
        await turns()
        early = renamed.done()
        world.log.land_delayed()

        assert not early
        assert (await renamed).height == 3


@in_virtual_time
async def test_what_was_chained_on_a_lost_record_is_lost_with_it() -> None:
    """The rename's record stands two heights up; its parent's loss settles it, no later event has to."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.log.inject(Fault.DELAYED)
        created = copy.execute(create(world.account(), "asst_1"), seconds=0.05)
        renamed = copy.execute(rename("asst_1", "B"))
        await until(lambda: copy.appender.session == 2)
        world.loading.clear()
        with pytest.raises(OutcomeUnknown):
            await created
        world.rival()
        world.loading.set()
        with pytest.raises(AssistantNotFound):
            await asyncio.wait_for(renamed, 2)
        world.log.land_delayed()
        world.project()

        assert world.head(world.account()).height == 2


@in_virtual_time
async def test_a_write_that_expires_while_its_state_is_loaded_is_not_sent_afterwards() -> None:
    """It was told that nothing took effect."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.loading.clear()
        with pytest.raises(Unavailable):
            await copy.execute(create(world.account(), "asst_1"), seconds=0.02)
        world.loading.set()
        await until(lambda: not copy.writer._streams)

        assert world.appended() == 1


@in_virtual_time
async def test_the_base_of_a_record_is_the_newest_event_with_a_verdict() -> None:
    """Never one that was only acknowledged."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        first = copy.execute(create(world.account(), "asst_1"))
        await until(lambda: world.appended() == 2)
        second = copy.execute(create(world.account(), "asst_2"))
        await until(lambda: world.appended() == 3)
        opened, _, newest = world.envelopes()
        world.paused = False

        assert (newest.base.height, newest.base.digest) == (1, opened.digest)
        assert [w.height for w in await asyncio.gather(first, second)] == [2, 3]


@in_virtual_time
async def test_a_head_above_the_whole_run_is_not_written_on_before_the_run_has_its_verdicts() -> None:
    """Else a record on the new head is taken for a child of the lost ones, and called void though it counts."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.settling.clear()
        world.paused = True
        world.rival(on=world.rival())
        lost = copy.execute(create(world.account(), "asst_1"), seconds=0.3)
        await until(lambda: world.appended() == 4)
        world.paused = False
        await until(lambda: world.head(world.account()).height == 3)
        late = copy.execute(create(world.account(), "asst_2"), command_id="a" * 64, seconds=0.3)
        loads = world.loads
        await until(lambda: world.loads > loads)
        await turns()
        world.paused = True
        world.log.inject(Fault.NOT_SENT, count=1000)
        world.settling.set()
        answers = await asyncio.gather(lost, late, return_exceptions=True)
        world.paused = False
        world.project()

        assert isinstance(answers[1], WriteFailed)
        assert isinstance(answers[1], Unsettled) == bool(world.accepted("a" * 64))


@in_virtual_time
async def test_a_record_with_a_verdict_is_not_waited_for_again() -> None:
    """It was accepted while an old snapshot was on its way: its attempt must not be held for ever."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.routing_paused = True
        world.log.inject(Fault.DELAYED)
        created = copy.execute(create(world.account(), "asst_1"), seconds=0.05)
        renamed = copy.execute(rename("asst_1", "B"), changes_routing=True)
        await until(lambda: copy.appender.session == 2)
        world.loading.clear()
        with pytest.raises(OutcomeUnknown):
            await created
        loads = world.loads
        await turns()
        world.log.land_delayed()
        await until(lambda: world.head(world.account()).height == 3)
        await turns()
        world.loading.set()
        await turns()
        world.routing_paused = False
        written = await renamed

        assert loads
        assert written.height == 3
        await until(lambda: not copy.writer._streams)


@in_virtual_time
async def test_an_accepted_write_that_waits_for_routing_is_pending_at_its_deadline() -> None:
    """It is in the log for good, whatever else of it is on its way."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.routing_paused = True
        with pytest.raises(Pending) as pending:
            await copy.execute(create(world.account(), "asst_1"), seconds=0.05, changes_routing=True)

        assert pending.value.waiting_for == ("routing",)
        assert pending.value.reference.height == 2


@in_virtual_time
async def test_a_write_under_way_is_not_called_unavailable_when_the_database_goes_away() -> None:
    """Its record may land at any time."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.log.inject(Fault.DELAYED)
        write = copy.execute(create(world.account(), "asst_1"), seconds=0.1)
        await until(lambda: copy.appender.session == 2)
        world.database_failure = OSError("away")
        with pytest.raises(OutcomeUnknown):
            await write
        world.database_failure = None


@in_virtual_time
async def test_a_database_that_goes_back_is_waited_for() -> None:
    """Nothing is written on the old head: it would lose for sure."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        await copy.execute(create(world.account(), "asst_1"))
        world.paused = True
        pending = copy.execute(create(world.account(), "asst_2"))
        await until(lambda: world.appended() == 3)
        world.go_back(2)
        loads = world.loads
        late = copy.execute(create(world.account(), "asst_3"))
        await until(lambda: world.loads > loads)
        await asyncio.wait([late], timeout=0.2)
        appended, looked = world.appended(), world.loads - loads
        world.paused = False

        assert [w.height for w in await asyncio.gather(pending, late)] == [3, 4]
        assert appended == 3
        assert looked <= 8
        assert world.verdicts[Verdict.VOID] == 0
