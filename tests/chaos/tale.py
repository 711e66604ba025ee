"""A small log and a small history that tell the same, for tests in which one of them lies."""

import hashlib
import itertools
from secrets import token_hex
from typing import Any

from tests.chaos.history import Call, History, Kind, Told
from tests.system.guarantees.clients import new_traceparent
from tests.system.guarantees.folding import Log
from tests.unit.projection.chains import assistant_created, assistant_id, numbers_assigned

from patchbay.assistants import ids
from patchbay.assistants.codec import encode_event, subject_of
from patchbay.assistants.events import AccountOpened, AssistantUpdated, Event
from patchbay.eventlog import Head, MemoryLog, NewEvent, SealedRecord, seal

ONE, TWO = assistant_id(1), assistant_id(2)
NUMBER = "pn_01jm0000000000000000000001"


class Tale:
    """An account `acme` with two assistants, and a client who made them."""

    def __init__(self) -> None:
        self.log = MemoryLog(1)
        self.history = History()
        self.account = ids.account_id(self.log.identity.log_id, "acme")
        self._heads: dict[str, Head] = {}
        self._seconds = itertools.count(1)
        self.write(self.account, AccountOpened(account_id=self.account, slug="acme", name="Acme"))
        for assistant in (ONE, TWO):
            trace = self.write(self.account, assistant_created(assistant, self.account))
            self.call(Kind.CREATE, trace=trace, told=self.told(assistant), name="A")

    def write(self, stream: str, event: Event, *, command_id: str | None = None) -> str:
        """Append an event; return the trace context of the request that led to it."""
        trace = new_traceparent()
        name, dataschema, affects, data = encode_event(event)
        new = NewEvent(
            type=name,
            source=ids.source_of(stream),
            subject=subject_of(event),
            data=data,
            dataschema=dataschema,
            actor="key_test",
            command_id=command_id or token_hex(32),
            affects=affects,
            traceparent=trace,
        )
        parent = self._heads.get(stream) or Head.genesis(self.log.identity.log_id)
        time = f"2026-02-18T14:22:31.{parent.height:06d}Z"
        record = seal(new, stream=stream, parent=parent, base=parent, time=time, event_id=token_hex(16))
        self._heads[stream] = record.as_head()
        self.put(record)
        return trace

    def put(self, record: SealedRecord) -> None:
        """Write a record as it is."""
        self.log.write(0, record.key, record.value, record.headers)

    def change(self, assistant: str = ONE, **facts: Any) -> Call:
        """Change the assistant's name, and have the client told so."""
        trace = self.write(self.account, AssistantUpdated(assistant_id=assistant, name="B"))
        return self.call(Kind.CHANGE, trace=trace, subject=assistant, name="B", told=self.told(assistant), **facts)

    def assign(self, assistant: str, *numbers: str, taken_from: tuple[str, ...] = ()) -> Call:
        """Assign numbers, and have the client told so."""
        held = ((number, 1) for number in numbers)
        trace = self.write(self.account, numbers_assigned(assistant, *held, taken_from=taken_from))
        told = self.told(assistant)
        return self.call(Kind.ASSIGN, trace=trace, subject=assistant, numbers=numbers, reassign=True, told=told)

    def call(self, kind: Kind, **facts: Any) -> Call:
        """Add a call to the history, after all others; answered with 200 if nothing else is said."""
        second = float(next(self._seconds))
        known: dict[str, Any] = {
            "operation": self.history.new_operation(),
            "client": 1,
            "account": self.account,
            "api": 0,
            "began": second,
            "ended": second + 0.5,
            "status": 200,
        }
        call = Call(kind=kind, **(known | facts))
        self.history.add(call)
        return call

    def told(self, assistant: str) -> Told:
        """Return what is to be told of an assistant by the log as it is now."""
        log = self.fold()
        state = log.accounts[self.account].assistants[assistant]
        assert state is not None
        record = log.records_of_versions[assistant, state.version]
        return Told(
            assistant=assistant,
            account=self.account,
            version=state.version,
            name=state.name,
            numbers=state.phone_number_ids,
            digest=hashlib.sha256(record).hexdigest(),
        )

    def fold(self) -> Log:
        """Return the fold of the log."""
        log = Log(self.log.identity)
        for record in self.log.records(0):
            log.take(record)
        return log
