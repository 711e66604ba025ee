"""Copies that write to one account at once."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from secrets import token_hex

from tests.unit.api.writing.copies import Copy, create
from tests.unit.api.writing.virtual_time import in_virtual_time
from tests.unit.api.writing.world import World

from patchbay.api.writing.snapshot import Loaded, Wanted
from patchbay.api.writing.standings import Standing
from patchbay.eventlog import Verdict


class Distant(World):
    """A database some milliseconds away."""

    async def load(self, wanted: Wanted) -> Loaded:
        await asyncio.sleep(0.0015)
        return await super().load(wanted)

    async def read(self, lowest: Mapping[str, int]) -> Mapping[str, Standing]:
        await asyncio.sleep(0.0015)
        return await super().read(lowest)


@in_virtual_time
async def test_three_copies_on_one_account_void_few_of_each_other_s_records() -> None:
    """And each of them gets on."""
    world = Distant(seed=1)
    loop = asyncio.get_running_loop()
    written = dict.fromkeys(range(3), 0)

    async def client(number: int, copy: Copy) -> None:
        while loop.time() < 1:
            await copy.execute(create(world.account(), token_hex(8)), seconds=10)
            written[number] += 1

    async with AsyncExitStack() as opened:
        await opened.enter_async_context(world.projecting())
        copies = [await opened.enter_async_context(world.copy()) for _ in range(3)]
        await copies[0].open_account()
        await asyncio.gather(*(client(n, copy) for n, copy in enumerate(copies) for _ in range(10)))

    share = world.verdicts[Verdict.VOID] / sum(world.verdicts.values())
    assert share < 0.25
    assert min(written.values()) > 20
