"""
What happened to a phone number, and how it stood at a moment.

The number's own stream says whose it is and what becomes of its calls; each account's stream, which of its assistants
holds it. `number_events` has the few events of both that are about one number, so nothing else is looked at.
"""

from typing import TYPE_CHECKING

import msgspec

from patchbay.api.moments import Moment
from patchbay.api.reading.reader import Reader, with_pointers
from patchbay.api.reading.recorded import COLUMNS, Recorded, recorded
from patchbay.assistants.events import NumberRegistered, NumberReleased, NumberUpdated
from patchbay.assistants.states import Holding

if TYPE_CHECKING:
    from asyncpg import Record

# The newest first; at one time, the number's own stream is the newer one (`pn_` is above `acct_`). Each account's own
# part lies together in the index, and of it what each stream says.
_LIST = with_pointers(
    f"""
    WITH RECURSIVE parts (account_id) AS (
        SELECT coalesce($2, (SELECT min(account_id) FROM {{read_model}}.number_events WHERE number_id = $1))
        UNION ALL
        SELECT (SELECT min(n.account_id) FROM {{read_model}}.number_events n
                 WHERE n.number_id = $1 AND n.account_id > p.account_id)
          FROM parts p WHERE $2::text IS NULL AND p.account_id IS NOT NULL
    )
    SELECT n.account_id, n.stream, n.time AS happened, n.height, n.assistant_id, b.assistant_id AS before, {COLUMNS}
      FROM (SELECT n.*
              FROM parts p
              CROSS JOIN LATERAL (VALUES ($1), (p.account_id)) AS s (stream)
              CROSS JOIN LATERAL (
                    SELECT * FROM {{read_model}}.number_events
                     WHERE number_id = $1 AND account_id = p.account_id AND stream = s.stream
                       AND time <= $3 AND (time, stream, height) < ($3, $4, $5)
                     ORDER BY time DESC, height DESC LIMIT $6
                   ) AS n
             WHERE p.account_id IS NOT NULL
             ORDER BY n.time DESC, n.stream DESC, n.height DESC LIMIT $6 OFFSET $7) AS n
      JOIN history.events e ON e.stream = n.stream AND e.height = n.height
      LEFT JOIN LATERAL (
            SELECT assistant_id FROM {{read_model}}.number_events
             WHERE number_id = $1 AND account_id = n.account_id AND stream = n.stream AND stream = n.account_id
               AND time <= n.time AND (time, height) < (n.time, n.height)
             ORDER BY time DESC, height DESC LIMIT 1
           ) AS b ON true
    """,
    order="found.happened DESC, found.stream DESC, found.height DESC",
)
_HAD = with_pointers(
    """
    SELECT EXISTS (SELECT FROM {read_model}.number_events
                    WHERE number_id = $1 AND ($2::text IS NULL OR account_id = $2)) AS had
    """
)
# Heights have no gaps, and times grow with them: halving finds the last event up to a time. From there, whose the
# number was: the last registration or release.
_OWNER_AT = with_pointers(
    f"""
    WITH RECURSIVE search (low, high) AS (
        SELECT 0::bigint, coalesce((SELECT max(height) FROM history.events WHERE stream = $1), 0)
        UNION ALL
        SELECT CASE WHEN e.time <= $2 THEN s.middle ELSE s.low END,
               CASE WHEN e.time <= $2 THEN s.high ELSE s.middle - 1 END
          FROM (SELECT low, high, (low + high + 1) / 2 AS middle FROM search WHERE low < high) AS s
          JOIN history.events e ON e.stream = $1 AND e.height = s.middle
    )
    SELECT h.low AS upto, e.height, {COLUMNS}
      FROM (SELECT low FROM search WHERE low = high) AS h
      CROSS JOIN LATERAL (
            SELECT * FROM history.events e
             WHERE e.stream >= 'pn_' AND e.stream < 'pn`' AND e.stream = $1 AND e.height <= h.low
               AND e.type IN ('NumberRegistered', 'NumberReleased')
             ORDER BY e.height DESC LIMIT 1
           ) AS e
    """
)
_CHANGES = with_pointers(
    f"""
    SELECT e.height, {COLUMNS} FROM history.events e
     WHERE e.stream = $1 AND e.height > $2 AND e.height <= $3 ORDER BY e.height DESC LIMIT $4
    """,
    order="found.height DESC",
)
_HOLDER_AT = with_pointers(
    """
    SELECT assistant_id, registration FROM {read_model}.number_events
     WHERE number_id = $1 AND account_id = $2 AND stream = $2 AND time <= $3
     ORDER BY time DESC, height DESC LIMIT 1
    """
)
_CHANGES_AT_ONCE = 100
CHANGES = ("registered", "changed", "assigned", "unassigned", "released")


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """The public record of what happened to a number; its JSON, in this field order, is what clients see."""

    time: str
    change: str  # registered | changed | assigned | unassigned | released
    type: str  # of the event
    account_id: str
    actor: str | None  # id of the key that acted
    reason: str | None
    command_id: str | None
    assistant_id: str | None  # who holds it from then on, if that is what changed
    previous_assistant_id: str | None
    changes: dict[str, str | None]  # of fallback and status


