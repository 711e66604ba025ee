"""What a write would lead to, told without appending anything."""

import asyncio
from secrets import token_hex

import pytest
from tests.unit.api.writing.copies import Copy, assign, create, rename
from tests.unit.api.writing.virtual_time import in_virtual_time
from tests.unit.api.writing.world import World

from patchbay.api.writing.outcomes import KeyReused, Quarantined, Unavailable, Write
from patchbay.api.writing.rehearsing import Rehearsal
from patchbay.assistants.commands import Command
from patchbay.assistants.events import AssistantUpdated
from patchbay.assistants.rejections import AssistantNotFound
from patchbay.assistants.states import Account

COMMAND = "a" * 64


async def rehearse(copy: Copy, command: Command, command_id: str = "", digest: str = "0" * 64) -> Rehearsal:
    write = Write(
        stream=copy.account,
        command=command,
        command_id=command_id or token_hex(32),
        request_digest=digest,
        actor="key_test",
    )
    return await copy.writer.rehearse(write, deadline=asyncio.get_running_loop().time() + 1)


def names(rehearsal: Rehearsal) -> list[str | None]:
    """Return the assistant's name before and after."""
    states = (rehearsal.before, rehearsal.written.state)
    found = [state.assistants.get("asst_1") for state in states if isinstance(state, Account)]
    return [one.name if one is not None else None for one in found]


@in_virtual_time
async def test_a_rehearsal_tells_the_state_before_and_after_and_appends_nothing() -> None:
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        await copy.execute(create(world.account(), "asst_1", "Old"))
        before = world.appended()

        told = await rehearse(copy, rename("asst_1", "New"))
        same = await rehearse(copy, rename("asst_1", "Old"))
        with pytest.raises(AssistantNotFound):
            await rehearse(copy, rename("asst_2", "New"))

        assert (names(told), names(same)) == (["Old", "New"], ["Old", "Old"])
        assert isinstance(told.written.event, AssistantUpdated)
        assert same.written.event is None
        assert world.appended() == before


@in_virtual_time
async def test_a_rehearsal_sees_what_another_copy_has_answered() -> None:
    world = World()
    async with world.projecting(), world.copy() as one, world.copy() as other:
        await one.open_account()
        await one.execute(create(world.account(), "asst_1", "Old"))
        for turn in range(10):
            await one.execute(rename("asst_1", f"Name {turn}"))

            assert names(await rehearse(other, rename("asst_1", "New"))) == [f"Name {turn}", "New"]


@in_virtual_time
async def test_a_rehearsal_shows_who_would_lose_a_number() -> None:
    world = World()
    number = "pn_1"
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        await copy.register(number, "+15550001")
        await copy.execute(create(world.account(), "asst_1"))
        await copy.execute(create(world.account(), "asst_2"))
        await copy.execute(assign("asst_1", number))

        told = await rehearse(copy, assign("asst_2", number))

    state = told.written.state
    assert isinstance(state, Account)
    loser = state.assistants["asst_1"]
    assert loser is not None
    assert loser.phone_number_ids == ()


@in_virtual_time
async def test_what_would_not_be_decided_is_not_rehearsed() -> None:
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        await copy.execute(create(world.account(), "asst_1", "Old"), command_id=COMMAND)
        known = await rehearse(copy, create(world.account(), "asst_1", "Old"), COMMAND)
        with pytest.raises(KeyReused):
            await rehearse(copy, create(world.account(), "asst_1", "Old"), COMMAND, "1" * 64)
        world.quarantined[world.account()] = frozenset({"routing"})
        with pytest.raises(Quarantined):
            await rehearse(copy, rename("asst_1", "New"))
        world.loading.clear()
        with pytest.raises(Unavailable):
            await rehearse(copy, rename("asst_1", "New"))

    assert known.written.replayed
    assert known.before is known.written.state
