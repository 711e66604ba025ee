"""Where the entries of an audit are looked for: the events of an account, of one of its assistants, or of a number."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from patchbay.api.moments import Moment
from patchbay.api.reading.reader import Reader, with_pointers
from patchbay.api.reading.versions import Versions

if TYPE_CHECKING:
    from asyncpg import Record

# Of an event by another key than the one that is looked for, only that it was. Who did it exactly, its headers tell.
_COLUMNS: Final = """e.type,
       CASE WHEN $2::bytea IS NULL OR position($2 IN e.headers) > 0 THEN e.headers END AS headers,
       CASE WHEN $2::bytea IS NULL OR position($2 IN e.headers) > 0 THEN e.value END AS value"""
_NEWEST_FIRST: Final = "found.happened DESC, found.stream DESC, found.height DESC"

# The account's own stream by height, and what happened to numbers while they were its own by time.
_OF_ACCOUNT: Final = with_pointers(
    f"""
    SELECT one.*, NULL::text AS holder, NULL::text AS before
      FROM (SELECT * FROM (
                SELECT e.time AS happened, e.stream, e.height, {_COLUMNS}
                  FROM history.events e
                 WHERE e.stream = $1 AND e.height < $3 AND e.height > $4
                 ORDER BY e.height DESC LIMIT $9) AS own
            UNION ALL
            SELECT n.time, n.stream, n.height, {_COLUMNS}
              FROM (SELECT time, stream, height FROM {{read_model}}.number_events
                     WHERE account_id = $1 AND stream <> account_id AND time <= $5
                       AND (time, stream, height) < ($5, $6, $7) AND time >= $8
                     ORDER BY time DESC, stream DESC, height DESC LIMIT $9) AS n
              JOIN history.events e ON e.stream = n.stream AND e.height = n.height) AS one
     ORDER BY one.happened DESC, one.stream DESC, one.height DESC LIMIT $9
    """,
    order=_NEWEST_FIRST,
)
_OF_ASSISTANT: Final = with_pointers(
    f"""
    SELECT e.time AS happened, e.stream, e.height, {_COLUMNS}, NULL::text AS holder, NULL::text AS before
      FROM (SELECT stream, height FROM {{read_model}}.versions
             WHERE assistant_id = $1 AND version < $3 AND version > $4 ORDER BY version DESC LIMIT $5) AS v
      JOIN history.events e ON e.stream = v.stream AND e.height = v.height
    """,
    order=_NEWEST_FIRST,
)
_OF_NUMBER: Final = with_pointers(
    f"""
    SELECT n.time AS happened, n.stream, n.height, {_COLUMNS}, n.assistant_id AS holder, b.assistant_id AS before
      FROM (SELECT one.*
              FROM (VALUES ($1), ($3::text)) AS s (stream)
              CROSS JOIN LATERAL (
                    SELECT * FROM {{read_model}}.number_events
                     WHERE number_id = $1 AND account_id = $3 AND stream = s.stream
                       AND time <= $4 AND (time, stream, height) < ($4, $5, $6) AND time >= $7
                     ORDER BY time DESC, height DESC LIMIT $8
                   ) AS one
             ORDER BY one.time DESC, one.stream DESC, one.height DESC LIMIT $8) AS n
      JOIN history.events e ON e.stream = n.stream AND e.height = n.height
      LEFT JOIN LATERAL (
            SELECT assistant_id FROM {{read_model}}.number_events
             WHERE number_id = $1 AND account_id = $3 AND stream = n.stream AND stream = account_id
               AND time <= n.time AND (time, height) < (n.time, n.height)
             ORDER BY time DESC, height DESC LIMIT 1
           ) AS b ON true
    """,
    order=_NEWEST_FIRST,
)
# Heights have no gaps, and times grow with them: halving finds the last event up to a time.
_HEIGHT_AT: Final = with_pointers(
    """
    WITH RECURSIVE search (low, high) AS (
        SELECT 0::bigint, coalesce((SELECT max(height) FROM history.events WHERE stream = $1), 0)
        UNION ALL
        SELECT CASE WHEN e.time <= $2 THEN s.middle ELSE s.low END,
               CASE WHEN e.time <= $2 THEN s.high ELSE s.middle - 1 END
          FROM (SELECT low, high, (low + high + 1) / 2 AS middle FROM search WHERE low < high) AS s
          JOIN history.events e ON e.stream = $1 AND e.height = s.middle
    )
    SELECT low FROM search WHERE low = high
    """
)
_ABOVE_ALL: Final = 2**62
_VERSION_ABOVE_ALL: Final = 2**31 - 1
_LEAST: Final = timedelta(microseconds=1)
_FIRST_TIME: Final = "0001-01-01T00:00:00.000001Z"


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """Behind which event one goes on, the newest first; as it is, before all."""

    time: str = "9999-12-31T23:59:59.999999Z"
    stream: str = "~"  # above every stream's id
    height: int = _ABOVE_ALL

    @property
    def is_event(self) -> bool:
        """False: it is only a time, with which one begins."""
        return self.height < _ABOVE_ALL

    @property
    def place(self) -> tuple[datetime, str, int]:
        """The same for the database."""
        return Moment(self.time).time, self.stream, self.height


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Of which account, and what of it; None = whatever it is."""

    account_id: str
    assistant_id: str | None = None
    phone_number_id: str | None = None
    field: str | None = None
    actor: str | None = None
    since: str | None = None  # ISO 8601, UTC, six digits; inclusive, as is the other
    until: str | None = None

    @property
    def begin(self) -> Mark:
        """Where a list begins."""
        return Mark() if self.until is None else Mark(self.until)


