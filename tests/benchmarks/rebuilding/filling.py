"""A log as a year of work leaves it: most events change assistants, some make them, some are about numbers."""

import asyncio
import secrets
from collections.abc import Iterable, Iterator
from random import Random
from typing import Final

from patchbay.assistants import ids
from patchbay.assistants.codec import encode_event, subject_of
from patchbay.assistants.events import (
    AccountOpened,
    AssignedNumber,
    AssistantCreated,
    AssistantUpdated,
    Event,
    NumberRegistered,
    NumbersAssigned,
)
from patchbay.eventlog import Head, LogIdentity, NewEvent, SealedRecord, open_appender, seal

ASSISTANTS_PER_ACCOUNT: Final = 20
UPDATES_PER_ASSISTANT: Final = 6  # with one creation, one number and one assignment: two thirds of all events
EVENTS_PER_ACCOUNT: Final = 1 + ASSISTANTS_PER_ACCOUNT * (UPDATES_PER_ASSISTANT + 3)
_ACCOUNTS_AT_ONCE: Final = 50  # whose events are mixed
_GROUP_RECORDS: Final = 500
_PROMPT: Final = "You are a friendly assistant of a team that sells. " * 12


async def fill(bootstrap_servers: str, identity: LogIdentity, events: int) -> int:
    """Append at least so many events; return how many."""
    return await append_all(bootstrap_servers, identity, sealed_records(identity, events))


async def append_all(bootstrap_servers: str, identity: LogIdentity, records: Iterable[SealedRecord]) -> int:
    """Append all records, in groups; return how many."""
    waiting: dict[int, list[SealedRecord]] = {partition: [] for partition in range(identity.partition_count)}
    count = 0
    async with open_appender(bootstrap_servers, identity) as appender:
        for record in records:
            count += 1
            group = waiting[identity.partition_of(record.stream)]
            group.append(record)
            if len(group) == _GROUP_RECORDS:
                await appender.append(list(group), session=appender.session)
                group.clear()
        groups = [group for group in waiting.values() if group]
        await asyncio.gather(*[appender.append(group, session=appender.session) for group in groups])
    return count


def sealed_records(identity: LogIdentity, events: int) -> Iterator[SealedRecord]:
    """Yield at least so many records, each on the head of its stream."""
    chance, heads = Random(1), dict[str, Head]()
    for first in range(0, -(-events // EVENTS_PER_ACCOUNT), _ACCOUNTS_AT_ONCE):
        lives = [_life(identity, f"team-{first + index}") for index in range(_ACCOUNTS_AT_ONCE)]
        while lives:
            index = chance.randrange(len(lives))
            found = next(lives[index], None)
            if found is None:
                lives.pop(index)
            else:
                yield sealed(identity, heads, *found)
        heads.clear()


def _life(identity: LogIdentity, slug: str) -> Iterator[tuple[str, Event]]:
    account = ids.account_id(identity.log_id, slug)
    yield account, AccountOpened(account_id=account, slug=slug, name=slug)
    assistants = [f"asst_{secrets.token_hex(13)}" for _ in range(ASSISTANTS_PER_ACCOUNT)]
    for index, assistant in enumerate(assistants):
        yield account, created(assistant, account)
        phone_number = f"+1{int(secrets.token_hex(5), 16) % 9_000_000_000 + 1_000_000_000}"
        number = ids.number_id(identity.log_id, phone_number)
        yield number, NumberRegistered(number_id=number, phone_number=phone_number, account_id=account)
        held = (AssignedNumber(number_id=number, registration=1),)
        yield account, NumbersAssigned(assistant_id=assistant, numbers=held)
        for turn in range(UPDATES_PER_ASSISTANT):
            changed = assistants[(index * 7 + turn) % (index + 1)]
            if turn % 3:
                yield account, AssistantUpdated(assistant_id=changed, name=f"Agent {turn}", temperature=turn / 10)
            else:
                yield account, AssistantUpdated(assistant_id=changed, system_prompt=f"{_PROMPT}{turn}")


def created(assistant: str, account: str) -> AssistantCreated:
    """Return the creation of an assistant."""
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
        system_prompt=_PROMPT,
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


def sealed(identity: LogIdentity, heads: dict[str, Head], stream: str, event: Event) -> SealedRecord:
    """Return the event as the record that comes next in its stream, and move the stream's head."""
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