class Place(msgspec.Struct, frozen=True):
    """Where a page of the history begins: behind this happening."""

    time: str = "9999-12-31T23:59:59.999999Z"
    stream: str = "~"  # above every stream's id
    height: int = 2**63 - 1


class OwnedThen(msgspec.Struct, frozen=True, kw_only=True):
    """A number as its own stream left it at a moment."""

    account_id: str
    registration: int
    status: str
    fallback: str | None


class NumberHistory:
    """Reads the past of phone numbers."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def list_of(
        self, number_id: str, account_id: str | None, begin: Place, limit: int, offset: int
    ) -> list[tuple[Place, Happening]]:
        """Return what happened to a number while the account (None: any) had it, the newest first."""
        at = (Moment(begin.time).time, begin.stream, begin.height)
        rows = await self._reader.fetch(_LIST, number_id, account_id, *at, limit + offset, offset)
        return [_happening(row) for row in rows if row["stream"] is not None][:limit]

    async def was_ever_of(self, number_id: str, account_id: str | None) -> bool:
        """Return whether the account (None: any) has or had the number."""
        rows = await self._reader.fetch(_HAD, number_id, account_id)
        return bool(rows[0]["had"])

    async def owned_at(self, number_id: str, moment: Moment) -> OwnedThen | None:
        """Return whose the number was, and what became of its calls; None if nobody had it."""
        row = (await self._reader.fetch(_OWNER_AT, number_id, moment.time))[0]
        if row["height"] is None:
            return None
        registered = recorded(row).event
        if not isinstance(registered, NumberRegistered):
            return None
        status, fallback = await self._calls_at(number_id, row["height"], row["upto"])
        return OwnedThen(account_id=registered.account_id, registration=row["height"], status=status, fallback=fallback)

    async def holder_at(self, number_id: str, account_id: str, moment: Moment) -> Holding | None:
        """Return which assistant of the account held the number; None if none did."""
        row = (await self._reader.fetch(_HOLDER_AT, number_id, account_id, moment.time))[0]
        if row["assistant_id"] is None:
            return None
        return Holding(assistant_id=row["assistant_id"], registration=row["registration"])

    async def _calls_at(self, number_id: str, registration: int, upto: int) -> tuple[str, str | None]:
        """Return status and fallback, from the newest change back to where both are known, or to the registration."""
        status: str | msgspec.UnsetType = msgspec.UNSET
        fallback: str | msgspec.UnsetType | None = msgspec.UNSET
        while upto > registration and (status is msgspec.UNSET or fallback is msgspec.UNSET):
            rows = await self._reader.fetch(_CHANGES, number_id, registration, upto, _CHANGES_AT_ONCE)
            for row in rows:
                event = recorded(row).event
                if isinstance(event, NumberUpdated):
                    status = event.status if status is msgspec.UNSET else status
                    fallback = event.fallback if fallback is msgspec.UNSET else fallback
            upto = rows[-1]["height"] - 1
        return (
            "active" if status is msgspec.UNSET else status,
            None if fallback is msgspec.UNSET else fallback,
        )


def _happening(row: "Record") -> tuple[Place, Happening]:
    made = recorded(row)
    is_assignment = row["stream"] == row["account_id"]
    happening = Happening(
        time=made.time,
        change=_change_of(made, row["assistant_id"]) if is_assignment else _change_of(made, None),
        type=made.type,
        account_id=row["account_id"],
        actor=made.actor,
        reason=made.reason,
        command_id=made.command_id,
        assistant_id=row["assistant_id"],
        previous_assistant_id=row["before"],
        changes=_changes_of(made.event) if isinstance(made.event, NumberUpdated) else {},
    )
    return Place(made.time, row["stream"], row["height"]), happening


def _change_of(made: Recorded, assistant_id: str | None) -> str:
    match made.event:
        case NumberRegistered():
            return "registered"
        case NumberReleased():
            return "released"
        case NumberUpdated():
            return "changed"
        case _:
            return "unassigned" if assistant_id is None else "assigned"


def _changes_of(event: NumberUpdated) -> dict[str, str | None]:
    given = {"fallback": event.fallback, "status": event.status}
    return {name: value for name, value in given.items() if value is not msgspec.UNSET}
