"""A log as large as is asked for, written as fast as the broker takes it."""

import asyncio
import secrets
from collections.abc import Iterator
from typing import Final

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
from patchbay.eventlog import Appender, Head, LogIdentity, NewEvent, SealedRecord, open_appender, seal

NUMBERS_PER_ACCOUNT: Final = 100
NUMBERS_PER_ASSISTANT: Final = 20
_GROUP_RECORDS: Final = 500  # some 0.6 MB


def phone_number(index: int) -> str:
    """Return the `index`th phone number."""
    return f"+1{2_000_000_000 + index}"


async def fill(bootstrap_servers: str, identity: LogIdentity, numbers: int) -> int:
    """Write a log in which so many numbers are routed; return how many events it has."""
    waiting: dict[int, list[SealedRecord]] = {partition: [] for partition in range(identity.partition_count)}
    count = 0
    async with open_appender(bootstrap_servers, identity) as appender:
        for record in _records(identity, numbers):
            count += 1
            group = waiting[identity.partition_of(record.stream)]
            group.append(record)
            if len(group) >= _GROUP_RECORDS:
                await _flush(appender, waiting)
        await _flush(appender, waiting)
    return count


async def _flush(appender: Appender, waiting: dict[int, list[SealedRecord]]) -> None:
    await asyncio.gather(
        *[appender.append(list(group), session=appender.session) for group in waiting.values() if group]
    )
    for group in waiting.values():
        group.clear()


def _records(identity: LogIdentity, numbers: int) -> Iterator[SealedRecord]:
    heads: dict[str, Head] = {}

    def sealed(stream: str, event: Event) -> SealedRecord:
        name, dataschema, affects, data = encode_event(event)
        parent = heads.get(stream) or Head.genesis(identity.log_id)
        new = NewEvent(
            type=name,
            source=ids.source_of(stream),
            subject=subject_of(event),
            data=data,
            dataschema=dataschema,
            actor="key_01jm0000000000000000000000",
            command_id=secrets.token_hex(32),
            request_digest=secrets.token_hex(32),
            affects=affects,
        )
        time = "2026-02-18T14:22:31.114207Z"
        record = seal(new, stream=stream, parent=parent, base=parent, time=time, event_id=secrets.token_hex(16))
        heads[stream] = record.as_head()
        return record

    for first in range(0, numbers, NUMBERS_PER_ACCOUNT):
        slug = f"account-{first // NUMBERS_PER_ACCOUNT}"
        account = ids.account_id(identity.log_id, slug)
        yield sealed(account, AccountOpened(account_id=account, slug=slug, name=slug))
        for start in range(first, min(first + NUMBERS_PER_ACCOUNT, numbers), NUMBERS_PER_ASSISTANT):
            assistant = f"asst_{start:026d}"
            yield sealed(account, _created(assistant, account))
            held = []
            for index in range(start, min(start + NUMBERS_PER_ASSISTANT, numbers)):
                number = ids.number_id(identity.log_id, phone_number(index))
                held.append(AssignedNumber(number_id=number, registration=1))
                registered = NumberRegistered(number_id=number, phone_number=phone_number(index), account_id=account)
                yield sealed(number, registered)
                del heads[number]
            yield sealed(account, NumbersAssigned(assistant_id=assistant, numbers=tuple(held)))
        del heads[account]


def _created(assistant: str, account: str) -> AssistantCreated:
    return AssistantCreated(
        assistant_id=assistant,
        account_id=account,
        name="Sales Agent",
        type="custom",
        provider="openai",
        model="gpt-4o-mini",
        temperature=0.7,
        max_tokens=1024,
        first_message="Hi, this is Alex.",
        system_prompt="You are a friendly assistant. " * 30,
        voice_provider="cartesia",
        voice_model="sonic-3.5",
        voice_id=None,
        voice_name=None,
        transcriptor_provider="deepgram",
        transcriptor_model="nova-3",
        transcriptor_language="en-US",
        recording_enabled=False,
        inbound_enabled=True,
        outbound_enabled=False,
    )
