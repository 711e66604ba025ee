"""When writes go on again: somebody writes through each process of the API all the time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.chaos.clients import Actor, Ground
from tests.chaos.history import Kind

_PAUSE_SECONDS: Final = 0.1


class Probe:
    """Writes through every API, and knows when that was done last."""

    def __init__(self, ground: Ground, actors: list[Actor]) -> None:
        self._ground = ground
        self._actors = actors  # one for each API
        self.stop = asyncio.Event()
        self._done: dict[int, tuple[float, float]] = {}  # by API, of the newest: when it began and when it was answered

    async def recovery(self, healed_at: float, limit_seconds: float) -> float:
        """
        Return how long after `healed_at` every API had done a write that began after it.

        Raises:
            TimeoutError: Not within the limit.
        """
        answered: dict[int, float] = {}
        async with asyncio.timeout(limit_seconds):
            while len(answered) < len(self._actors):
                for api, (began, ended) in self._done.items():
                    if began >= healed_at:
                        answered.setdefault(api, ended)
                await asyncio.sleep(_PAUSE_SECONDS / 4)
        return max(answered.values()) - healed_at

    async def work(self, api: int) -> None:
        """Write through this API until told to stop, and never leave a request unaccounted for."""
        while not self.stop.is_set():
            call = await self._actors[api].probe(self._ground, api)
            if call.status == 200 and call.kind is Kind.CHANGE:
                self._done[api] = (call.began, call.ended)
            await asyncio.sleep(_PAUSE_SECONDS)


@asynccontextmanager
async def probing(ground: Ground, actors: list[Actor]) -> AsyncIterator[Probe]:
    """Probe for as long as the body runs."""
    probe = Probe(ground, actors)
    tasks = [asyncio.create_task(probe.work(api), name=f"probe {api}") for api in range(len(actors))]
    try:
        yield probe
    finally:
        probe.stop.set()  # a write that is under way has to be in the history
        await asyncio.wait(tasks)
