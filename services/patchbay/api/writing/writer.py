"""The door to writing: one command in, its outcome out, within a deadline."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import msgspec

from patchbay.api.live import LIVE_COLUMNS, LiveGenerations
from patchbay.api.writing.attempts import Attempt
from patchbay.api.writing.loading import Loader
from patchbay.api.writing.outcomes import CommandReference, KeyReused, Unavailable, Write, Written
from patchbay.api.writing.replaying import Replayer
from patchbay.api.writing.settling import Settler
from patchbay.api.writing.stream import StreamWriter, Surroundings
from patchbay.eventlog import Appender, LogIdentity
from patchbay.postgres import Pool

WAITING_WRITES = 4096  # beyond this a copy sheds load before its memory grows
CLOCK_SKEW_SECONDS = 2.0  # a copy whose clock is further off the broker's appends nothing

_READ_STATUS = f"""
SELECT (SELECT min(height) FROM history.events WHERE stream = $1 AND command_id = $2) AS accepted,
       COALESCE((SELECT height FROM {{read_model}}.heads WHERE stream = $1), 0) AS height,
       EXISTS (SELECT FROM {{read_model}}.quarantine WHERE stream = $1) AS quarantined,
       COALESCE((SELECT height FROM {{routing}}.heads WHERE stream = $1), 0) AS routing_height,
       {LIVE_COLUMNS}
"""


class CommandStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command. `written` is there when it is accepted and every projection shows it."""

    status: Literal["pending", "accepted", "void"]
    waiting_for: tuple[str, ...] = ()
    written: Written | None = None


class Writer:
    """
    Executes commands.

    What `execute` returns is in the log exactly once and visible to every reader. A `Rejection`, and every
    `WriteFailed` but the unsettled ones, left nothing and never will.
    """

    def __init__(
        self, *, pool: Pool, live: LiveGenerations, appender: Appender, identity: LogIdentity, settler: Settler
    ) -> None:
        self._pool = pool
        self._live = live
        self._appender = appender
        self._replayer = Replayer(pool, live)
        self._settler = settler
        self._surroundings = Surroundings(Loader(pool, live, identity), appender, settler, self._replayer)
        self._streams: dict[str, StreamWriter] = {}
        self._attempts: dict[str, Attempt] = {}  # under way, by command id

    async def execute(self, write: Write, *, deadline: float) -> Written:
        """
        Carry out a command. A repetition that is still under way is joined.

        Args:
            write: The command and what goes into its event's envelope.
            deadline: Loop time by which there is an answer, whatever hangs.

        Raises:
            Rejection: The domain says no.
            WriteFailed: See the tree in `outcomes`.
        """
        attempt = self._attempts.get(write.command_id)
        if attempt is None:
            attempt = self._start(write)
            try:
                return await self._answer(attempt, deadline)
            finally:
                attempt.expire()
                del self._attempts[write.command_id]
        if attempt.write.request_digest != write.request_digest:
            raise KeyReused("this Idempotency-Key stands for another request, which is still under way")
        return await self._answer(attempt, deadline)

    def _start(self, write: Write) -> Attempt:
        if len(self._attempts) >= WAITING_WRITES:
            raise Unavailable("too many writes are waiting already; nothing was sent")
        if abs(self._appender.clock_skew_seconds) > CLOCK_SKEW_SECONDS:
            raise Unavailable("this copy's clock is off the log's; nothing was sent")
        attempt = self._attempts[write.command_id] = Attempt(write)
        attempt.answer.add_done_callback(_retrieve)
        stream = self._streams.get(write.stream)
        if stream is None:
            stream = self._streams[write.stream] = StreamWriter(
                write.stream, self._surroundings, lambda name: self._streams.pop(name, None)
            )
        stream.submit(attempt)
        return attempt

    async def _answer(self, attempt: Attempt, deadline: float) -> Written:
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.shield(attempt.answer)
        except TimeoutError:
            raise attempt.failure() from None

    def session_ended(self, session: int) -> None:
        """The appender's session is over: forget what it has not had acknowledged."""
        for stream in list(self._streams.values()):
            stream.session_ended(session)

    async def look_up(self, reference: CommandReference) -> CommandStatus:
        """
        Return what became of a command, from the log's history alone.

        Raises:
            Exception: The database is out of reach.
        """
        while True:
            row = await self._pool.fetchrow(
                self._live.sql(_READ_STATUS), reference.stream, bytes.fromhex(reference.command_id)
            )
            if row is None or not self._live.moved(row["live_read_model"], row["live_routing"]):
                break
        if row is None or (row["accepted"] is None and row["height"] < reference.height):
            return CommandStatus(status="pending")
        if row["accepted"] is None:
            return CommandStatus(status="void")
        behind = ("read_model",) if row["quarantined"] else ()
        if row["routing_height"] < row["accepted"]:
            behind += ("routing",)
        if behind:
            return CommandStatus(status="accepted", waiting_for=behind)
        written = await self._replayer.replay(reference.stream, row["accepted"], routed=False)
        return CommandStatus(status="accepted", written=written)


@asynccontextmanager
async def open_writer(
    *, pool: Pool, live: LiveGenerations, appender: Appender, identity: LogIdentity
) -> AsyncIterator[tuple[Writer, Settler]]:
    """Open a writer; its settler is to be woken whenever a projection says that it has moved."""
    settler = Settler(pool, live)
    writer = Writer(pool=pool, live=live, appender=appender, identity=identity, settler=settler)
    appender.on_session_end(writer.session_ended)
    settling = asyncio.create_task(settler.run())
    try:
        yield writer, settler
    finally:
        settling.cancel()
        await asyncio.wait([settling])


def _retrieve(answer: "asyncio.Future[Written]") -> None:
    """Mark an exception as seen: its asker may have gone."""
    if not answer.cancelled():
        answer.exception()
