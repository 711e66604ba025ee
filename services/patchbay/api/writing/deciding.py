"""Commands of one stream, decided one after another on the state that the one before leaves."""

from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from patchbay.api.chance import random_hex
from patchbay.api.writing.attempts import Answer, Attempt, PendingRecord
from patchbay.api.writing.clock import after
from patchbay.api.writing.kinds import decide, evolve, is_read
from patchbay.api.writing.outcomes import State, Unavailable, Write, Written
from patchbay.api.writing.snapshot import KnownCommand, Loaded
from patchbay.assistants.catalogue import Catalogue
from patchbay.assistants.codec import encode_event, subject_of
from patchbay.assistants.errors import PartNotLoaded
from patchbay.assistants.events import Event
from patchbay.assistants.ids import source_of
from patchbay.assistants.rejections import Rejection
from patchbay.eventlog import Base, Head, NewEvent, SealedRecord, seal
from patchbay.eventlog.contract import MAX_RECORD_BYTES

_log = structlog.get_logger()


class _MustLook(Exception):
    """What is remembered is not enough to say no."""


class Answers(Protocol):
    """What a decision that appends nothing is handed to (see `Answering`)."""

    def conclude(self, attempt: Attempt, answer: Answer, head_height: int, under: PendingRecord | None) -> None:
        """Answer once the pending state under the answer has been accepted."""

    def decide_after(self, under: PendingRecord, attempt: Attempt) -> None:
        """Decide again once `under` has its verdict."""

    def replay(self, attempt: Attempt, known: KnownCommand) -> None:
        """Answer with what the command did when it took effect."""


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
        on_verdict: Callable[[PendingRecord], None],
        answers: Answers,
        catalogue: Catalogue | None = None,
    ) -> None:
        self.records: list[PendingRecord] = []  # to append, chained
        self.must_look = False  # the first that is handed back is to be decided on what the database shows now
        self.lacks_part = False  # the last decision needs a part that may be there once what is pending is accepted
        self._loaded = loaded
        self._base = Base(height=loaded.head.height, digest=loaded.head.digest)
        self._session = session
        self._on_verdict = on_verdict
        self._answers = answers
        self._catalogue = catalogue
        self._parent = loaded.head
        self._state: State = loaded.state
        self._pending: dict[str, PendingRecord] = {}  # by command id
        self._last: PendingRecord | None = None
        for record in tail:
            state, sealed = self._state, record.sealed
            if is_read(record.event, state):
                state = evolve(state, record.event, height=sealed.height, time=sealed.time)
            self._stand_on(record, state)

    def decide_each(self, attempts: Sequence[Attempt], *, room_bytes: int) -> Sequence[Attempt]:
        """
        Decide in order; what leads to an event is in `records`, all else is handed back with its answer.

        Args:
            attempts: Nobody of whom was answered.
            room_bytes: How much may be appended; one record may go beyond it.

        Returns:
            Those that could not be decided here: there is no room, or a decision lacks a part that a pending event
            changed and the snapshot did not hold.
        """
        for number, attempt in enumerate(attempts):
            command_id = attempt.write.command_id
            if (known := self._loaded.commands.get(command_id)) is not None:
                self._answers.replay(attempt, known)
            elif (pending := self._pending.get(command_id)) is not None:
                self._answers.decide_after(pending, attempt)
            elif room_bytes <= 0:
                return attempts[number:]
            else:
                try:
                    room_bytes -= self._decide(attempt)
                except _MustLook:
                    self.must_look = True
                    return attempts[number:]
                except PartNotLoaded as missing:
                    _log.info("waiting_for_run", stream=attempt.write.stream, part=missing.part)
                    self.lacks_part = True
                    return attempts[number:]
        return ()

    def _decide(self, attempt: Attempt) -> int:
        """
        Decide one, and return how many bytes it appends.

        Raises:
            PartNotLoaded: The part may be there once what is pending has been accepted.
            _MustLook: It appends nothing, and is decided on what is only remembered.
        """
        try:
            event = decide(attempt.write.command, self._state, self._catalogue)
            if event is not None:
                return self._record(attempt, event)
            answer: Answer = Written(
                event=None, state=self._state, height=self._parent.height, position=self._loaded.position
            )
        except Rejection as rejection:
            answer = rejection
        except Exception as error:  # one command ends here; the stream's others go on
            if isinstance(error, PartNotLoaded) and self._last is not None:
                raise
            if self._loaded.remembered:
                raise _MustLook from None
            _log.exception("command_not_decided", stream=attempt.write.stream, command_id=attempt.write.command_id)
            answer = Unavailable("this command could not be decided; nothing took effect")
        if self._loaded.remembered:
            raise _MustLook
        self._answers.conclude(attempt, answer, self._loaded.head.height, self._last)
        return 0

    def _record(self, attempt: Attempt, event: Event) -> int:
        sealed = _sealed(attempt.write, event, self._parent, self._base)
        if sealed.size_bytes > MAX_RECORD_BYTES:
            raise ValueError(f"a record of {sealed.size_bytes} bytes is larger than the log takes")
        state = evolve(self._state, event, height=sealed.height, time=sealed.time)
        record = PendingRecord(
            attempt, sealed, event, state, parent=self._parent, session=self._session, on_verdict=self._on_verdict
        )
        self._stand_on(record, state)
        self.records.append(record)
        return sealed.size_bytes

    def _stand_on(self, record: PendingRecord, state: State) -> None:
        self._state = state
        self._parent = record.sealed.as_head()
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
        event_id=random_hex(16),
    )
