"""
What an assistant was: its versions, each from the one event that made it.

Everything comes from the history, so it is there as well when the assistant is no more. An earlier version is folded
from the milestone below it: no more than 64 events, however many the assistant or its account has.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from patchbay.api.moments import Moment
from patchbay.api.reading.reader import Reader, with_pointers
from patchbay.api.reading.recorded import COLUMNS, recorded
from patchbay.assistants.events import AssistantCreated, AssistantDeleted, AssistantUpdated, Event, NumbersAssigned
from patchbay.assistants.evolve import CONFIGURATION_FIELDS, changed_fields, evolve_assistant
from patchbay.assistants.states import Assistant, differing_fields

if TYPE_CHECKING:
    from asyncpg import Record

# From the version to its event and never the other way, which would look through all that the account has.
_EVENTS = """
    {read_model}.versions v
    CROSS JOIN LATERAL (SELECT * FROM history.events WHERE stream = v.stream AND height = v.height OFFSET 0) AS e
"""
_NEWEST = with_pointers(
    "SELECT stream, version FROM {read_model}.versions WHERE assistant_id = $1 ORDER BY version DESC LIMIT 1"
)
# Versions have no gaps, and their times grow with them: halving finds the last one up to a time.
_FIND = with_pointers(
    f"""
    WITH RECURSIVE search (low, high) AS (
        SELECT 0, coalesce((SELECT max(version) FROM {{read_model}}.versions WHERE assistant_id = $1), 0)
        UNION ALL
        SELECT CASE WHEN e.time <= $2 THEN s.middle ELSE s.low END,
               CASE WHEN e.time <= $2 THEN s.high ELSE s.middle - 1 END
          FROM (SELECT low, high, (low + high + 1) / 2 AS middle FROM search WHERE low < high) AS s
          JOIN ({_EVENTS}) ON v.assistant_id = $1 AND v.version = s.middle
    )
    SELECT low FROM search WHERE low = high
    """
)
_FOLDED_FROM = f"""
    milestone AS (
        SELECT m.version, m.record FROM asked
         CROSS JOIN LATERAL (
               SELECT version, record FROM {{read_model}}.milestones
                WHERE assistant_id = $1 AND version < asked.version ORDER BY version DESC LIMIT 1) AS m
    )
    SELECT version, NULL AS type, NULL::bytea AS headers, NULL::bytea AS value, record FROM milestone
    UNION ALL
    SELECT v.version, {COLUMNS}, NULL
      FROM {_EVENTS}
     WHERE v.assistant_id = $1 AND v.version <= (SELECT version FROM asked)
       AND v.version > coalesce((SELECT version FROM milestone), 0)
"""
_READ = with_pointers(f"WITH asked AS (SELECT $2::int AS version), {_FOLDED_FROM}", order="found.version")
# Heights grow with versions: halving finds the version that the event of a height made.
_READ_MADE = with_pointers(
    f"""
    WITH RECURSIVE search (low, high) AS (
        SELECT 0, (SELECT max(version) FROM {{read_model}}.versions WHERE assistant_id = $1)
        UNION ALL
        SELECT CASE WHEN v.height <= $2 THEN s.middle ELSE s.low END,
               CASE WHEN v.height <= $2 THEN s.high ELSE s.middle - 1 END
          FROM (SELECT low, high, (low + high + 1) / 2 AS middle FROM search WHERE low < high) AS s
          JOIN {{read_model}}.versions v ON v.assistant_id = $1 AND v.version = s.middle
    ),
    asked AS (SELECT low AS version FROM search WHERE low = high), {_FOLDED_FROM}
    """,
    order="found.version",
)
_LIST = f"SELECT v.version, {COLUMNS} FROM {_EVENTS} WHERE v.assistant_id = $1 AND "
_LIST_NEWEST = with_pointers(
    _LIST + "v.version < $2 ORDER BY v.version DESC LIMIT $3 OFFSET $4", order="found.version DESC"
)
_LIST_OLDEST = with_pointers(_LIST + "v.version > $2 ORDER BY v.version LIMIT $3 OFFSET $4", order="found.version")
_ABOVE_ALL = 2**31 - 1

_decode_assistant = msgspec.json.Decoder(Assistant).decode


class Newest(msgspec.Struct, frozen=True):
    """How far an assistant has come."""

    account_id: str
    version: int


class VersionState(msgspec.Struct, frozen=True):
    """An assistant as one of its versions left it."""

    assistant: Assistant
    time: str  # of the version's event
    is_deleted: bool  # by this version


class VersionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The public record of a version; its JSON, in this field order, is what clients see."""

    version: int
    time: str
    type: str  # of the event
    actor: str | None  # id of the key that acted
    reason: str | None
    command_id: str | None
    changed_fields: tuple[str, ...]  # those that the event sets
    restored_from: int | None


