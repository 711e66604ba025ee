"""What aiokafka's idempotent producer and Kafka do on bad days, and what the appender makes of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import MessageSizeTooLargeError, OutOfOrderSequenceNumber
from aiokafka.producer.sender import SendProduceReqHandler
from aiokafka.protocol.produce import ProduceResponse_v5

from patchbay.eventlog import KafkaAppender, LogIdentity, Verdict, open_appender, open_log

Outcomes = Callable[..., Any]
Until = Callable[..., Any]


@asynccontextmanager
async def raw_producer(kafka: str, **settings: Any) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, **settings)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@pytest.fixture
async def narrow_log(kafka: str, topic: str) -> LogIdentity:
    """A log whose broker refuses batches above 20 kB, which the appender does not know."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1, topic_configs={"max.message.bytes": "20000"})])
    await admin.close()
    return await open_log(kafka, topic, create_with_partitions=1)


def too_large_for_the_broker() -> bytes:
    return b'"' + b"x" * 30_000 + b'"'


def producer_of(appender: KafkaAppender) -> Any:
    producer = appender._session.producer
    assert producer is not None
    return producer._producer


async def test_a_bare_producer_is_dead_for_a_partition_after_one_refused_batch(
    kafka: str, narrow_log: LogIdentity
) -> None:
    """The trap itself (aiokafka #1017): once it is gone, the appender may become simpler."""
    async with raw_producer(kafka, enable_idempotence=True) as producer:
        await producer.send_and_wait(narrow_log.topic, b"1", partition=0)
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(narrow_log.topic, too_large_for_the_broker(), partition=0)

        with pytest.raises(OutOfOrderSequenceNumber):
            await producer.send_and_wait(narrow_log.topic, b"2", partition=0)


async def test_after_a_refused_batch_a_new_session_goes_on(
    kafka: str, narrow_log: LogIdentity, chain_of: Any, outcomes: Outcomes, until: Until
) -> None:
    chain, again = chain_of(narrow_log), chain_of(narrow_log)
    ended = []
    async with open_appender(kafka, narrow_log) as appender:
        appender.on_session_end(lambda session, reason: ended.append((session, reason)))
        first = chain.event()
        await appender.append([first], session=1)
        again.head = again.accepted = first.as_head()
        refused = appender.append([chain.event(data=too_large_for_the_broker())], session=1)
        await asyncio.wait([refused])
        child = appender.append([chain.event()], session=1)

        assert await outcomes([refused, child]) == ["OutcomeUnknown", "NotSent"]
        assert ended == [(1, "MessageSizeTooLargeError")]
        assert appender.session == 2
        await appender.append([again.event()], session=2)
        await until(lambda: appender.healthy)


async def test_groups_behind_a_refused_one_are_not_sent(
    kafka: str, narrow_log: LogIdentity, chain_of: Any, outcomes: Outcomes
) -> None:
    chain = chain_of(narrow_log)
    async with open_appender(kafka, narrow_log) as appender:
        await appender.append([chain.event()], session=1)
        refused = appender.append([chain.event(data=too_large_for_the_broker())], session=1)
        while not appender._session.lanes[0].handed_over:
            await asyncio.sleep(0)
        behind = [appender.append([chain.event()], session=1) for _ in range(3)]

        results = await outcomes([refused, *behind])
        assert results[0] == "OutcomeUnknown"
        # What still found the batch waiting has joined it and shares its fate; nothing was acknowledged.
        assert set(results[1:]) <= {"NotSent", "OutcomeUnknown"}


async def test_the_child_of_a_cold_sessions_refused_first_batch_is_void_and_the_chain_goes_on(
    kafka: str, narrow_log: LogIdentity, chain_of: Any, opened: Any
) -> None:
    """A producer that pipelines: its first batch is refused, and the broker takes the second for its first."""
    loser, winner = chain_of(narrow_log), chain_of(narrow_log)
    parent, child = loser.event(data=too_large_for_the_broker()), loser.event()
    async with raw_producer(kafka, enable_idempotence=True) as producer:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(
                narrow_log.topic, parent.value, key=parent.key, partition=0, headers=parent.headers
            )
        await producer.send_and_wait(narrow_log.topic, child.value, key=child.key, partition=0, headers=child.headers)
    async with open_appender(kafka, narrow_log) as appender:
        await appender.append([winner.event(), winner.event()], session=appender.session)

    verdicts, heads = await opened(narrow_log).verdicts()

    assert verdicts.pop(child.digest) is Verdict.VOID
    assert set(verdicts.values()) == {Verdict.ACCEPTED}
    assert heads["note_a"] == winner.head


