"""What holds for every log, in memory and on Kafka."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from patchbay.eventlog import (
    MAX_RECORD_BYTES,
    Envelope,
    Foreign,
    LogRecreated,
    LogTruncated,
    NotSent,
    RecordTooLarge,
    Verdict,
    fingerprint,
    read_envelope,
)

Outcomes = Callable[..., Any]


async def test_a_fresh_log_holds_its_manifests_and_no_event(log: Any) -> None:
    records = await log.read_all()

    assert sorted(record.partition for record in records) == [0, 1, 2, 3]
    assert {read_envelope(record, log.identity) for record in records} == {Foreign("manifest")}


async def test_what_was_acknowledged_is_in_the_log_as_it_was_sealed(log: Any) -> None:
    chain = log.chain()
    sealed = chain.event(data='{"note":"№ 1"}'.encode())
    async with log.open_appender() as appender:
        await appender.append([sealed], session=appender.session)

    envelope = read_envelope(
        next(record for record in await log.read_all() if record.key == sealed.key),
        log.identity,
    )

    assert isinstance(envelope, Envelope)
    assert (envelope.stream, envelope.height, envelope.digest) == (sealed.stream, 1, sealed.digest)
    assert (envelope.value, list(envelope.headers)) == (sealed.value, sealed.headers)


async def test_the_order_of_appends_is_the_order_in_the_log(log: Any) -> None:
    chain = log.chain()
    runs = [[chain.event() for _ in range(1 + number % 3)] for number in range(100)]
    async with log.open_appender() as appender:
        await asyncio.gather(*(appender.append(run, session=appender.session) for run in runs))

    verdicts, heads = await log.verdicts()

    assert [verdicts[record.digest] for run in runs for record in run] == [Verdict.ACCEPTED] * 199
    assert heads[chain.stream].digest == chain.head.digest


async def test_streams_of_all_partitions_are_read_in_their_own_order(log: Any) -> None:
    chains = [log.chain(f"note_{number}") for number in range(20)]
    async with log.open_appender() as appender:
        for _ in range(10):
            await asyncio.gather(*(appender.append([chain.event()], session=appender.session) for chain in chains))

    _, heads = await log.verdicts()

    assert {stream: head.digest for stream, head in heads.items()} == {c.stream: c.head.digest for c in chains}


async def test_a_run_of_an_ended_session_is_not_sent(log: Any, outcomes: Outcomes) -> None:
    chain = log.chain()
    async with log.open_appender() as appender:
        stale = appender.append([chain.event()], session=appender.session - 1)

        assert await outcomes([stale]) == ["NotSent"]
        with pytest.raises(NotSent, match="stale_session"):
            stale.result()
    verdicts, _ = await log.verdicts()
    assert not verdicts


async def test_a_record_above_the_limit_is_not_sent_and_disturbs_nobody(log: Any, outcomes: Outcomes) -> None:
    chain, other = log.chain("note_a"), log.chain("note_b")
    async with log.open_appender() as appender:
        session = appender.session
        large = appender.append([chain.event(data=b'"' + b"x" * MAX_RECORD_BYTES + b'"')], session=session)
        small = appender.append([other.event()], session=session)

        assert await outcomes([large, small]) == ["RecordTooLarge", "acknowledged"]
        assert isinstance(large.exception(), RecordTooLarge)
        assert appender.session == session


async def test_an_append_needs_records_of_one_partition(log: Any) -> None:
    chains = [log.chain(f"note_{number}") for number in range(8)]
    async with log.open_appender() as appender:
        with pytest.raises(ValueError, match="one partition"):
            appender.append([chain.event() for chain in chains], session=appender.session)
        with pytest.raises(ValueError, match="one partition"):
            appender.append([], session=appender.session)


async def test_a_closed_appender_takes_nothing(log: Any, outcomes: Outcomes) -> None:
    chain = log.chain()
    async with log.open_appender() as appender:
        pass

    assert not appender.healthy
    assert await outcomes([appender.append([chain.event()], session=appender.session)]) == ["NotSent"]


async def test_leaving_lets_what_was_taken_finish(log: Any) -> None:
    chain = log.chain()
    async with log.open_appender() as appender:
        taken = [appender.append([chain.event()], session=appender.session) for _ in range(20)]
        await taken[0]

    assert {future.done() for future in taken} == {True}


async def test_a_reader_waits_for_the_next_record_and_no_longer(log: Any) -> None:
    chain = log.chain()
    partition = log.identity.partition_of(chain.stream)
    async with log.open_reader({partition: 1}) as reader, log.open_appender() as appender:
        assert not await reader.fetch(max_records=10, timeout_seconds=0.05)
        waiting = asyncio.create_task(reader.fetch(max_records=10, timeout_seconds=10))
        sealed = chain.event()
        await appender.append([sealed], session=appender.session)
        [record] = await waiting

        assert (record.partition, record.offset, record.key) == (partition, 1, sealed.key)


async def test_a_reader_returns_no_more_than_it_was_asked_for(log: Any) -> None:
    chain = log.chain()
    partition = log.identity.partition_of(chain.stream)
    async with log.open_appender() as appender:
        await appender.append([chain.event() for _ in range(10)], session=appender.session)
    async with log.open_reader({partition: 1}) as reader:
        first = await reader.fetch(max_records=4, timeout_seconds=5)
        second = await reader.fetch(max_records=100, timeout_seconds=5)

        assert [record.offset for record in [*first, *second]] == list(range(1, 11))
        assert len(first) == 4


async def test_a_reader_goes_on_from_a_position_whose_fingerprint_holds(log: Any) -> None:
    chain = log.chain()
    partition = log.identity.partition_of(chain.stream)
    async with log.open_appender() as appender:
        await appender.append([chain.event() for _ in range(3)], session=appender.session)
    before = next(r for r in await log.read_all() if r.partition == partition and r.offset == 1)
    async with log.open_reader({partition: 2}, fingerprints={partition: fingerprint(before)}) as reader:
        records = await reader.fetch(max_records=10, timeout_seconds=5)

        assert [record.offset for record in records] == [2, 3]


async def test_a_position_behind_another_record_than_was_read_is_refused(log: Any) -> None:
    chain = log.chain()
    partition = log.identity.partition_of(chain.stream)
    async with log.open_appender() as appender:
        await appender.append([chain.event()], session=appender.session)

    with pytest.raises(LogRecreated) as refused:
        async with log.open_reader({partition: 2}, fingerprints={partition: b"\0" * 32}):
            pass
    assert (refused.value.partition, refused.value.position) == (partition, 2)


async def test_a_position_beyond_the_end_is_refused(log: Any) -> None:
    with pytest.raises(LogTruncated) as refused:
        async with log.open_reader({0: 1, 2: 17}):
            pass

    assert (refused.value.partition, refused.value.position) == (2, 17)


async def test_the_end_offsets_are_those_of_the_next_records(log: Any) -> None:
    chain = log.chain()
    partition = log.identity.partition_of(chain.stream)
    async with log.open_appender() as appender:
        await appender.append([chain.event() for _ in range(3)], session=appender.session)
    async with log.open_reader(dict.fromkeys(range(4), 0)) as reader:
        ends = await reader.end_offsets()

    assert ends == {number: 4 if number == partition else 1 for number in range(4)}


async def test_two_writers_of_one_stream_both_land_and_one_wins(log: Any) -> None:
    first, second = log.chain(), log.chain()
    async with log.open_appender() as one, log.open_appender() as other:
        await one.append([first.event()], session=one.session)
        await other.append([second.event()], session=other.session)

    verdicts, heads = await log.verdicts()

    assert verdicts == {first.head.digest: Verdict.ACCEPTED, second.head.digest: Verdict.VOID}
    assert heads["note_a"].digest == first.head.digest