class Versions:
    """Finds versions of assistants, of those that are no more as well."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def newest(self, assistant_id: str) -> Newest | None:
        """Return whose the assistant is or was, and its newest version; None if there never was one."""
        row = (await self._reader.fetch(_NEWEST, assistant_id))[0]
        return None if row["version"] is None else Newest(row["stream"], row["version"])

    async def at(self, assistant_id: str, moment: Moment) -> int:
        """Return the version that the assistant had at a moment; 0 before its creation."""
        rows = await self._reader.fetch(_FIND, assistant_id, moment.time)
        version: int = rows[0]["low"] or 0
        return version

    async def read(self, assistant_id: str, version: int) -> VersionState | None:
        """Return the assistant as this version left it; None if it never had the version."""
        state = _fold(assistant_id, await self._reader.fetch(_READ, assistant_id, version))
        return state if state is not None and state.assistant.version == version else None

    async def read_made(self, assistant_id: str, height: int) -> VersionState | None:
        """Return the assistant as it was after its account's event at this height; None if it was not there yet."""
        return _fold(assistant_id, await self._reader.fetch(_READ_MADE, assistant_id, height))

    async def differences(self, current: Assistant, known_version: int) -> tuple[str, ...] | None:
        """Return the fields in which an assistant differs from an earlier version of it; None if there was no such."""
        if not 0 < known_version < current.version:
            return None
        known = await self.read(current.id, known_version)
        return None if known is None else differing_fields(known.assistant, current)

    async def list_newest(self, assistant_id: str, below: int | None, limit: int, offset: int) -> list[VersionRecord]:
        """Return versions below one (None: all), the newest first."""
        bound = _ABOVE_ALL if below is None else below
        rows = await self._reader.fetch(_LIST_NEWEST, assistant_id, bound, limit, offset)
        return [_record(row) for row in rows if row["version"] is not None]

    async def list_oldest(self, assistant_id: str, above: int | None, limit: int, offset: int) -> list[VersionRecord]:
        """Return versions above one (None: all), the oldest first."""
        rows = await self._reader.fetch(_LIST_OLDEST, assistant_id, above or 0, limit, offset)
        return [_record(row) for row in rows if row["version"] is not None]


def _fold(assistant_id: str, rows: "Iterable[Record]") -> VersionState | None:
    """Return what the last of these versions left; None if there is none."""
    assistant: Assistant | None = None
    state: VersionState | None = None
    for row in rows:
        if row["version"] is None:
            return None
        if row["record"] is not None:
            assistant = _decode_assistant(row["record"])
            continue
        made = recorded(row)
        assistant = evolve_assistant(assistant, made.event, assistant_id=assistant_id, time=made.time)
        state = VersionState(assistant, made.time, isinstance(made.event, AssistantDeleted))
    return state


def _record(row: "Record") -> VersionRecord:
    made = recorded(row)
    event = made.event
    restored = event.restored_from if isinstance(event, AssistantUpdated) else msgspec.UNSET
    return VersionRecord(
        version=row["version"],
        time=made.time,
        type=made.type,
        actor=made.actor,
        reason=made.reason,
        command_id=made.command_id,
        changed_fields=_fields_of(event),
        restored_from=None if restored is msgspec.UNSET else restored,
    )


def _fields_of(event: Event) -> tuple[str, ...]:
    match event:
        case AssistantCreated():
            return CONFIGURATION_FIELDS
        case AssistantUpdated():
            return tuple(changed_fields(event))
        case NumbersAssigned() | AssistantDeleted():
            return ("phone_number_ids",)
        case _:
            return ()
