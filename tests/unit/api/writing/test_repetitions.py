"""One command, asked for more than once: one effect, and everybody hears of that one."""

import asyncio
from secrets import token_hex

import pytest
from tests.unit.api.writing.copies import create, rename
from tests.unit.api.writing.virtual_time import in_virtual_time
from tests.unit.api.writing.world import World, turns, until

from patchbay.api.writing.outcomes import KeyReused, Pending, Written
from patchbay.eventlog import Verdict


class Forgetful(World):
    """The history has lost what it is asked for."""

    async def replay(self, stream: str, height: int, *, routed: bool) -> Written:
        raise LookupError(stream, height, routed)


@in_virtual_time
async def test_a_repetition_waits_for_the_record_of_its_expired_first_try() -> None:
    """It is pending in the run: a second record of the same command would be one too many."""
    world = World()
    command = token_hex(32)
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        with pytest.raises(Pending):
            await copy.execute(create(world.account(), "asst_1"), command_id=command, seconds=0.05)
        loads = world.loads
        again = copy.execute(create(world.account(), "asst_2"), command_id=command)
        await until(lambda: world.loads > loads)
        await turns()
        appended = world.appended()
        world.paused = False
        written = await again

        assert appended == 2
        assert (written.height, written.replayed) == (2, True)
        assert world.verdicts[Verdict.VOID] == 0


@in_virtual_time
async def test_repetitions_while_the_projector_is_away_cost_one_look_each() -> None:
    """Clients that retry for hours fill neither the log nor the memory."""
    world = World()
    command = token_hex(32)
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        loads = world.loads
        for _ in range(10):
            with pytest.raises(Pending):
                await copy.execute(create(world.account(), "asst_1"), command_id=command, seconds=0.02)

        assert world.appended() == 2
        assert world.loads - loads == 10
        assert copy.settler.watched == 1
        assert not copy.writer._attempts


@in_virtual_time
async def test_another_request_under_the_id_of_a_pending_record_is_refused_in_the_end() -> None:
    """Whether the first took effect is known by then."""
    world = World()
    command = token_hex(32)
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        with pytest.raises(Pending):
            await copy.execute(create(world.account(), "asst_1"), command_id=command, seconds=0.05)
        other = copy.execute(create(world.account(), "asst_2"), command_id=command, request_digest="1" * 64)
        await turns()
        world.paused = False
        with pytest.raises(KeyReused):
            await other


@in_virtual_time
async def test_another_request_under_the_id_of_one_under_way_is_refused_at_once() -> None:
    """Nothing has to be waited for."""
    world = World()
    command = token_hex(32)
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        first = copy.execute(create(world.account(), "asst_1"), command_id=command)
        other = copy.execute(create(world.account(), "asst_2"), command_id=command, request_digest="1" * 64)
        with pytest.raises(KeyReused):
            await asyncio.wait_for(other, 1)
        world.paused = False

        assert (await first).height == 2


@in_virtual_time
async def test_who_joins_a_write_gets_its_answer_after_the_first_one_has_gone() -> None:
    """Each caller waits until its own deadline."""
    world = World()
    command = token_hex(32)
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        first = copy.execute(create(world.account(), "asst_1"), command_id=command, seconds=0.02)
        joined = copy.execute(create(world.account(), "asst_1"), command_id=command)
        with pytest.raises(Pending):
            await first
        world.paused = False

        assert (await joined).height == 2


@in_virtual_time
async def test_a_write_goes_on_when_its_client_hangs_up() -> None:
    """And who has joined it gets the answer."""
    world = World()
    command = token_hex(32)
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.loading.clear()
        first = copy.execute(create(world.account(), "asst_1"), command_id=command)
        joined = copy.execute(create(world.account(), "asst_1"), command_id=command)
        alone = copy.execute(create(world.account(), "asst_2"))
        await turns()
        first.cancel()
        alone.cancel()
        await asyncio.wait([first, alone])
        world.loading.set()

        assert (await joined).event is not None
        await until(lambda: world.head(world.account()).height == 3)
        await until(lambda: not copy.writer._streams and not copy.writer._attempts)


@in_virtual_time
async def test_a_repetition_waits_for_routing_no_longer_than_its_deadline() -> None:
    """While the routing table is away, retries must not pile up."""
    world = World()
    command = token_hex(32)
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.routing_paused = True
        for _ in range(3):
            with pytest.raises(Pending) as pending:
                await copy.execute(
                    create(world.account(), "asst_1"), command_id=command, seconds=0.03, changes_routing=True
                )

        assert pending.value.waiting_for == ("routing",)
        await until(lambda: not world.replays and not copy.writer._streams, seconds=0.5)


@in_virtual_time
async def test_a_repetition_of_what_was_written_waits_for_routing() -> None:
    """Its answer is as good as the first one."""
    world = World()
    command = token_hex(32)
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.routing_paused = True
        with pytest.raises(Pending):
            await copy.execute(
                create(world.account(), "asst_1"), command_id=command, seconds=0.05, changes_routing=True
            )
        again = copy.execute(create(world.account(), "asst_1"), command_id=command, changes_routing=True)
        await until(lambda: world.replays == 1)
        early = again.done()
        world.routing_paused = False

        assert not early
        assert (await again).replayed


@in_virtual_time
async def test_no_change_waits_for_routing_too() -> None:
    """Another write may have made the change a moment ago: the next call has to be routed by it."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        await copy.execute(create(world.account(), "asst_1", "A"))
        world.routing_paused = True
        with pytest.raises(Pending):
            await copy.execute(rename("asst_1", "B"), seconds=0.05, changes_routing=True)
        again = copy.execute(rename("asst_1", "B"), changes_routing=True)
        await until(lambda: world.replays == 1)
        early = again.done()
        world.routing_paused = False
        unchanged = await again

        assert not early
        assert (unchanged.event, unchanged.height) == (None, 3)


@in_virtual_time
async def test_an_effect_that_cannot_be_told_again_is_pending() -> None:
    """At once, and without ending anything else."""
    world = Forgetful()
    command = token_hex(32)
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        await copy.execute(create(world.account(), "asst_1"), command_id=command)
        with pytest.raises(Pending) as pending:
            await asyncio.wait_for(copy.execute(create(world.account(), "asst_1"), command_id=command), 1)

        assert pending.value.reference.height == 2
        await until(lambda: not copy.writer._streams)
