"""Waiting until a projection has passed a position of the log."""

import asyncio
from collections.abc import Mapping, Sequence

from patchbay.api.coalescing import Coalescer
from patchbay.api.errors import NotCaughtUp
from patchbay.api.reading.reader import Reader, with_pointers

READ_MODEL = "read_model"
ROUTING = "routing"
_POLL_SECONDS = 0.025  # a notification is a hint: this bounds the wait without one

_READ = with_pointers(
    """
    SELECT 'read_model' AS projection, partition, next_offset FROM {read_model}.checkpoints
    UNION ALL
    SELECT 'routing', partition, next_offset FROM {routing}.checkpoints
    """
)

Checkpoints = Mapping[tuple[str, int], int]  # next offset, by projection and partition


class Positions:
    """Reads the checkpoints, and waits for them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._coalescer: Coalescer[None, Checkpoints] = Coalescer(self._read_for_all)
        self._moved = asyncio.Event()

    def wake(self) -> None:
        """Look again now: a projection says it has moved."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def read(self) -> Checkpoints:
        """Return the checkpoints as they are after this call began."""
        return await self._coalescer.ask(None)

    async def wait_for(self, positions: Mapping[int, int], projections: Sequence[str], deadline: float) -> None:
        """
        Return when all these projections have passed all these positions.

        Args:
            positions: Next offsets by partition.
            projections: Whose checkpoints count.
            deadline: Loop time.

        Raises:
            NotCaughtUp: Not by the deadline.
        """
        loop = asyncio.get_running_loop()
        while True:
            moved = self._moved
            checkpoints = await self.read()
            behind = _first_behind(checkpoints, positions, projections)
            if behind is None:
                return
            if loop.time() >= deadline:
                raise NotCaughtUp(behind)
            try:
                async with asyncio.timeout(_POLL_SECONDS):
                    await moved.wait()
            except TimeoutError:
                pass

    async def _read_for_all(self, askers: Sequence[None]) -> list[Checkpoints]:
        rows = await self._reader.fetch(_READ)
        checkpoints = {(row["projection"], row["partition"]): row["next_offset"] for row in rows}
        return [checkpoints] * len(askers)


def _first_behind(checkpoints: Checkpoints, positions: Mapping[int, int], projections: Sequence[str]) -> str | None:
    for projection in projections:
        for partition, next_offset in positions.items():
            if checkpoints.get((projection, partition), 0) < next_offset:
                return projection
    return None