async def test_a_dead_sender_task_ends_the_session(
    kafka: str, kafka_log: Any, outcomes: Outcomes, until: Until
) -> None:
    chain = kafka_log.chain()
    async with open_appender(kafka, kafka_log.identity) as appender:
        await appender.append([chain.event()], session=1)
        producer_of(appender)._sender.sender_task.cancel()
        await until(lambda: appender.session == 2)

        assert await outcomes([appender.append([chain.event()], session=2)]) == ["acknowledged"]


async def test_a_fenced_producer_is_replaced(kafka: str, kafka_log: Any, outcomes: Outcomes) -> None:
    chain, again = kafka_log.chain(), kafka_log.chain()
    async with open_appender(kafka, kafka_log.identity) as appender:
        first = chain.event()
        await appender.append([first], session=1)
        again.head = again.accepted = first.as_head()
        manager = producer_of(appender)._txn_manager
        manager._pid_and_epoch = manager._pid_and_epoch._replace(pid=manager.producer_id + 1_000_000, epoch=7)
        manager._sequence_numbers.clear()
        manager._sequence_numbers[
            TopicPartition(kafka_log.identity.topic, kafka_log.identity.partition_of("note_a"))
        ] = 0
        await appender.append([again.event()], session=1)  # a producer id that the broker does not know starts anew
        manager._pid_and_epoch = manager._pid_and_epoch._replace(epoch=3)
        fenced = appender.append([again.event()], session=1)

        assert await outcomes([fenced]) == ["OutcomeUnknown"]
        assert appender.session == 2


