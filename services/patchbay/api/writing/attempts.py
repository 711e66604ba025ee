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
    State,
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

    `sent` holds every record that was handed to the log for it and is not void: while one of them may still be
    accepted, nothing definite may be answered.
    """

    __slots__ = (
        "_askers",
        "_on_answer",
        "answer",
        "begun_at",
        "deadline",
        "earlier",
        "known",
        "lost_races",
        "sent",
        "turn",
        "write",
    )

    def __init__(self, write: Write, on_answer: "Callable[[Attempt], None]") -> None:
        self.write = write
        self.answer: Answer | None = None
        self.begun_at = 0.0  # loop time
        self.deadline = 0.0  # loop time at which the last one who asks goes
        self.turn = 0  # its place in the stream's order of arrival
        self.sent: list[PendingRecord] = []
        self.earlier: PendingRecord | None = None  # of a try that has expired; this one waits for its verdict
        self.lost_races = 0
        self.known: CommandReference | None = None  # where the history holds this command's event
        self._askers: dict[asyncio.Future[Written], asyncio.TimerHandle] = {}
        self._on_answer = on_answer

    @property
    def answered(self) -> bool:
        """True if nobody waits any more."""
        return self.answer is not None

    async def wait(self, deadline: float) -> Written:
        """
        Return the answer. A caller that is cancelled does not end the attempt: its deadline does.

        Args:
            deadline: Loop time by which this caller has an answer; the attempt lives until the last one's.

        Raises:
            Rejection: The domain says no.
            WriteFailed: At the deadline: what can be said by then.
        """
        loop = asyncio.get_running_loop()
        asker: asyncio.Future[Written] = loop.create_future()
        self._askers[asker] = loop.call_at(deadline, self._time_out, asker)
        self.deadline = max(self.deadline, deadline)
        return await asker

    def conclude(self, answer: Answer) -> None:
        """Answer everybody who asks, unless it is too late."""
        if self.answer is not None:
            return
        self.answer = answer
        askers, self._askers = self._askers, {}
        for asker, timer in askers.items():
            timer.cancel()
            _tell(asker, answer)
        self._on_answer(self)

    def expire(self) -> None:
        """Give up waiting, and answer what can be said now."""
        self.conclude(self.failure())

    def _time_out(self, asker: "asyncio.Future[Written]") -> None:
        if len(self._askers) == 1:
            self.expire()
        else:
            del self._askers[asker]
            _tell(asker, self.failure())

    def failure(self) -> WriteFailed:
        """Return what can be said of this write while it has no verdict."""
        if self.known is not None:
            return Pending(self.known, ("routing",) if self.write.changes_routing else ())
        records = self.sent if self.earlier is None or self.earlier.void else [self.earlier, *self.sent]
        accepted = next((record for record in records if record.accepted), None)
        if accepted is not None:
            return Pending(reference_to(accepted), accepted.waiting_for)
        if records:
            last = max(records, key=lambda record: record.sealed.height)
            if all(record.acknowledged for record in records):
                return Pending(reference_to(last), last.waiting_for)
            return OutcomeUnknown(reference_to(last), last.waiting_for)
        if self.lost_races:
            return Contended("other writers won the stream's next height each time")
        return Unavailable("the log or the database did not answer in time; nothing took effect")


class PendingRecord:
    """A record of this copy's run, from its sealing to its verdict."""

    __slots__ = (
        "accepted",
        "acknowledged",
        "appended_at",
        "attempt",
        "child",
        "dependents",
        "event",
        "forgotten",
        "on_verdict",
        "parent",
        "position",
        "sealed",
        "session",
        "state",
        "void",
        "waiting_for",
    )

    def __init__(
        self,
        attempt: Attempt,
        sealed: SealedRecord,
        event: Event,
        state: State,
        *,
        parent: Head,
        session: int,
        on_verdict: "Callable[[PendingRecord], None]",
    ) -> None:
        self.attempt = attempt
        self.sealed = sealed
        self.event = event
        self.state = state  # after the event
        self.parent = parent
        self.child: PendingRecord | None = None  # the record that was chained on it last
        self.position: Position | None = None  # of the history's row, once accepted
        self.session = session
        self.on_verdict = on_verdict
        self.appended_at = 0.0  # loop time
        self.acknowledged = False
        self.accepted = False
        self.void = False
        self.forgotten = False
        self.waiting_for: tuple[str, ...] = ()
        self.dependents: list[Callable[[], None]] = []  # what rests on this record, told when it has a verdict

    @property
    def abandoned(self) -> bool:
        """True if no verdict on it can matter to anybody any more."""
        return self.void or (self.forgotten and self.attempt.answered)

    def written(self, position: Position) -> Written:
        """Return the write's answer, once the event is accepted and visible."""
        return Written(
            event=self.event, state=self.state, height=self.sealed.height, time=self.sealed.time, position=position
        )

    def answer(self, position: Position) -> None:
        """Answer the write with this record, which is accepted and visible where the answer depends on it."""
        self.attempt.conclude(self.written(position))
        self.attempt.sent.clear()  # the two hold each other: without this they would be garbage to be searched for

    def turn_void(self) -> None:
        """Say that this record can never be accepted any more, and so neither can what is chained on it."""
        chain: list[PendingRecord] = []
        record: PendingRecord | None = self
        while record is not None and not record.void:
            record.void = True
            if record in record.attempt.sent:
                record.attempt.sent.remove(record)
            chain.append(record)
            record = record.child
        for record in chain:
            record.release()

    def release(self) -> None:
        """Tell all that rests on this record to look again."""
        dependents, self.dependents = self.dependents, []
        for dependent in dependents:
            dependent()


def reference_to(record: PendingRecord) -> CommandReference:
    """Return what finds this record's outcome later."""
    return CommandReference(
        stream=record.sealed.stream,
        height=record.sealed.height,
        digest=record.sealed.digest,
        command_id=record.attempt.write.command_id,
    )


def _tell(asker: "asyncio.Future[Written]", answer: Answer) -> None:
    if asker.done():
        return  # its caller was cancelled
    if isinstance(answer, Written):
        asker.set_result(answer)
    else:
        asker.set_exception(answer)
        asker.exception()  # its caller may be cancelled before it looks
