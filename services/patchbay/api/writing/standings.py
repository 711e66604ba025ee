"""How far streams are: what shows a record its verdict, read in one snapshot of the database."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from patchbay.api.live import LIVE_COLUMNS, LiveGenerations
from patchbay.api.writing.outcomes import Position
from patchbay.postgres import Pool

if TYPE_CHECKING:
    from asyncpg import Record

_HEIGHTS = 512  # of one stream that are told at once; the rest right after

# A subquery with a limit is always run by index, once for each stream, whatever the planner knows of the history.
_READ_STANDINGS = f"""
SELECT w.stream, h.height AS head, h.stopped_by, r.height AS routing_height, q.stream IS NOT NULL AS quarantined,
       rq.stream IS NOT NULL AS routing_quarantined, e.height, e.digest, e.partition, e."offset", {LIVE_COLUMNS}
  FROM unnest($1::text[], $2::bigint[]) AS w (stream, low)
  LEFT JOIN {{read_model}}.heads h ON h.stream = w.stream
  LEFT JOIN {{read_model}}.quarantine q ON q.stream = w.stream
  LEFT JOIN {{routing}}.heads r ON r.stream = w.stream
  LEFT JOIN {{routing}}.quarantine rq ON rq.stream = w.stream
  LEFT JOIN LATERAL (SELECT height, digest, partition, "offset" FROM history.events
                      WHERE stream = w.stream AND height BETWEEN w.low AND w.low + {_HEIGHTS - 1}
                      ORDER BY height LIMIT {_HEIGHTS}) e ON true
"""


class Accepted(msgspec.Struct, frozen=True):
    """What the history holds at one height."""

    digest: str
    position: Position


class Standing(msgspec.Struct, kw_only=True):
    """How far one stream is, in one snapshot."""

    height: int  # of the head, or of the last of `accepted` if there are more than were asked for
    stopped_at: int | None = None  # height above which nothing but a mend will be accepted
    routing_height: int
    quarantined: bool = False
    routing_quarantined: bool = False
    accepted: dict[int, Accepted] = {}  # by height, from the lowest height asked for


class ReadsStandings(Protocol):
    """What shows how far the projections are (see `StandingReader`)."""

    async def read(self, lowest: Mapping[str, int]) -> Mapping[str, Standing]:
        """Return how each stream stands in one snapshot, with what it accepted from the lowest height on."""


class StandingReader:
    """Reads what the history holds from given heights on, and how far each projection is."""

    def __init__(self, pool: Pool, live: LiveGenerations) -> None:
        self._pool = pool
        self._live = live

    async def read(self, lowest: Mapping[str, int]) -> Mapping[str, Standing]:
        """Return how each stream stands in one snapshot, with what it accepted from the lowest height on."""
        while True:
            written_for = self._live.current
            rows = await self._live.fetch(self._pool, _READ_STANDINGS, list(lowest), list(lowest.values()))
            if not rows or not self._live.moved(written_for, rows[0]["live_read_model"], rows[0]["live_routing"]):
                return _standings(rows, lowest)


def _standings(rows: "Sequence[Record]", lowest: Mapping[str, int]) -> Mapping[str, Standing]:
    standings: dict[str, Standing] = {}
    for row in rows:
        stream = row["stream"]
        standing = standings.get(stream)
        if standing is None:
            standing = standings[stream] = Standing(
                height=min(row["head"] or 0, lowest[stream] + _HEIGHTS - 1),
                stopped_at=None if row["stopped_by"] is None else row["head"],
                routing_height=row["routing_height"] or 0,
                quarantined=row["quarantined"],
                routing_quarantined=row["routing_quarantined"],
            )
        if row["height"] is not None:
            position = Position(row["partition"], row["offset"] + 1)
            standing.accepted[row["height"]] = Accepted(row["digest"].hex(), position)
    return standings
