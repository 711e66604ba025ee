"""
The history in the order of the log: what each partition got, and of one account only what may be its own.

Rows and checkpoint are committed together, so whatever lies below the checkpoint of a statement's own snapshot is all
there, and nothing appears below it later.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from patchbay.api.reading.reader import Reader, with_pointers

if TYPE_CHECKING:
    from asyncpg import Record

PASS_EVENTS = 200  # of one partition in one pass: bounds what one holds in memory, and its time
PAGE_EVENTS = 100
SPAN_OFFSETS = 20_000  # looked through in one statement, however few are found in them
_LAST = 2**62  # above every position, with room to add to it

_IS_NUMBER = "e.stream >= 'pn_' AND e.stream < 'pn`'"  # in the words of its index; after `_` comes "`"
_COLUMNS = 'e."offset", e.stream, e.height, e.type, e.headers, e.value'
# The event that says whose the number is as of e.
_OWNER = f"""
    SELECT r.type AS owner_type, r.height AS owner_height, r.value AS owner_value
      FROM history.events r
     WHERE {_IS_NUMBER} AND r.stream = e.stream AND r.height <= e.height
       AND r.type IN ('NumberRegistered', 'NumberReleased')
     ORDER BY r.height DESC LIMIT 1
"""
_ROWS = f"""
    SELECT p.partition, least(p.upto, c.next_offset) AS bound, c.next_offset,
           {_COLUMNS}, o.owner_type, o.owner_height, o.owner_value
      FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS p (partition, since, upto)
      JOIN {{read_model}}.checkpoints c ON c.partition = p.partition
      LEFT JOIN LATERAL (
            SELECT {_COLUMNS}
              FROM history.events e
             WHERE e.partition = p.partition AND e."offset" >= p.since AND e."offset" < least(p.upto, c.next_offset)
               AND ($4::text[] IS NULL OR e.stream = ANY($4) OR ({_IS_NUMBER}))
             ORDER BY e."offset" LIMIT $5
           ) AS e ON true
      LEFT JOIN LATERAL ({_OWNER}) AS o ON true
"""
_READ_PASS = with_pointers(_ROWS, order='found.partition, found."offset"')

# The account's own stream by height, numbers by offset; both up to the offset that neither has been cut before.
_PAGE = f"""
    SELECT $1::int AS partition, h.bound, h.next_offset, f.*
      FROM (SELECT c.next_offset, least(
                $3::bigint, c.next_offset,
                (SELECT e."offset" FROM history.events e
                  WHERE e.stream = $4 AND e.height > $5 ORDER BY e.height OFFSET {PAGE_EVENTS} LIMIT 1),
                (SELECT e."offset" FROM history.events e
                  WHERE e.partition = $1 AND {_IS_NUMBER} AND e."offset" >= $2
                  ORDER BY e."offset" OFFSET {PAGE_EVENTS * 10} LIMIT 1)
              ) AS bound
              FROM {{read_model}}.checkpoints c WHERE c.partition = $1 OFFSET 0) AS h
      LEFT JOIN LATERAL (
            SELECT {_COLUMNS}, NULL::text AS owner_type, NULL::bigint AS owner_height, NULL::bytea AS owner_value
              FROM (SELECT * FROM history.events
                     WHERE stream = $4 AND height > $5 ORDER BY height LIMIT {PAGE_EVENTS}) AS e
             WHERE e."offset" < h.bound
            UNION ALL
            SELECT {_COLUMNS}, o.owner_type, o.owner_height, o.owner_value
              FROM history.events e CROSS JOIN LATERAL ({_OWNER}) AS o
             WHERE e.partition = $1 AND {_IS_NUMBER} AND e."offset" >= $2 AND e."offset" < h.bound
               AND position($6::bytea IN o.owner_value) > 0
           ) AS f ON true
