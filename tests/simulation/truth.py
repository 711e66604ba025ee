"""What the log says: every accepted event with the state after it, folded anew by the domain's own functions."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from patchbay.api.writing.kinds import evolve
from patchbay.api.writing.outcomes import State
from patchbay.assistants.codec import decode_event
from patchbay.assistants.events import AssistantDeleted, Event, NumbersAssigned
from patchbay.assistants.states import Account, Number, Operators
from patchbay.eventlog import Envelope, Foreign, Head, Verdict, advance, judge, read_envelope
from patchbay.eventlog.identity import LogIdentity
from patchbay.eventlog.memory import MemoryLog
from patchbay.eventlog.record import StoredRecord

ALWAYS: Final = -1.0  # when what a seed begins with landed


class Accepted(msgspec.Struct, frozen=True):
    """An accepted event, the stream's state after it, and when it landed."""

    envelope: Envelope
    event: Event
    state: State
    partition: int
    offset: int
    landed_at: float


class Truth:
    """The fold of a log."""

    def __init__(self, identity: LogIdentity) -> None:
        self._identity = identity
        self.heads: dict[str, Head] = {}
        self.history: dict[str, list[Accepted]] = {}
        self.broken: list[Envelope] = []

    def copy(self) -> "Truth":
        """Return one that can be folded on by itself."""
        other = Truth(self._identity)
        other.heads = dict(self.heads)
        other.history = {stream: list(accepted) for stream, accepted in self.history.items()}
        return other

    def fold(self, record: StoredRecord, landed_at: float) -> None:
        """Take one record in."""
        envelope = read_envelope(record, self._identity)
        if isinstance(envelope, Foreign):
            return
        stream = envelope.stream
        head = self.heads.get(stream) or Head.genesis(self._identity.log_id)
        verdict = judge(envelope, head)
        self.heads[stream] = advance(head, envelope, verdict)
        if verdict is Verdict.BROKEN:
            self.broken.append(envelope)
        if verdict is not Verdict.ACCEPTED:
            return
        event = decode_event(envelope.type, envelope.dataschema, envelope.value)
        state = evolve(self.state(stream), event, height=envelope.height, time=envelope.time)
        accepted = Accepted(envelope, event, state, record.partition, record.offset, landed_at)
        self.history.setdefault(stream, []).append(accepted)

    def state(self, stream: str, height: int | None = None) -> State:
        """Return a stream's whole state, at a height or at its head."""
        history = self.history.get(stream, [])
        if height is None:
            height = len(history)
        if height > 0:
            return history[height - 1].state
        if stream.startswith("pn_"):
            return Number(id=stream)
        return Operators() if stream.startswith("oper_") else Account(id=stream)

    def landed_by(self, stream: str, moment: float) -> int:
        """Return the height of the newest event that had landed by then."""
        history = self.history.get(stream, [])
        return next((a.envelope.height for a in reversed(history) if a.landed_at <= moment), 0)

    def of_try(self, traceparent: str) -> list[Accepted]:
        """Return what a request led to."""
        return [a for history in self.history.values() for a in history if a.envelope.traceparent == traceparent]

    def of_command(self, command_id: str) -> list[Accepted]:
        """Return what a command led to."""
        return [a for history in self.history.values() for a in history if a.envelope.command_id == command_id]

    def tables(self) -> dict[str, dict[str, Any]]:
        """Return what both projections must show of it: the rows, by projection and table."""
        assistants, answering, holdings, numbers = {}, set(), {}, {}
        for stream in self.history:
            state = self.state(stream)
            if isinstance(state, Account):
                for assistant in state.assistants.values():
                    if assistant is not None:
                        assistants[assistant.id] = (assistant.version, msgspec.json.encode(assistant))
                        if assistant.inbound_enabled:
                            answering.add((assistant.id, stream))
                for number, holding in state.holders.items():
                    if holding is not None:
                        holdings[stream, number] = (holding.assistant_id, holding.registration)
            elif isinstance(state, Number) and state.phone_number is not None:
                numbers[stream] = (state.account_id, state.registration, state.status, state.fallback)
        heads = {stream: head.height for stream, head in self.heads.items()}
        shared = {"holdings": holdings, "numbers": numbers, "heads": heads}
        return {"read_model": {**shared, "assistants": assistants}, "routing": {**shared, "answering": answering}}


_beginnings: dict[int, Truth] = {}


def truth_of(log: MemoryLog, landed_at: dict[tuple[int, int], float], first: Sequence[Sequence[StoredRecord]]) -> Truth:
    """Return the truth of a log that began with these records, which are folded once."""
    known = _beginnings.get(id(first))
    if known is None:
        known = _beginnings[id(first)] = Truth(log.identity)
        for partition in first:
            for record in partition:
                known.fold(record, ALWAYS)
    truth = known.copy()
    for number, partition in enumerate(first):
        for record in log.records(number)[len(partition) :]:
            truth.fold(record, landed_at[number, record.offset])
    return truth


def lists_of_numbers(history: Sequence[Accepted]) -> list[dict[str, set[str]]]:
    """Return, after each event of an account, which assistant has which numbers, by what the events alone say."""
    lists: dict[str, set[str]] = {}
    after = []
    for accepted in history:
        match accepted.event:
            case NumbersAssigned() as event:
                for other in event.taken_from:
                    lists[other] = lists.get(other, set()) - {n.number_id for n in event.numbers}
                lists[event.assistant_id] = {n.number_id for n in event.numbers}
            case AssistantDeleted() as event:
                lists.pop(event.assistant_id, None)
            case _:
                pass
        after.append(dict(lists))
    return after
