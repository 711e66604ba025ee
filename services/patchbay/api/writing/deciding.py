"""Commands of one stream, decided one after another on the state that the one before leaves."""

import secrets
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from patchbay.api.writing.attempts import Answer, Attempt, PendingRecord
from patchbay.api.writing.clock import after
from patchbay.api.writing.kinds import decide, evolve
from patchbay.api.writing.outcomes import Position, State, Write, Written
from patchbay.api.writing.snapshot import KnownCommand, Loaded
from patchbay.assistants.catalogue import Catalogue
from patchbay.assistants.codec import encode_event, subject_of
from patchbay.assistants.events import Event
from patchbay.assistants.ids import source_of
from patchbay.assistants.rejections import Rejection
from patchbay.eventlog import Base, Head, NewEvent, SealedRecord, seal


class Concludes(Protocol):
    """What a decision that appends nothing is handed to (see `StreamWriter`)."""

    def conclude(self, attempt: Attempt, answer: Answer, head: Head, under: PendingRecord | None) -> None:
        """Answer once the pending state under the answer has been accepted."""

    def decide_after(self, under: PendingRecord, attempt: Attempt) -> None:
        """Decide again once `under` has its verdict."""

    def replay(self, attempt: Attempt, known: KnownCommand) -> None:
        """Answer with what the command did when it took effect."""

    def on_verdict(self, record: PendingRecord) -> None:
        """A record is accepted or void."""


class Deciding:
    """
    One batch on one snapshot: the loaded state, and on it the run's records that the snapshot does not hold yet.

    The base of every record is the loaded head: the newest event known to be accepted by a verdict.
    """

    def __init__(
        self,
        loaded: Loaded,
        tail: Sequence[PendingRecord],
        *,
        session: int,
        stream: Concludes,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._loaded = loaded
        self._base = Base(height=loaded.head.height, digest=loaded.head.digest)
        self._session = session
        self._stream = stream
        self._catalogue = catalogue
        self._parent = loaded.head
        self._state: State = loaded.state
        self._pending: dict[str, PendingRecord] = {}  # by command id
        self._last: PendingRecord | None = None
        for record in tail:
            height, time = record.sealed.height, record.sealed.time
            self._stand_on(record, evolve(self._state, record.event, height=height, time=time))

    def decide_each(self, attempts: Sequence[Attempt]) -> list[PendingRecord]:
        """
        Return the records to append, chained; what appends nothing is handed back with its answer.

        Raises:
            PartNotLoaded: A decision needs a part that a pending event changed and the snapshot did not hold. Nothing
                of the batch has been handed back then.
        """
        answers: list[tuple[Attempt, Answer, PendingRecord | None]] = []
        records: list[PendingRecord] = []
        again: list[tuple[Attempt, PendingRecord]] = []
        known: list[tuple[Attempt, KnownCommand]] = []
        for attempt in attempts:
            command_id = attempt.write.command_id
            if (before := self._loaded.commands.get(command_id)) is not None:
                known.append((attempt, before))
            elif (pending := self._pending.get(command_id)) is not None:
                again.append((attempt, pending))
            else:
                self._decide(attempt, records, answers)
        for attempt, before in known:
            self._stream.replay(attempt, before)
        for attempt, pending in again:
            self._stream.decide_after(pending, attempt)
        for attempt, answer, under in answers:
            self._stream.conclude(attempt, answer, self._loaded.head, under)
        return records

    def _decide(
        self,
        attempt: Attempt,
        records: list[PendingRecord],
        answers: list[tuple[Attempt, Answer, PendingRecord | None]],
    ) -> None:
        try:
            event = decide(attempt.write.command, self._state, self._catalogue)
        except Rejection as rejection:
            answers.append((attempt, rejection, self._last))
            return
        if event is None:
            unchanged = Written(
                event=None, state=self._state, height=self._parent.height, position=self._loaded.position
            )
            answers.append((attempt, unchanged, self._last))
            return
        sealed = _sealed(attempt.write, event, self._parent, self._base)
        after_it = evolve(self._state, event, height=sealed.height, time=sealed.time)
        record = PendingRecord(
            attempt,
            sealed,
            event,
            partial(_written, event, after_it, sealed.height, sealed.time),
            parent=self._parent,
            session=self._session,
            on_verdict=self._stream.on_verdict,
        )
        self._stand_on(record, after_it)
        records.append(record)

    def _stand_on(self, record: PendingRecord, state: State) -> None:
        self._state = state
        self._parent = record.head
        self._pending[record.attempt.write.command_id] = record
        self._last = record


def _sealed(write: Write, event: Event, parent: Head, base: Base) -> SealedRecord:
    type_name, dataschema, affects, data = encode_event(event)
    return seal(
        NewEvent(
            type=type_name,
            source=source_of(write.stream),
            subject=subject_of(event),
            data=data,
            dataschema=dataschema,
            actor=write.actor,
            command_id=write.command_id,
            request_digest=write.request_digest,
            affects=affects,
            reason=write.reason,
            traceparent=write.traceparent,
        ),
        stream=write.stream,
        parent=parent,
        base=base,
        time=after(parent.time),
        event_id=secrets.token_hex(16),
    )


def _written(event: Event, state: State, height: int, time: str, position: Position) -> Written:
    return Written(event=event, state=state, height=height, time=time, position=position)
