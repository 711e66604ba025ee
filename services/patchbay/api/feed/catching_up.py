"""What a stream missed while it was away: from its cursor on, out of the history, as fast as its client reads."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from patchbay.api.feed.rendering import owner_of
from patchbay.api.reading.events import AcceptedEvent, Events, Passage
from patchbay.eventlog import LogIdentity

PAGES_AT_ONCE = 2  # of all streams of the process: the tail, and everything else, must not wait behind them
BEHIND_SECONDS = 0.2  # between looks at a projection that is not yet where the tail has seen it


class CatchingUp:
    """Reads pages for streams, a few at a time."""

    def __init__(self, events: Events, identity: LogIdentity) -> None:
        self.events = events
        self._identity = identity
        self._turns = asyncio.Semaphore(PAGES_AT_ONCE)

    async def pages(
        self, account_id: str | None, positions: Sequence[int], upto: Sequence[int | None]
    ) -> AsyncIterator[tuple[int, list[AcceptedEvent], int]]:
        """
        Yield partition, events and the position behind them, a partition after the other.

        Args:
            account_id: Whose events; None = every account's.
            positions: Next offsets, one for each partition.
            upto: The offset to stop before, for each partition; None = where the projection is now.
        """
        for partition, (position, end) in enumerate(zip(positions, upto, strict=True)):
            if end is not None and position >= end:
                continue
            async for passage in self._of_partition(account_id, partition, position, end):
                own = [event for event in passage.events if _is_told(event, account_id)]
                yield partition, own, passage.reached

    async def _of_partition(
        self, account_id: str | None, partition: int, position: int, end: int | None
    ) -> AsyncIterator[Passage]:
        height = await self._height_at(account_id, partition, position)
        while True:
            async with self._turns:
                if account_id is None:
                    (passage,) = await self.events.read_pass({partition: position}, accounts=None, upto=end)
                else:
                    passage = await self.events.read_page(account_id, partition, position, end, height)
            for event in passage.events:
                if event.stream == account_id:
                    height = event.height
            position = passage.reached
            yield passage
            if position >= end if end is not None else passage.is_at_end:
                return
            if passage.is_at_end:
                await asyncio.sleep(BEHIND_SECONDS)

    async def _height_at(self, account_id: str | None, partition: int, position: int) -> int | None:
        """Return the height behind which the account's own stream goes on, None if it does so elsewhere."""
        if account_id is None or self._identity.partition_of(account_id) != partition:
            return None
        if position == 0:
            return 0
        async with self._turns:
            return await self.events.height_below(account_id, position)


def _is_told(event: AcceptedEvent, account_id: str | None) -> bool:
    owner = owner_of(event)
    return owner is not None and account_id in (None, owner)