"""
_READ_PAGE = with_pointers(_PAGE, order='found."offset"')

# Heights have no gaps and offsets grow with them: halving finds the last height below an offset.
_FIND_HEIGHT = with_pointers(
    """
    WITH RECURSIVE search (low, high) AS (
        SELECT 0::bigint, coalesce((SELECT max(height) FROM history.events WHERE stream = $1), 0)
        UNION ALL
        SELECT CASE WHEN e."offset" < $2 THEN s.middle ELSE s.low END,
               CASE WHEN e."offset" < $2 THEN s.high ELSE s.middle - 1 END
          FROM (SELECT low, high, (low + high + 1) / 2 AS middle FROM search WHERE low < high) AS s
          JOIN history.events e ON e.stream = $1 AND e.height = s.middle
    )
    SELECT low FROM search WHERE low = high
    """
)
_READ_ENDS = with_pointers("SELECT partition, next_offset FROM {read_model}.checkpoints")


class AcceptedEvent(msgspec.Struct, frozen=True, gc=False):
    """A row of the history, and for a number's event the one that says whose the number was by then."""

    partition: int
    offset: int
    stream: str
    height: int
    type: str
    headers: bytes
    value: bytes
    owner_type: str | None = None
    owner_height: int | None = None
    owner_value: bytes | None = None


class Passage(msgspec.Struct, frozen=True):
    """What lies between two positions of a partition: all of it that was asked for, in order."""

    partition: int
    events: list[AcceptedEvent]
    reached: int  # next offset
    is_at_end: bool  # nothing more was projected by then


class Events:
    """Reads accepted events from a position on."""

    def __init__(self, reader: Reader, partition_count: int) -> None:
        self._reader = reader
        self._partition_count = partition_count

    async def ends(self) -> list[int]:
        """Return how far each partition is projected: next offsets."""
        rows = await self._reader.fetch(_READ_ENDS)
        ends = [0] * self._partition_count
        for row in rows:
            if row["partition"] is not None:
                ends[row["partition"]] = row["next_offset"]
        return ends

    async def read_pass(
        self, positions: Mapping[int, int], *, accounts: Sequence[str] | None, upto: int | None = None
    ) -> list[Passage]:
        """
        Return what follows the positions, of each partition a bounded part.

        Args:
            positions: Next offsets, by partition.
            accounts: Whose streams; None = all. Numbers are told whoever has them.
            upto: The offset to stop before; None = none.
        """
        since = list(positions.values())
        last = _LAST if upto is None else upto
        bounds = [min(last, position + SPAN_OFFSETS) for position in since]
        rows = await self._reader.fetch(_READ_PASS, list(positions), since, bounds, accounts, PASS_EVENTS)
        found: dict[int, list[Record]] = {}
        for row in rows:
            if row["partition"] is not None:
                found.setdefault(row["partition"], []).append(row)
        return [_passage(partition, positions[partition], its, PASS_EVENTS) for partition, its in found.items()]

    async def read_page(
        self, account_id: str, partition: int, since: int, upto: int | None, above: int | None
    ) -> Passage:
        """
        Return what follows `since` and may be the account's: its own stream, and numbers that it has or had.

        Args:
            account_id: Whose.
            partition: Where.
            since: Next offset.
            upto: The offset to stop before; None = none.
            above: The account's own events are those above this height; None = they lie in another partition.
        """
        bound = _LAST if upto is None else upto
        rows = await self._reader.fetch(_READ_PAGE, partition, since, bound, account_id, above, account_id.encode())
        return _passage(partition, since, rows, None)

    async def height_below(self, stream: str, offset: int) -> int:
        """Return the height of the stream's last event before `offset`, 0 if there is none."""
        rows = await self._reader.fetch(_FIND_HEIGHT, stream, offset)
        return rows[0]["low"] or 0


def _passage(partition: int, since: int, rows: "Sequence[Record]", limit: int | None) -> Passage:
    first = rows[0]
    if first["partition"] is None:  # nobody has projected the partition yet
        return Passage(partition, [], since, is_at_end=True)
    events = [_event(partition, row) for row in rows if row["offset"] is not None]
    reached = events[-1].offset + 1 if len(events) == limit else max(since, first["bound"])
    return Passage(partition, events, reached, is_at_end=reached >= first["next_offset"])


def _event(partition: int, row: "Record") -> AcceptedEvent:
    return AcceptedEvent(
        partition,
        row["offset"],
        row["stream"],
        row["height"],
        row["type"],
        row["headers"],
        row["value"],
        row["owner_type"],
        row["owner_height"],
        row["owner_value"],
    )
