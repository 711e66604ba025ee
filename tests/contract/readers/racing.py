"""Two writers on one stream: each decides on what it knows, appends while the other does, and looks who won."""

import asyncio
from collections.abc import Mapping
from random import Random
from secrets import token_hex

from tests.unit.projection.chains import numbers_assigned

from patchbay.assistants.codec import encode_event, subject_of
from patchbay.assistants.events import Event
from patchbay.assistants.ids import source_of
from patchbay.eventlog import (
    Appender,
    Envelope,
    Head,
    LogIdentity,
    NewEvent,
    SealedRecord,
    Verdict,
    advance,
    judge,
    open_reader,
    read_envelope,
    seal,
)


def sealed(stream: str, event: Event, *, parent: Head, base: Head, time: str) -> SealedRecord:
    """Return an event on `parent`, by a writer that knows `base` to be accepted."""
    name, dataschema, affects, data = encode_event(event)
    new = NewEvent(
        type=name,
        source=source_of(stream),
        subject=subject_of(event),
        data=data,
        dataschema=dataschema,
        actor="key_test",
        affects=affects,
    )
    return seal(new, stream=stream, parent=parent, base=base, time=time, event_id=token_hex(16))


def run_of(stream: str, head: Head, events: list[Event]) -> list[SealedRecord]:
    """Return events behind one another, none of which waits for the verdict on the one before."""
    records: list[SealedRecord] = []
    parent = head
    for event in events:
        records.append(sealed(stream, event, parent=parent, base=head, time="2026-02-18T15:00:00.000000Z"))
        parent = records[-1].as_head()
    return records


async def race(
    kafka: str,
    identity: LogIdentity,
    appenders: tuple[Appender, Appender],
    *,
    stream: str,
    assistants: tuple[str, str],
    numbers: list[tuple[str, int]],
    rounds: int,
) -> Mapping[str, Head]:
    """Let two writers hand numbers to and fro between two assistants of `stream`; return the heads at the end."""
    random = Random(1)
    heads: dict[str, Head] = {}
    positions = dict.fromkeys(range(identity.partition_count), 0)
    partition = identity.partition_of(stream)
    for _ in range(rounds):
        await _catch_up(kafka, identity, partition, positions, heads)
        runs = [
            run_of(
                stream, heads[stream], [_assignment(random, assistants, numbers) for _ in range(random.randint(1, 3))]
            )
            for _ in appenders
        ]
        await asyncio.gather(
            *(appender.append(run, session=appender.session) for appender, run in zip(appenders, runs, strict=True))
        )
    await _catch_up(kafka, identity, partition, positions, heads)
    return heads


def _assignment(random: Random, assistants: tuple[str, str], numbers: list[tuple[str, int]]) -> Event:
    taker, loser = random.sample(assistants, 2)
    return numbers_assigned(taker, *random.sample(numbers, random.randint(0, len(numbers))), taken_from=(loser,))


async def _catch_up(
    kafka: str, identity: LogIdentity, partition: int, positions: dict[int, int], heads: dict[str, Head]
) -> None:
    """Read one partition to its end, which is that of our own appends: they were acknowledged."""
    async with open_reader(kafka, identity, {partition: positions[partition]}) as reader, asyncio.timeout(20):
        end = (await reader.end_offsets())[partition]
        while positions[partition] < end:
            for record in await reader.fetch(max_records=1000, timeout_seconds=1):
                positions[partition] = record.offset + 1
                envelope = read_envelope(record, identity)
                if isinstance(envelope, Envelope):
                    head = heads.get(envelope.stream) or Head.genesis(identity.log_id)
                    verdict = judge(envelope, head)
                    heads[envelope.stream] = head if verdict is Verdict.VOID else advance(head, envelope, verdict)
