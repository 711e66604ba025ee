"""Standing by: whoever does not own the partitions hears at once when the owner lets go of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from patchbay.postgres import listen
from patchbay.projection.ownership import RELEASED_CHANNEL


class Releases:
    """Tells when it is worth while to claim again."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    async def wait(self, stop: asyncio.Event, seconds: float) -> None:
        """Wait until something was released, or `stop` is set; not for ever, since who is killed releases nothing."""
        tasks = [asyncio.create_task(event.wait()) for event in (self.heard, stop)]
        try:
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        self.heard.clear()


@asynccontextmanager
async def hearing_releases(database_url: str) -> AsyncIterator[Releases]:
    """Yield what hears of releases, on a connection of its own."""
    releases = Releases()
    async with listen(database_url, RELEASED_CHANNEL, lambda _schema: releases.heard.set()):
        yield releases
