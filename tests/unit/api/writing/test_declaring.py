"""Declarations that meet: of one copy, of several, and with changes that have no verdict yet."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from tests.unit.api.writing.copies import create, declare, rename
from tests.unit.api.writing.world import World

from patchbay.assistants.states import Account


def names(world: World) -> list[str]:
    """Return the names of the account's assistants, sorted."""
    state = world.state(world.account())
    assert isinstance(state, Account)
    return sorted(one.name for one in state.assistants.values() if one is not None)


@pytest.mark.parametrize("copies", [1, 2, 3])
@pytest.mark.parametrize("seed", range(8))
async def test_declarations_that_come_at_once_make_one_assistant(copies: int, seed: int) -> None:
    world = World(seed=seed)
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(world.projecting())
        all_copies = [await opened.enter_async_context(world.copy()) for _ in range(copies)]
        await all_copies[0].open_account()
        written = await asyncio.gather(
            *(
                copy.execute(declare(world.account(), f"asst_{number}_{turn}", temperature=0.1))
                for number, copy in enumerate(all_copies)
                for turn in range(6)
            )
        )

    assert names(world) == ["Agent"]
    assert sum(each.event is not None for each in written) == 1


@pytest.mark.parametrize("seed", range(8))
async def test_a_declaration_sees_names_that_were_given_and_taken_a_moment_ago(seed: int) -> None:
    """However far their events are: an assistant that is being created, and one that is being renamed."""
    world = World(seed=seed)
    account = world.account()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        await copy.execute(create(account, "asst_old", "Old"))
        world.paused = True
        first = [
            copy.execute(rename("asst_old", "Renamed")),
            copy.execute(create(account, "asst_new", "Created")),
        ]
        await asyncio.sleep(0.005)
        second = [copy.execute(declare(account, f"asst_{name}", name)) for name in ("Old", "Renamed", "Created")]
        await asyncio.sleep(0.005)
        world.paused = False
        await asyncio.gather(*first)
        written = await asyncio.gather(*second)

    assert [each.event is not None for each in written] == [True, False, False]
    assert names(world) == ["Created", "Old", "Renamed"]