async def test_a_sequence_number_that_was_seen_before_counts_as_success(kafka: str, topic: str) -> None:
    """The broker has the batch and no longer knows where; aiokafka resolves it without offset and time."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True)
    partition = TopicPartition(topic, 0)
    builder = producer.create_batch()
    builder.append(timestamp=None, key=b"k", value=b"v")
    batch = producer._message_accumulator._append_batch(builder, partition)
    duplicate_sequence_number = 46
    answer = ProduceResponse_v5(topics=[(topic, [(0, duplicate_sequence_number, -1, -1, 0)])], throttle_time_ms=0)
    SendProduceReqHandler(producer._sender, {partition: batch}).handle_response(answer)
    producer._closed = True

    assert batch.future.result().offset == -1


async def test_a_batch_sent_twice_is_acknowledged_and_lands_once(kafka: str, kafka_log: Any) -> None:
    chain = kafka_log.chain()
    partition = TopicPartition(kafka_log.identity.topic, kafka_log.identity.partition_of(chain.stream))
    async with open_appender(kafka, kafka_log.identity) as appender:
        sealed = chain.event()
        await appender.append([sealed], session=1)
        producer_of(appender)._txn_manager._sequence_numbers[partition] = 0
        await appender.append([sealed], session=1)

        assert appender.session == 1
    assert [record.key for record in await kafka_log.read_all()].count(sealed.key) == 1


async def test_a_silent_broker_bounds_every_append_and_the_log_recovers_by_itself(
    kafka: str, kafka_log: Any, wire: Any, outcomes: Outcomes, until: Until
) -> None:
    chain = kafka_log.chain()
    async with open_appender(kafka, kafka_log.identity, append_timeout_seconds=1, brake_seconds=0.4) as appender:
        await appender.append([chain.event()], session=1)
        wire.fall_silent()
        started = monotonic()
        taken = appender.append([chain.event()], session=1)
        while not appender._session.lanes[kafka_log.identity.partition_of("note_a")].handed_over:
            await asyncio.sleep(0)
        await until(lambda: monotonic() > started + 0.5)
        braked = appender.append([chain.event()], session=1)
        assert braked.done()
        assert str(braked.exception()) == "nothing was sent: brake"
        assert await outcomes([taken]) == ["OutcomeUnknown"]
        assert monotonic() - started < 1.3
        await until(lambda: monotonic() > started + 1.6)
        assert str(appender.append([chain.event()], session=2).exception()) == "nothing was sent: no_session"
        wire.mend()
        await until(lambda: appender.healthy)
        verdicts, heads = await kafka_log.verdicts()
        chain.head = chain.accepted = heads["note_a"]
        await appender.append([chain.event()], session=appender.session)
    verdicts, _ = await kafka_log.verdicts()
    assert Verdict.BROKEN not in verdicts.values()
    assert len(verdicts) in {2, 3}  # the append of unknown outcome has landed, or has not


async def test_a_cut_wire_bounds_every_append_and_the_log_recovers_by_itself(
    kafka: str, kafka_log: Any, wire: Any, outcomes: Outcomes, until: Until
) -> None:
    chain = kafka_log.chain()
    async with open_appender(kafka, kafka_log.identity, append_timeout_seconds=1) as appender:
        await appender.append([chain.event()], session=1)
        wire.cut()
        started = monotonic()

        assert await outcomes([appender.append([chain.event()], session=1)]) == ["OutcomeUnknown"]
        assert monotonic() - started < 1.3
        waiting = appender.append([chain.event()], session=2)
        assert await outcomes([waiting]) == ["NotSent"]
        assert monotonic() - started < 2.6
        wire.mend()
        await until(lambda: appender.healthy)
        _, heads = await kafka_log.verdicts()
        chain.head = chain.accepted = heads["note_a"]
        await appender.append([chain.event()], session=appender.session)


async def test_a_batch_that_waits_to_be_sent_again_is_let_go_in_silence(
    kafka: str, kafka_log: Any, wire: Any, outcomes: Outcomes, until: Until
) -> None:
    """Aiokafka takes such a batch out of the set of those under way, in which it is not: an error that nobody sees."""
    chain = kafka_log.chain()
    async with open_appender(kafka, kafka_log.identity, append_timeout_seconds=0.5) as appender:
        await appender.append([chain.event()], session=1)
        accumulator = producer_of(appender)._message_accumulator
        wire.fall_silent()
        unsettled = appender.append([chain.event()], session=1)
        await until(lambda: accumulator._pending_batches)
        accumulator.reenqueue(*accumulator._pending_batches)

        assert await outcomes([unsettled]) == ["OutcomeUnknown"]
        wire.mend()
        await until(lambda: appender.healthy)


async def test_a_short_gap_between_two_sessions_is_bridged(kafka: str, kafka_log: Any, outcomes: Outcomes) -> None:
    chain = kafka_log.chain()
    async with open_appender(kafka, kafka_log.identity) as appender:
        await appender.append([chain.event()], session=1)
        appender._end(appender._session, "asked_for")

        assert await outcomes([appender.append([chain.event()], session=2)]) == ["acknowledged"]


@pytest.mark.parametrize("bad_day", ["fall_silent", "cut"])
async def test_leaving_is_bounded_without_a_broker(kafka: str, kafka_log: Any, wire: Any, bad_day: str) -> None:
    chain = kafka_log.chain()
    async with asyncio.timeout(6), open_appender(kafka, kafka_log.identity, append_timeout_seconds=1) as appender:
        await appender.append([chain.event()], session=1)
        getattr(wire, bad_day)()
        unsettled = appender.append([chain.event()], session=1)

    assert type(unsettled.exception()).__name__ == "OutcomeUnknown"


async def test_a_broker_that_never_answered_leaves_nothing_behind(kafka_log: Any, outcomes: Outcomes) -> None:
    chain = kafka_log.chain()
    async with (
        asyncio.timeout(6),
        open_appender("127.0.0.1:9", kafka_log.identity, append_timeout_seconds=0.5) as appender,
    ):
        assert await outcomes([appender.append([chain.event()], session=1)]) == ["NotSent"]
        assert not appender.healthy


async def until_records(log: Any, count: int) -> None:
    async with asyncio.timeout(10):
        while len((await log.verdicts())[0]) < count:
            pass


async def test_a_zombie_that_lands_late_is_void(kafka: str, kafka_log: Any, wire: Any, until: Until) -> None:
    """The wire holds the request back, the session is given up, another writer wins, then the request arrives."""
    zombie, winner = kafka_log.chain(), kafka_log.chain()
    async with open_appender(kafka, kafka_log.identity, append_timeout_seconds=0.5) as appender:
        await until(lambda: appender.healthy)
        wire.fall_silent()
        late = zombie.event()
        with pytest.raises(Exception, match="the outcome is unknown"):
            await appender.append([late], session=1)
        sealed = winner.event()
        with wire.bypass():
            async with open_appender(kafka, kafka_log.identity) as other:
                await other.append([sealed], session=1)
                wire.mend()
                await until_records(kafka_log, 2)

    verdicts, _ = await kafka_log.verdicts()

    assert verdicts == {sealed.digest: Verdict.ACCEPTED, late.digest: Verdict.VOID}
