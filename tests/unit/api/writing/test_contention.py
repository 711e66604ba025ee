"""Copies that write to one account at once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from random import Random
from secrets import token_hex

from tests.unit.api.writing.copies import Copy, create
from tests.unit.api.writing.virtual_time import in_virtual_time
from tests.unit.api.writing.world import World

from patchbay.api.writing.snapshot import Loaded, Wanted
from patchbay.api.writing.standings import Standing
from patchbay.eventlog import SealedRecord, Verdict
from patchbay.eventlog.memory import MemoryAppender


class Distant(World):
    """A database some milliseconds away."""

    async def load(self, wanted: Wanted) -> Loaded:
        await asyncio.sleep(0.0015)
        return await super().load(wanted)

    async def read(self, lowest: Mapping[str, int]) -> Mapping[str, Standing]:
        await asyncio.sleep(0.0015)
        return await super().read(lowest)


class Far(Distant):
    """A projector that takes some milliseconds, too: while one copy's records are on their way, another one decides."""

    @asynccontextmanager
    async def projecting(self) -> AsyncIterator[None]:
        async def loop() -> None:
            while True:
                await asyncio.sleep(self.random.uniform(0.002, 0.005))
                self.project()

        task = asyncio.create_task(loop())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


class DelayedAppender:
    """Takes some milliseconds to bring records to the log, in order."""

    def __init__(self, appender: MemoryAppender, random: Random) -> None:
        self._appender = appender
        self._random = random
        self._busy_until = 0.0

    @property
    def session(self) -> int:
        return self._appender.session

    @property
    def healthy(self) -> bool:
        return self._appender.healthy

    @property
    def clock_skew_seconds(self) -> float:
        return self._appender.clock_skew_seconds

    def on_session_end(self, callback: Callable[[int, str], None]) -> None:
        self._appender.on_session_end(callback)

    def append(self, records: Sequence[SealedRecord], *, session: int) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        told: asyncio.Future[None] = loop.create_future()
        self._busy_until = max(self._busy_until, loop.time() + self._random.uniform(0.001, 0.003))

        def arrive() -> None:
            self._appender.append(records, session=session).add_done_callback(lambda _: told.set_result(None))

        loop.call_at(self._busy_until, arrive)
        return told


async def void_share_and_writes(seed: int, *, seconds: float, clients: int = 10) -> tuple[float, list[int]]:
    """Return which share of the records is void, and how much each of three copies writes to one account."""
    world = Far(seed=seed)
    world.announcing = True
    loop = asyncio.get_running_loop()
    written = dict.fromkeys(range(3), 0)

    async def client(number: int, copy: Copy) -> None:
        while loop.time() < seconds:
            await copy.execute(create(world.account(), token_hex(8)), seconds=10)
            written[number] += 1

    async with AsyncExitStack() as opened:
        await opened.enter_async_context(world.projecting())
        copies = [
            await opened.enter_async_context(world.copy(lambda appender: DelayedAppender(appender, world.random)))
            for _ in range(3)
        ]
        await copies[0].open_account()
        await asyncio.gather(*(client(n, copy) for n, copy in enumerate(copies) for _ in range(clients)))
    return world.verdicts[Verdict.VOID] / sum(world.verdicts.values()), list(written.values())


@in_virtual_time
async def test_three_copies_on_one_account_take_turns() -> None:
    """Few records are void, and each copy gets on: no client waits longer than for its copy's turn."""
    share, written = await void_share_and_writes(seed=1, seconds=4)

    assert share < 0.07  # without turns: 0.12
    assert min(written) > 0.15 * sum(written)


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
