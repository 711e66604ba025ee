"""When the log begins, and how far the clocks of its streams have come."""

from collections.abc import Sequence
from datetime import datetime

from patchbay.api.reading.reader import Reader, with_pointers

_NEWEST = with_pointers("SELECT max(time) AS newest FROM {read_model}.heads WHERE stream = ANY($1::text[])")
_BEGINNING = with_pointers(
    """
    SELECT min(first.time) AS beginning
      FROM {read_model}.checkpoints c
      CROSS JOIN LATERAL (
            SELECT e.time FROM history.events e WHERE e.partition = c.partition ORDER BY e."offset" LIMIT 1
           ) AS first
    """
)


class LogTimes:
    """Reads times of events."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def newest(self, streams: Sequence[str]) -> str:
        """Return the time of the newest event of these streams, as text; an empty one if there is none."""
        rows = await self._reader.fetch(_NEWEST, list(streams))
        return rows[0]["newest"] or ""

    async def beginning(self) -> datetime | None:
        """Return the time of the first event that any partition holds; None if there is none."""
        rows = await self._reader.fetch(_BEGINNING)
        beginning: datetime | None = rows[0]["beginning"]
        return beginning
