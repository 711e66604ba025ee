"""Streams that need an operator: what can still be said of them is said."""

import pytest
from tests.unit.api.writing.copies import create
from tests.unit.api.writing.virtual_time import in_virtual_time
from tests.unit.api.writing.world import World, turns, until

from patchbay.api.writing.outcomes import KeyReused, Pending, Quarantined
from patchbay.eventlog import Head, Verdict

COMMAND = "a" * 64
READ_MODEL, ROUTING = frozenset({"read_model"}), frozenset({"routing"})


@in_virtual_time
async def test_nothing_is_sent_to_a_quarantined_stream() -> None:
    """In whichever projection it is."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        for where in (READ_MODEL, ROUTING):
            world.quarantined[world.account()] = where
            with pytest.raises(Quarantined):
                await copy.execute(create(world.account(), "asst_1"))

        assert world.appended() == 1
        await until(lambda: not copy.writer._streams)


@in_virtual_time
async def test_a_repetition_of_what_took_effect_is_pending_in_a_quarantined_stream() -> None:
    """It is in the log for good: that nothing took effect would be a lie."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        await copy.execute(create(world.account(), "asst_1"), command_id=COMMAND)
        world.quarantined[world.account()] = READ_MODEL
        with pytest.raises(Pending) as pending:
            await copy.execute(create(world.account(), "asst_1"), command_id=COMMAND)
        with pytest.raises(KeyReused):
            await copy.execute(create(world.account(), "asst_1"), command_id=COMMAND, request_digest="1" * 64)
        world.quarantined[world.account()] = ROUTING
        replayed = await copy.execute(create(world.account(), "asst_1"), command_id=COMMAND)
        with pytest.raises(Pending) as routed:
            await copy.execute(create(world.account(), "asst_1"), command_id=COMMAND, changes_routing=True)

        assert pending.value.waiting_for == ("read_model",)
        assert replayed.replayed
        assert routed.value.waiting_for == ("routing",)


@in_virtual_time
async def test_a_repetition_of_what_is_pending_waits_for_its_verdict_in_a_quarantined_stream() -> None:
    """Chain and history go on."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        with pytest.raises(Pending):
            await copy.execute(create(world.account(), "asst_1"), command_id=COMMAND, seconds=0.05)
        world.quarantined[world.account()] = ROUTING
        again = copy.execute(create(world.account(), "asst_1"), command_id=COMMAND)
        await turns()
        world.paused = False

        assert (await again).replayed


@pytest.mark.parametrize("where", [READ_MODEL, ROUTING])
@in_virtual_time
async def test_a_write_that_is_accepted_in_a_stream_quarantined_meanwhile_is_pending(where: frozenset[str]) -> None:
    """It is not visible before an operator has looked at it."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        write = copy.execute(create(world.account(), "asst_1"), changes_routing=True)
        await until(lambda: world.appended() == 2)
        world.quarantined[world.account()] = where
        world.paused = False
        with pytest.raises(Pending) as pending:
            await write

        assert set(where) <= set(pending.value.waiting_for)
        await until(lambda: not copy.writer._streams and not copy.settler.watched)


@in_virtual_time
async def test_a_stopped_stream_takes_nothing_and_what_was_on_its_way_is_broken() -> None:
    """A record whose writer knew an event that this log does not have stops the stream."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        nowhere = Head(7, "7" * 64, world.head(world.account()).time)
        world.rival(on=nowhere, base=nowhere)
        on_its_way = copy.execute(create(world.account(), "asst_1"), command_id=COMMAND)
        await until(lambda: world.appended() == 3)
        world.paused = False
        with pytest.raises(Quarantined):
            await on_its_way
        with pytest.raises(Quarantined):
            await copy.execute(create(world.account(), "asst_2"))

        assert world.verdicts[Verdict.BROKEN] == 2
        assert not world.accepted(COMMAND)
        assert world.appended() == 3
        await until(lambda: not copy.writer._streams and not copy.settler.watched)
