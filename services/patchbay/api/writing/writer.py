"""The door to writing: one command in, its outcome out, within a deadline."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from patchbay.api.live import LiveGenerations
from patchbay.api.writing.attempts import Attempt
from patchbay.api.writing.loading import Loader
from patchbay.api.writing.outcomes import CommandReference, CommandStatus, KeyReused, Unavailable, Write, Written
from patchbay.api.writing.replaying import Replayer
from patchbay.api.writing.settling import Settler, VerdictReader
from patchbay.api.writing.stream import StreamWriter, Surroundings
from patchbay.assistants.catalogue import Catalogue
from patchbay.eventlog import Appender, LogIdentity
from patchbay.postgres import Pool

WAITING_WRITES = 4096  # beyond this a copy sheds load before its memory grows
CLOCK_SKEW_SECONDS = 2.0  # a copy whose clock is further off the broker's appends nothing


class Writer:
    """
    Executes commands.

    What `execute` returns is in the log exactly once and visible to every reader. A `Rejection`, and every
    `WriteFailed` but the unsettled ones, left nothing and never will.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._with = surroundings
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
        if abs(self._with.appender.clock_skew_seconds) > CLOCK_SKEW_SECONDS:
            raise Unavailable("this copy's clock is off the log's; nothing was sent")
        attempt = self._attempts[write.command_id] = Attempt(write)
        attempt.answer.add_done_callback(_retrieve)
        stream = self._streams.get(write.stream)
        if stream is None:
            stream = self._streams[write.stream] = StreamWriter(write.stream, self._with, self._forget_stream)
        stream.submit(attempt)
        return attempt

    def _forget_stream(self, name: str) -> None:
        self._streams.pop(name, None)

    async def _answer(self, attempt: Attempt, deadline: float) -> Written:
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.shield(attempt.answer)
        except TimeoutError:
            raise attempt.failure() from None

    def session_ended(self, session: int, _reason: str) -> None:
        """The appender's session is over: forget what it has not had acknowledged."""
        for stream in list(self._streams.values()):
            stream.session_ended(session)

    async def look_up(self, reference: CommandReference) -> CommandStatus:
        """
        Return what became of a command, from the log's history alone.

        Raises:
            Exception: The database is out of reach.
        """
        return await self._with.replayer.look_up(reference)


@asynccontextmanager
async def open_writer(
    *,
    pool: Pool,
    live: LiveGenerations,
    appender: Appender,
    identity: LogIdentity,
    catalogue: Catalogue | None = None,
) -> AsyncIterator[tuple[Writer, Settler]]:
    """Open a writer; its settler is to be woken whenever a projection says that it has moved."""
    settler = Settler(VerdictReader(pool, live))
    writer = Writer(Surroundings(Loader(pool, live, identity), appender, settler, Replayer(pool, live), catalogue))
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
