"""A log in memory and the fold of it: what the projections would show."""

import random
from collections.abc import Mapping
from secrets import token_hex

from patchbay.api.writing.clock import after
from patchbay.api.writing.kinds import evolve
from patchbay.api.writing.outcomes import Position, State
from patchbay.api.writing.snapshot import KnownCommand
from patchbay.assistants import events
from patchbay.assistants.codec import decode_event, encode_event
from patchbay.assistants.ids import account_id, source_of
from patchbay.assistants.states import Account, Number, Operators
from patchbay.eventlog import Envelope, Foreign, Head, NewEvent, Verdict, advance, judge, read_envelope, seal
from patchbay.eventlog.memory import MemoryLog


class Accepted:
    """An accepted event, its envelope, and the stream's state after it."""

    def __init__(self, envelope: Envelope, event: events.Event, state: State, position: Position) -> None:
        self.envelope = envelope
        self.event = event
        self.state = state
        self.position = position


class Fold:
    """A log, what its events make of the streams, and ways to append to it past the engine."""

    def __init__(self, *, seed: int, partitions: int) -> None:
        self.log = MemoryLog(partition_count=partitions, log_id=f"{seed:064x}")
        self.identity = self.log.identity
        self.random = random.Random(seed)
        self._forget()

    def _forget(self) -> None:
        self.heads: dict[str, Head] = {}
        self.history: dict[str, list[Accepted]] = {}
        self.commands: dict[str, dict[str, KnownCommand]] = {}  # by stream, by id
        self.verdicts: dict[Verdict, int] = dict.fromkeys(Verdict, 0)
        self.routed_heights: dict[str, int] = {}
        self.fresh: list[Accepted] = []  # folded since somebody took them from here
        self._offsets = [1] * self.identity.partition_count

    def account(self, slug: str = "my-team") -> str:
        """Return the account's id."""
        return account_id(self.identity.log_id, slug)

    def appended(self, stream: str | None = None) -> int:
        """Return how many records the stream's partition holds, the manifest not counted."""
        return len(self.log.records(self.identity.partition_of(stream or self.account()))) - 1

    def go_back(self, records: int) -> None:
        """Show the log without its last records, as a standby that took over too early does, until it is folded on."""
        self._forget()
        self.fold_until({p: len(self.log.records(p)) - records for p in range(self.identity.partition_count)})

    def fold_until(self, ends: Mapping[int, int]) -> None:
        for partition in range(self.identity.partition_count):
            for record in self.log.records(partition)[self._offsets[partition] : ends.get(partition)]:
                self._fold(read_envelope(record, self.identity), Position(partition, record.offset + 1))
                self._offsets[partition] += 1

    def _fold(self, envelope: Envelope | Foreign, position: Position) -> None:
        if isinstance(envelope, Foreign):
            self.verdicts[Verdict.FOREIGN] += 1
            return
        stream, head = envelope.stream, self.head(envelope.stream)
        verdict = judge(envelope, head)
        self.verdicts[verdict] += 1
        self.heads[stream] = advance(head, envelope, verdict)
        if verdict is Verdict.ACCEPTED:
            event = decode_event(envelope.type, envelope.dataschema, envelope.value)
            state = evolve(self.state(stream), event, height=envelope.height, time=envelope.time)
            accepted = Accepted(envelope, event, state, position)
            self.history.setdefault(stream, []).append(accepted)
            self.fresh.append(accepted)
            if envelope.command_id is not None:
                known = KnownCommand(envelope.height, envelope.request_digest or "")
                self.commands.setdefault(stream, {})[envelope.command_id] = known

    def rival(self, *, on: Head | None = None, base: Head | None = None) -> Head:
        """Append, as a copy of somebody else's would, an event to the account's stream; return the head it makes."""
        key = events.KeyIssued(
            key_id=f"key_{self.random.randrange(10**9)}",
            account_id=self.account(),
            name="rival",
            secret_sha256="0" * 64,
            hint="tk_",
            scopes=("*",),
            expires_at=None,
            requests_per_hour=None,
        )
        type_name, dataschema, affects, data = encode_event(key)
        on = on or self.head(self.account())
        event = NewEvent(
            type=type_name,
            source=source_of(self.account()),
            data=data,
            dataschema=dataschema,
            actor="key_rival",
            affects=affects,
        )
        sealed = seal(
            event, stream=self.account(), parent=on, base=base or on, time=after(on.time), event_id=token_hex(16)
        )
        partition = self.identity.partition_of(self.account())
        self.log.write(partition, sealed.key, sealed.value, sealed.headers)
        return sealed.as_head()

    def envelopes(self) -> list[Envelope]:
        """Return what lies in the account's partition, in order."""
        records = self.log.records(self.identity.partition_of(self.account()))[1:]
        read = [read_envelope(record, self.identity) for record in records]
        return [envelope for envelope in read if isinstance(envelope, Envelope)]

    def head(self, stream: str) -> Head:
        """Return the stream's head as far as it is projected."""
        return self.heads.get(stream) or Head.genesis(self.identity.log_id)

    def state(self, stream: str) -> State:
        """Return the stream's whole state as far as it is projected."""
        accepted = self.history.get(stream)
        if accepted:
            return accepted[-1].state
        if stream.startswith("pn_"):
            return Number(id=stream)
        return Operators() if stream.startswith("oper_") else Account(id=stream)

    def accepted(self, command_id: str) -> list[Accepted]:
        """Return the accepted events of a command; more than one is a broken promise."""
        return [a for stream in self.history.values() for a in stream if a.envelope.command_id == command_id]
