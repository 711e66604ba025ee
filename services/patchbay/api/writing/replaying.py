"""What an accepted command did when it took effect, told again from the history."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from patchbay.api.live import LIVE_COLUMNS, LiveGenerations
from patchbay.api.reading.reader import Reader
from patchbay.api.reading.versions import Versions
from patchbay.api.writing.kinds import evolve
from patchbay.api.writing.outcomes import CommandReference, CommandStatus, Position, State, Written
from patchbay.assistants.codec import decode_event, touched_assistants
from patchbay.assistants.events import Event
from patchbay.assistants.states import Account, Assistant, Number, Operators
from patchbay.postgres import Pool
from patchbay.projection.history import decode_headers

if TYPE_CHECKING:
    from asyncpg import Record

_READ_EVENT = """
SELECT height, type, time, partition, "offset", headers, value FROM history.events WHERE stream = $1 AND height = $2
"""
# A number is what its newest registration made of it, and what came after: not all that it ever was.
_READ_NUMBER = """
SELECT height, type, time, partition, "offset", headers, value FROM history.events
 WHERE stream = $1 AND height <= $2
   AND height >= (SELECT height FROM history.events
                   WHERE stream = $1 AND height <= $2 AND type = 'NumberRegistered'
                   ORDER BY height DESC LIMIT 1)
 ORDER BY height
"""
_READ_ROUTED = f"""
SELECT COALESCE((SELECT height FROM {{routing}}.heads WHERE stream = $1), 0) AS height, {LIVE_COLUMNS}
"""
_READ_STATUS = f"""
SELECT (SELECT min(height) FROM history.events WHERE stream = $1 AND command_id = $2) AS accepted,
       COALESCE((SELECT height FROM {{read_model}}.heads WHERE stream = $1), 0) AS height,
       EXISTS (SELECT FROM {{read_model}}.quarantine WHERE stream = $1) AS quarantined,
       COALESCE((SELECT height FROM {{routing}}.heads WHERE stream = $1), 0) AS routing_height,
       {LIVE_COLUMNS}
"""
_POLL_SECONDS = 0.025


class Replayer:
    """Tells the effect of an accepted event as its first answer told it."""

    def __init__(self, pool: Pool, live: LiveGenerations) -> None:
        self._pool = pool
        self._live = live
        self._versions = Versions(Reader(pool, live))

    async def replay(self, stream: str, height: int, *, routed: bool) -> Written:
        """
        Return the effect of the accepted event at this height; where asked, once the routing table shows it.

        The caller bounds the wait.
        """
        row = await self._pool.fetchrow(_READ_EVENT, stream, height)
        if row is None:
            raise LookupError(f"the history has no event at height {height} of {stream}")
        event = _event(row)
        state = await self._state_after(stream, height, event)
        if routed:
            await self.routed(stream, height)
        return Written(
            event=event,
            state=state,
            height=height,
            time=_time(row),
            position=Position(row["partition"], row["offset"] + 1),
            replayed=True,
        )

    async def routed(self, stream: str, height: int) -> None:
        """Return once the routing table shows the stream at this height. The caller bounds the wait."""
        while True:
            (row,) = await self._fetch(_READ_ROUTED, stream)
            if row["height"] >= height:
                return
            await asyncio.sleep(_POLL_SECONDS)

    async def look_up(self, reference: CommandReference) -> CommandStatus:
        """Return what became of a command: a function of the history, of no copy's memory."""
        command_id = bytes.fromhex(reference.command_id)
        (row,) = await self._fetch(_READ_STATUS, reference.stream, command_id)
        accepted: int | None = row["accepted"]
        if accepted is None:
            # Once the head is at the height or above, a record of that height is the accepted one or never will be.
            return CommandStatus(status="pending" if row["height"] < reference.height else "void")
        behind = [
            name
            for name, is_behind in (("read_model", row["quarantined"]), ("routing", row["routing_height"] < accepted))
            if is_behind
        ]
        if behind:
            return CommandStatus(status="accepted", waiting_for=tuple(behind))
        return CommandStatus(status="accepted", written=await self.replay(reference.stream, accepted, routed=False))

    async def _state_after(self, stream: str, height: int, event: Event) -> State:
        if stream.startswith("pn_"):
            return _fold(Number(id=stream), await self._pool.fetch(_READ_NUMBER, stream, height))
        if stream.startswith("oper_"):
            return evolve(Operators(), event, height=height, time="")
        assistants: dict[str, Assistant | None] = {}
        for assistant_id in touched_assistants(event)[:1]:
            version = await self._versions.read_made(assistant_id, height)
            assistants[assistant_id] = None if version is None else version.assistant
        account = Account(id=stream, assistants=assistants)
        if assistants:
            return account
        # An account's opening and its keys tell all of themselves in their one event.
        return _fold(account, await self._pool.fetch(_READ_EVENT, stream, height))

    async def _fetch(self, statement: str, *parameters: object) -> "list[Record]":
        while True:
            written_for = self._live.current
            rows = await self._live.fetch(self._pool, statement, *parameters)
            if not rows or not self._live.moved(written_for, rows[0]["live_read_model"], rows[0]["live_routing"]):
                return rows


def _event(row: "Record") -> Event:
    return decode_event(row["type"], _header(row, "ce_dataschema"), row["value"])


def _time(row: "Record") -> str:
    return _header(row, "ce_time")


def _header(row: "Record", name: str) -> str:
    return (dict(decode_headers(row["headers"]))[name] or b"").decode()


def _fold(state: State, rows: "Iterable[Record]") -> State:
    for row in rows:
        state = evolve(state, _event(row), height=row["height"], time=_time(row))
    return state
