"""The bad days that a log in memory can have, and what a writer is told of them."""

import asyncio
from secrets import token_hex

import pytest

from patchbay.eventlog import (
    Envelope,
    Fault,
    Head,
    LogTruncated,
    MemoryLog,
    NewEvent,
    SealedRecord,
    Verdict,
    advance,
    judge,
    read_envelope,
    seal,
)

STREAM = "note_a"


def event(parent: Head, *, base: Head | None = None) -> SealedRecord:
    new = NewEvent(type="NoteAdded", source="/notes", data=b"{}", dataschema="urn:example:NoteAdded:1", actor="me")
    time = "2026-02-18T14:22:31.114207Z"
    return seal(new, stream=STREAM, parent=parent, base=base or parent, time=time, event_id=token_hex(16))


def verdicts(log: MemoryLog) -> list[tuple[str, Verdict]]:
    head, found = Head.genesis(log.identity.log_id), []
    for record in log.records(log.identity.partition_of(STREAM)):
        envelope = read_envelope(record, log.identity)
        if isinstance(envelope, Envelope):
            verdict = judge(envelope, head)
            head = advance(head, envelope, verdict)
            found.append((envelope.digest, verdict))
    return found


@pytest.mark.parametrize(
    ("fault", "told", "ends_session", "landed"),
    [
        (Fault.NOT_SENT, "NotSent", True, 0),
        (Fault.REFUSED, "OutcomeUnknown", True, 0),
        (Fault.ACK_LOST, "OutcomeUnknown", True, 1),
        (Fault.DELAYED, "OutcomeUnknown", True, 0),
        (Fault.REDELIVERED, None, False, 2),
        (Fault.LOST, None, False, 0),
        (Fault.SKIPPED, "OutcomeUnknown", False, 0),
    ],
)
async def test_a_fault_befalls_one_append(fault: Fault, told: str | None, *, ends_session: bool, landed: int) -> None:
    log = MemoryLog(1)
    ended = []
    async with log.open_appender() as appender:
        appender.on_session_end(lambda session, reason: ended.append((session, reason)))
        log.inject(fault)
        [result] = await asyncio.gather(
            appender.append([event(Head.genesis(log.identity.log_id))], session=1), return_exceptions=True
        )

        assert (type(result).__name__ if result is not None else None) == told
        assert ended == ([(1, str(fault))] if ends_session else [])
        assert appender.session == (2 if ends_session else 1)
    assert len(log.records(0)) == 1 + landed


async def test_what_waits_behind_the_end_of_a_session_is_not_sent() -> None:
    log = MemoryLog(1)
    first = event(Head.genesis(log.identity.log_id))
    second = event(first.as_head(), base=Head.genesis(log.identity.log_id))
    async with log.open_appender() as appender:
        log.inject(Fault.ACK_LOST)
        futures = [appender.append([record], session=1) for record in (first, second)]
        results = await asyncio.gather(*futures, return_exceptions=True)

    assert [type(result).__name__ for result in results] == ["OutcomeUnknown", "NotSent"]
    assert verdicts(log) == [(first.digest, Verdict.ACCEPTED)]


async def test_a_zombie_lands_behind_what_was_appended_since() -> None:
    log = MemoryLog(1)
    genesis = Head.genesis(log.identity.log_id)
    zombie, winner = event(genesis), event(genesis)
    async with log.open_appender() as appender:
        log.inject(Fault.DELAYED)
        await asyncio.gather(appender.append([zombie], session=1), return_exceptions=True)
        await appender.append([winner], session=2)
        log.land_delayed()

    assert verdicts(log) == [(winner.digest, Verdict.ACCEPTED), (zombie.digest, Verdict.VOID)]


async def test_the_child_of_a_refused_first_batch_is_void_and_the_chain_goes_on() -> None:
    log = MemoryLog(1)
    genesis = Head.genesis(log.identity.log_id)
    parent = event(genesis)
    child, other = event(parent.as_head(), base=genesis), event(genesis)
    async with log.open_appender() as appender:
        log.inject(Fault.SKIPPED)
        await asyncio.gather(
            *(appender.append([record], session=1) for record in (parent, child, other)), return_exceptions=True
        )

    assert verdicts(log) == [(child.digest, Verdict.VOID), (other.digest, Verdict.ACCEPTED)]


async def test_the_child_of_a_lost_event_stops_the_stream() -> None:
    log = MemoryLog(1)
    lost = event(Head.genesis(log.identity.log_id))
    child = event(lost.as_head())
    async with log.open_appender() as appender:
        log.inject(Fault.LOST)
        await appender.append([lost], session=1)
        await appender.append([child], session=1)

    assert verdicts(log) == [(child.digest, Verdict.BROKEN)]


async def test_a_running_reader_sees_a_cut_tail() -> None:
    log = MemoryLog(1)
    async with log.open_appender() as appender, log.open_reader({0: 1}) as reader:
        await appender.append([event(Head.genesis(log.identity.log_id))], session=1)
        await reader.fetch(max_records=10, timeout_seconds=1)
        log.truncate(0, 1)

        with pytest.raises(LogTruncated):
            await reader.fetch(max_records=10, timeout_seconds=1)
