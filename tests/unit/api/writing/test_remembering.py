"""Deciding on what a copy remembers: no look at the database, and no less true."""

import asyncio

import pytest
from tests.unit.api.writing.copies import create, rename
from tests.unit.api.writing.virtual_time import in_virtual_time
from tests.unit.api.writing.world import World, until

from patchbay.api.writing import remembering
from patchbay.api.writing.outcomes import Pending, Written
from patchbay.assistants.rejections import AssistantNotFound
from patchbay.eventlog import Verdict


def _announcing() -> World:
    world = World()
    world.announcing = True
    return world


@in_virtual_time
async def test_who_wrote_a_moment_ago_is_decided_for_without_a_look_at_the_database() -> None:
    world = _announcing()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        await copy.execute(create(world.account(), "asst_1"), repeats=False)
        loads = world.loads
        for n in range(5):
            written = await copy.execute(rename("asst_1", f"Name {n}"), repeats=False)
        await copy.execute(create(world.account(), "asst_2"), repeats=False)

        assert world.loads == loads
        assert written.height == 7
        assert world.verdicts[Verdict.VOID] == 0


@in_virtual_time
async def test_a_command_that_may_have_been_sent_before_is_looked_for() -> None:
    world = _announcing()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        first = await copy.execute(create(world.account(), "asst_1"), command_id="a" * 64)
        again = await copy.execute(create(world.account(), "asst_1"), command_id="a" * 64)

        assert (again.replayed, again.height) == (True, first.height)


@in_virtual_time
async def test_no_is_said_only_on_what_the_database_shows() -> None:
    """What is remembered may be old: a rejection or "nothing to change" is decided again on a look."""
    world = _announcing()
    async with world.projecting(), world.copy() as copy, world.copy() as other:
        await copy.open_account()
        await copy.execute(create(world.account(), "asst_1"), repeats=False)
        world.ears[0].hear = lambda: None  # type: ignore[method-assign]  # what the other writes is not heard yet
        await other.execute(rename("asst_1", "B"))
        await other.execute(create(world.account(), "asst_2"))
        unchanged = await copy.execute(rename("asst_1", "B"), repeats=False)
        renamed = await copy.execute(rename("asst_2", "C"), repeats=False)
        with pytest.raises(AssistantNotFound):
            await copy.execute(rename("asst_3", "C"), repeats=False)

        assert (unchanged.event, unchanged.height) == (None, 4)
        assert renamed.height == 5


@in_virtual_time
async def test_what_another_copy_wrote_is_heard_and_costs_no_race() -> None:
    world = _announcing()
    async with world.projecting(), world.copy() as copy, world.copy() as other:
        await copy.open_account()
        await copy.execute(create(world.account(), "asst_1"), repeats=False)
        for n in range(10):
            writer = (copy, other)[n % 2]
            await writer.execute(rename("asst_1", f"Name {n}"), repeats=False)
            for ear in world.ears:
                ear.hear()

        assert world.verdicts[Verdict.VOID] == 0
        assert world.verdicts[Verdict.ACCEPTED] == 12


@in_virtual_time
async def test_what_another_copy_wrote_unheard_costs_one_race_and_nothing_is_lost() -> None:
    world = _announcing()
    async with world.projecting(), world.copy() as copy, world.copy() as other:
        await copy.open_account()
        await copy.execute(create(world.account(), "asst_1"), repeats=False)
        world.ears[0].hear = lambda: None  # type: ignore[method-assign]
        await other.execute(rename("asst_1", "B"))
        written = await copy.execute(rename("asst_1", "C"), repeats=False)

        assert written.height == 4
        assert world.verdicts[Verdict.VOID] == 1
        assert [a.envelope.height for a in world.history[world.account()]] == [1, 2, 3, 4]


@in_virtual_time
async def test_a_copy_that_hears_nothing_remembers_nothing() -> None:
    world = _announcing()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        await copy.execute(create(world.account(), "asst_1"), repeats=False)
        world.ears[0].connect(connected=False)
        loads = world.loads
        await copy.execute(rename("asst_1", "B"), repeats=False)
        await copy.execute(rename("asst_1", "C"), repeats=False)

        assert world.loads == loads + 2


@in_virtual_time
async def test_a_stream_that_readers_do_not_see_any_more_is_looked_at_again() -> None:
    """Its events are accepted and not announced: the write is pending, and the next one hears why."""
    world = _announcing()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        await copy.execute(create(world.account(), "asst_1"), repeats=False)
        world.quarantined = {world.account(): frozenset({"read_model"})}
        with pytest.raises(Pending):
            await copy.execute(rename("asst_1", "B"), repeats=False)
        loads = world.loads
        task = copy.execute(rename("asst_1", "C"), repeats=False)
        await until(lambda: world.loads > loads)
        await asyncio.wait([task])

        assert not isinstance(task.exception(), Pending | Written)


@in_virtual_time
async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "REMEMBERED_CHARACTERS", 10_000)
    world = _announcing()
    async with world.projecting(), world.copy() as copy:
        accounts = [world.account(f"team-{n}") for n in range(30)]
        for n, account in enumerate(accounts):
            await copy.open_account(f"team-{n}", account)
        loads = world.loads
        await copy.execute(create(accounts[29], "asst_29"), stream=accounts[29], repeats=False)
        remembered = world.loads
        await copy.execute(create(accounts[0], "asst_0"), stream=accounts[0], repeats=False)

        assert remembered == loads
        assert world.loads == loads + 1
