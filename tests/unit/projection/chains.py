"""Builders of events, of streams, and of the log that they stand in."""

import secrets

from patchbay.assistants import ids
from patchbay.assistants.codec import encode_event, subject_of
from patchbay.assistants.events import (
    AccountOpened,
    AssignedNumber,
    AssistantCreated,
    Event,
    NumberRegistered,
    NumbersAssigned,
)
from patchbay.eventlog import Head, LogIdentity, MemoryLog, NewEvent, SealedRecord, StoredRecord, seal

ASSISTANT_SUFFIX = "01jm0000000000000000000000"


def assistant_id(number: int) -> str:
    """Return the id of the `number`th assistant."""
    return f"asst_{ASSISTANT_SUFFIX[: 26 - len(str(number))]}{number}"


def assistant_created(assistant: str, account: str, *, inbound_enabled: bool = False, name: str = "A") -> Event:
    """Return the creation of an assistant with nothing special."""
    return AssistantCreated(
        assistant_id=assistant,
        account_id=account,
        name=name,
        type="custom",
        provider="openai",
        model="gpt-4o-mini",
        temperature=0.7,
        max_tokens=1024,
        first_message=None,
        system_prompt="Be kind.",
        voice_provider="cartesia",
        voice_model="sonic-3.5",
        voice_id=None,
        voice_name=None,
        transcriptor_provider="deepgram",
        transcriptor_model="nova-3",
        transcriptor_language="en-US",
        recording_enabled=False,
        inbound_enabled=inbound_enabled,
        outbound_enabled=True,
    )


def numbers_assigned(assistant: str, *numbers: tuple[str, int], taken_from: tuple[str, ...] = ()) -> Event:
    """Return the assignment of (number id, registration) to an assistant."""
    held = tuple(AssignedNumber(number_id=number, registration=registration) for number, registration in numbers)
    return NumbersAssigned(assistant_id=assistant, numbers=held, taken_from=taken_from)


class Chains:
    """Writes events behind one another, each on the head of its stream."""

    def __init__(self, identity: LogIdentity) -> None:
        self.identity = identity
        self.heads: dict[str, Head] = {}
        self._clock = 0

    def account(self, slug: str) -> str:
        """Return the id of an account."""
        return ids.account_id(self.identity.log_id, slug)

    def number(self, phone_number: str) -> str:
        """Return the id of a number."""
        return ids.number_id(self.identity.log_id, phone_number)

    def operators(self) -> str:
        """Return the id of the operators' stream."""
        return ids.operators_id(self.identity.log_id)

    def opened(self, slug: str) -> SealedRecord:
        """Return the record that opens an account."""
        account = self.account(slug)
        return self.seal(account, AccountOpened(account_id=account, slug=slug, name=slug.upper()))

    def registered(self, phone_number: str, account: str) -> SealedRecord:
        """Return the record that registers a number."""
        number = self.number(phone_number)
        event = NumberRegistered(number_id=number, phone_number=phone_number, account_id=account)
        return self.seal(number, event)

    def seal(self, stream: str, event: Event) -> SealedRecord:
        """Return the record of an event of ours, on the head of its stream, which moves."""
        name, dataschema, affects, data = encode_event(event)
        return self.seal_raw(stream, name, data, dataschema=dataschema, affects=affects, subject=subject_of(event))

    def seal_raw(
        self,
        stream: str,
        type_name: str,
        data: bytes,
        *,
        dataschema: str = "urn:patchbay:Later:1",
        affects: tuple[str, ...] = (),
        subject: str | None = None,
        mends: str | None = None,
    ) -> SealedRecord:
        """Return the record of any event, on the head of its stream, which moves."""
        parent = self.heads.get(stream) or Head.genesis(self.identity.log_id)
        self._clock += 1
        event = NewEvent(
            type=type_name,
            source=ids.source_of(stream),
            subject=subject,
            data=data,
            dataschema=dataschema,
            actor="key_test",
            command_id=secrets.token_hex(32),
            request_digest=secrets.token_hex(32),
            affects=affects,
            mends=mends,
        )
        time = f"2026-02-18T14:{self._clock // 60 % 60:02d}:{self._clock % 60:02d}.114207Z"
        record = seal(event, stream=stream, parent=parent, base=parent, time=time, event_id=secrets.token_hex(16))
        self.heads[stream] = record.as_head()
        return record


class Written(Chains):
    """Chains that are written to a log in memory as they are sealed."""

    def __init__(self, log: MemoryLog) -> None:
        super().__init__(log.identity)
        self.log = log

    def seal_raw(
        self,
        stream: str,
        type_name: str,
        data: bytes,
        *,
        dataschema: str = "urn:patchbay:Later:1",
        affects: tuple[str, ...] = (),
        subject: str | None = None,
        mends: str | None = None,
    ) -> SealedRecord:
        record = super().seal_raw(
            stream, type_name, data, dataschema=dataschema, affects=affects, subject=subject, mends=mends
        )
        self.put(record)
        return record

    def put(self, record: SealedRecord) -> StoredRecord:
        """Write a record, once more or for the first time."""
        return self.log.write(self.identity.partition_of(record.stream), record.key, record.value, record.headers)
