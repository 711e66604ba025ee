"""The door to writing: one command in, its outcome out, within a deadline."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from patchbay.api.live import LiveGenerations
from patchbay.api.writing.admission import Admission
from patchbay.api.writing.announcements import Announcements
from patchbay.api.writing.attempts import Attempt
from patchbay.api.writing.loading import Loader
from patchbay.api.writing.outcomes import CommandReference, CommandStatus, KeyReused, Unavailable, Write, Written
from patchbay.api.writing.rehearsing import Rehearsal, recall, rehearse
from patchbay.api.writing.remembering import Memory
from patchbay.api.writing.replaying import Replayer
from patchbay.api.writing.settling import Settler
from patchbay.api.writing.standings import StandingReader
from patchbay.api.writing.stream import StreamWriter
from patchbay.api.writing.surroundings import Surroundings
from patchbay.assistants.catalogue import Catalogue
from patchbay.eventlog import Appender, LogIdentity
from patchbay.postgres import Pool

IDLE_STREAMS = 1024  # kept for their next write; making one anew costs more than that write's HTTP
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
        self._idle: dict[str, StreamWriter] = {}  # nothing under way, the longest idle first
        self._attempts: dict[str, Attempt] = {}  # under way, by command id
        self._admission = Admission()

    async def execute(self, write: Write, *, deadline: float) -> Written:
        """
        Carry out a command. A repetition that is still under way is joined; a caller that is cancelled ends nothing.

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
        elif attempt.write.request_digest != write.request_digest:
            raise KeyReused("this Idempotency-Key stands for another request, which is still under way")
        return await attempt.wait(deadline)

    async def rehearse(self, write: Write, *, deadline: float) -> Rehearsal:
        """
        Tell what a command would lead to now; nothing is appended.

        Args:
            write: As for `execute`.
            deadline: Loop time by which there is an answer.

        Raises:
            Rejection: The domain would say no.
            WriteFailed: It cannot be told, or the command would not be decided.
        """
        return await rehearse(write, self._with, deadline=deadline)

    async def recall(self, write: Write, *, deadline: float) -> Written | None:
        """
        Return what a repeated command has led to, or leads to as it is under way; None if it is neither.

        Args:
            write: As for `execute`.
            deadline: Loop time by which there is an answer, whatever hangs.

        Raises:
            Rejection: The domain says no to the one that is under way.
            WriteFailed: It cannot be told, or has not been answered in time.
        """
        if write.command_id in self._attempts:
            return await self.execute(write, deadline=deadline)
        return await recall(write, self._with, deadline=deadline)

    def _start(self, write: Write) -> Attempt:
        if self._with.settler.is_full:
            raise Unavailable("too many writes are waiting already; nothing was sent")
        if abs(self._with.appender.clock_skew_seconds) > CLOCK_SKEW_SECONDS:
            raise Unavailable("this copy's clock is off the log's; nothing was sent")
        self._admission.begin(write.account or write.stream)
        attempt = self._attempts[write.command_id] = Attempt(write, self._forget_attempt)
        attempt.begun_at = asyncio.get_running_loop().time()
        stream = self._streams.get(write.stream)
        if stream is None:
            stream = self._idle.pop(write.stream, None) or StreamWriter(write.stream, self._with, self._lay_aside)
            self._streams[write.stream] = stream
        stream.submit(attempt)
        return attempt

    def _forget_attempt(self, attempt: Attempt) -> None:
        write = attempt.write
        del self._attempts[write.command_id]
        self._admission.end(write.account or write.stream)
        if isinstance(attempt.answer, Written):
            now = asyncio.get_running_loop().time()
            self._admission.took(now, now - attempt.begun_at)

    def _lay_aside(self, stream: StreamWriter) -> None:
        if self._streams.get(stream.stream) is not stream:
            return  # a late verdict woke one that was laid aside before
        self._idle[stream.stream] = self._streams.pop(stream.stream)
        if len(self._idle) > IDLE_STREAMS:
            del self._idle[next(iter(self._idle))]

    async def close(self) -> None:
        """Answer whoever waits with what is known, and end."""
        for attempt in list(self._attempts.values()):
            attempt.expire()
        tasks = [task for stream in list(self._streams.values()) for task in stream.close()]
        if tasks:
            await asyncio.wait(tasks)

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
) -> AsyncIterator[tuple[Writer, Settler, Announcements]]:
    """Open a writer; its settler is to be woken whenever a projection moves, its announcements are to be told."""
    memory = Memory()
    settler = Settler(StandingReader(pool, live), memory)
    loader, replayer = Loader(pool, live, identity), Replayer(pool, live)
    writer = Writer(Surroundings(loader, appender, settler, replayer, memory, catalogue))
    announcements = Announcements(pool, live, settler, memory)
    settling = asyncio.create_task(settler.run())
    try:
        yield writer, settler, announcements
    finally:
        await announcements.close()
        await writer.close()
        settling.cancel()
        await asyncio.wait([settling])
