"""The rows of the history beside the accepted events of the log, both in the log's order."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from patchbay.eventlog import Envelope
from patchbay.postgres import Connection
from patchbay.projection.history import history_row

Row = tuple[Any, ...]
Found = tuple[Row, Row | None, Row | None]

_PREFETCHED_ROWS: Final = 200  # with all of their texts
_KEY_COLUMNS: Final = 2
_OFFSET: Final = 9
_READ: Final = """
SELECT stream, height, digest, command_id, request_digest, type, subject, time, partition, "offset", headers, value
  FROM history.events WHERE partition = $1 ORDER BY "offset"
"""


class HistoryRows:
    """Reads the history partition by partition, a few rows at a time."""

    def __init__(self, connection: Connection) -> None:
        """`connection` is in a transaction, whose snapshot is compared."""
        self._connection = connection

    async def differences(
        self, accepted: AsyncIterator[tuple[Envelope, int, int]], positions: Mapping[int, int]
    ) -> AsyncIterator[Found]:
        """
        Yield key, row and expected row of whatever differs.

        Args:
            accepted: Events with partition and offset: one partition after the other, each in order.
            positions: The partitions that have been projected.
        """
        left = set(positions)
        current, rows = -1, self._rows(-1)
        row: Row | None = None
        async for envelope, partition, offset in accepted:
            if partition != current:
                while row is not None:
                    yield row[:_KEY_COLUMNS], row, None
                    row = await anext(rows, None)
                current, rows = partition, self._rows(partition)
                left.discard(partition)
                row = await anext(rows, None)
            while row is not None and row[_OFFSET] < offset:
                yield row[:_KEY_COLUMNS], row, None
                row = await anext(rows, None)
            expected = history_row(envelope, partition, offset)
            if row is None or row[_OFFSET] != offset:
                yield expected[:_KEY_COLUMNS], None, expected
                continue
            if row != expected:
                yield expected[:_KEY_COLUMNS], row, expected
            row = await anext(rows, None)
        while row is not None:
            yield row[:_KEY_COLUMNS], row, None
            row = await anext(rows, None)
        for partition in left:
            async for other in self._rows(partition):
                yield other[:_KEY_COLUMNS], other, None

    async def _rows(self, partition: int) -> AsyncIterator[Row]:
        async for row in self._connection.cursor(_READ, partition, prefetch=_PREFETCHED_ROWS):
            yield tuple(row)