class Sources:
    """Finds what may be an entry, the newest first."""

    def __init__(self, reader: Reader, versions: Versions) -> None:
        self._reader = reader
        self._versions = versions

    async def read(self, wanted: Wanted, mark: Mark, limit: int) -> "list[Record]":
        """
        Return the next events behind `mark`; fewer than `limit` if there are no more.

        Those of another actor than the wanted one may have no headers and no value.
        """
        actor = None if wanted.actor is None else wanted.actor.encode()
        if wanted.assistant_id is not None:
            bounds = await self._versions_between(wanted, wanted.assistant_id, mark)
            rows = await self._reader.fetch(_OF_ASSISTANT, wanted.assistant_id, actor, *bounds, limit)
        elif wanted.phone_number_id is not None:
            place: tuple[Any, ...] = (*mark.place, _since(wanted))
            rows = await self._reader.fetch(_OF_NUMBER, wanted.phone_number_id, actor, wanted.account_id, *place, limit)
        else:
            place = (*mark.place, _since(wanted))
            bounds = await self._heights_between(wanted, mark)
            rows = await self._reader.fetch(_OF_ACCOUNT, wanted.account_id, actor, *bounds, *place, limit)
        return [row for row in rows if row["stream"] is not None]

    async def _heights_between(self, wanted: Wanted, mark: Mark) -> tuple[int, int]:
        """Return between which heights of the account's stream, both excluded."""
        if mark.stream == wanted.account_id:
            upper = mark.height
        else:  # at one time, the account's own is the older one
            upper = _ABOVE_ALL if mark == Mark() else await self._height_at(wanted.account_id, mark.place[0]) + 1
        if wanted.since is None:
            return upper, 0
        return upper, await self._height_at(wanted.account_id, _since(wanted) - _LEAST)

    async def _versions_between(self, wanted: Wanted, assistant_id: str, mark: Mark) -> tuple[int, int]:
        upper = _VERSION_ABOVE_ALL
        if mark != Mark():
            upper = await self._versions.at(assistant_id, Moment(mark.time)) + (not mark.is_event)
        if wanted.since is None:
            return upper, 0
        before = (_since(wanted) - _LEAST).isoformat(timespec="microseconds")
        return upper, await self._versions.at(assistant_id, Moment(before))

    async def _height_at(self, stream: str, time: datetime) -> int:
        height: int = (await self._reader.fetch(_HEIGHT_AT, stream, time))[0]["low"] or 0
        return height


def _since(wanted: Wanted) -> datetime:
    return Moment(max(wanted.since or _FIRST_TIME, _FIRST_TIME)).time
