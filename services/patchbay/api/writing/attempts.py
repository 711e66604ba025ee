"""A command while it waits for its answer, and a record while it waits for its verdict."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from patchbay.api.writing.outcomes import (
    CommandReference,
    Contended,
    OutcomeUnknown,
    Pending,
    Position,
    Unavailable,
    Write,
    WriteFailed,
    Written,
)
from patchbay.assistants.events import Event
from patchbay.assistants.rejections import Rejection
from patchbay.eventlog import Head, SealedRecord

Answer: TypeAlias = Written | Rejection | WriteFailed


class Attempt:
    """
    A write that somebody waits for.

    `sent` holds every record that was handed to the log for it and has no verdict: while one of them may still be
    accepted, nothing definite may be answered.
    """

    __slots__ = ("answer", "known", "lost_races", "sent", "write")

    def __init__(self, write: Write) -> None:
        self.write = write
        self.answer: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self.sent: list[PendingRecord] = []
        self.lost_races = 0
        self.known: CommandReference | None = None  # where the history holds this command's event

    @property
    def answered(self) -> bool:
        """True if nobody waits any more."""
        return self.answer.done()

    def conclude(self, answer: Answer) -> None:
        """Answer, unless it is too late."""
        if self.answer.done():
            return
        if isinstance(answer, Written):
            self.answer.set_result(answer)
        else:
            self.answer.set_exception(answer)

    def expire(self) -> None:
        """Give up waiting, and answer what can be said now."""
        self.conclude(self.failure())

    def failure(self) -> WriteFailed:
        """Return what can be said of this write while it has no verdict."""
        if self.known is not None:
            return Pending(self.known, ("routing",) if self.write.changes_routing else ())
        unsettled = [record for record in self.sent if not record.void]
        if unsettled:
            last = max(unsettled, key=lambda record: record.sealed.height)
            if all(record.acknowledged for record in unsettled):
                return Pending(reference_to(last), last.waiting_for)
            return OutcomeUnknown(reference_to(last), last.waiting_for)
        if self.lost_races:
            return Contended("other writers won the stream's next height each time")
        return Unavailable("the log or the database did not answer in time; nothing was sent")


class PendingRecord:
    """A record of this copy's run, from its sealing to its verdict."""

    __slots__ = (
        "accepted",
        "acknowledged",
        "attempt",
        "dependents",
        "event",
        "forgotten",
        "on_verdict",
        "parent",
        "position",
        "sealed",
        "session",
        "void",
        "waiting_for",
        "written",
    )

    def __init__(
        self,
        attempt: Attempt,
        sealed: SealedRecord,
        event: Event,
        written: Callable[[Position], Written],
        *,
        parent: Head,
        session: int,
        on_verdict: "Callable[[PendingRecord], None]",
    ) -> None:
        self.attempt = attempt
        self.sealed = sealed
        self.event = event
        self.written = written
        self.parent = parent
        self.position: Position | None = None  # of the history's row, once accepted
        self.session = session
        self.on_verdict = on_verdict
        self.acknowledged = False
        self.accepted = False
        self.void = False
        self.forgotten = False
        self.waiting_for: tuple[str, ...] = ()
        self.dependents: list[Callable[[], None]] = []  # what rests on this record, told when it has a verdict

    @property
    def head(self) -> Head:
        """The stream's head if this record is accepted."""
        return Head(height=self.sealed.height, digest=self.sealed.digest, time=self.sealed.time)

    @property
    def abandoned(self) -> bool:
        """True if no verdict on it can matter to anybody any more."""
        return self.void or (self.forgotten and self.attempt.answered)

    def release(self) -> None:
        """Tell all that rests on this record to look again, the newest first: each goes to the front of its queue."""
        dependents, self.dependents = self.dependents, []
        for dependent in reversed(dependents):
            dependent()


def reference_to(record: PendingRecord) -> CommandReference:
    """Return what finds this record's outcome later."""
    return CommandReference(
        stream=record.sealed.stream,
        height=record.sealed.height,
        digest=record.sealed.digest,
        command_id=record.attempt.write.command_id,
    )
