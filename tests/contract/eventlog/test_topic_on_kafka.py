"""Opening, checking and reading a topic that is new, somebody else's, damaged or made anew."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.structs import TopicPartition

from patchbay.eventlog import (
    Envelope,
    Foreign,
    LogMismatch,
    LogRecreated,
    LogTruncated,
    LogUnavailable,
    NotALog,
    Record,
    TopicMissing,
    check_topic,
    create_topic,
    fingerprint,
    open_appender,
    open_log,
    open_reader,
    read_envelope,
)


@asynccontextmanager
async def admin_of(kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def write(kafka: str, topic: str, records: Sequence[Record]) -> None:
    """Append `records` as they are, as a restore does."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    for record in records:
        await producer.send_and_wait(
            topic, record.value, key=record.key, partition=record.partition, headers=list(record.headers)
        )
    await producer.stop()


async def make_anew(kafka: str, topic: str) -> None:
    async with admin_of(kafka) as admin:
        await admin.delete_topics([topic])
        async with asyncio.timeout(10):
            while topic in await admin.list_topics():
                pass
    await create_topic(kafka, topic, partitions=4)


async def test_several_processes_open_a_missing_topic_at_once_and_agree(kafka: str, topic: str, opened: Any) -> None:
    identities = await asyncio.gather(*(open_log(kafka, topic, create_with_partitions=4) for _ in range(5)))

    assert len(set(map(str, identities))) == 1
    records = await opened(identities[0]).read_all()
    found = {read_envelope(record, identities[0]).reason for record in records}
    assert found <= {"manifest", "stray_manifest"}  # the manifests of those who came second count for nothing


async def test_a_log_is_the_same_one_when_it_is_opened_again(kafka: str, topic: str) -> None:
    first = await open_log(kafka, topic, create_with_partitions=3)

    assert await open_log(kafka, topic) == first
    assert await open_log(kafka, topic, create_with_partitions=7) == first


async def test_a_created_topic_has_nothing_to_complain_about(kafka: str, kafka_log: Any) -> None:
    assert await check_topic(kafka, kafka_log.identity) == []


async def test_a_missing_topic_is_not_made_by_looking_for_it(kafka: str, topic: str) -> None:
    with pytest.raises(TopicMissing, match=topic):
        await open_log(kafka, topic)

    async with admin_of(kafka) as admin:
        assert topic not in await admin.list_topics()


async def test_manifests_that_a_crash_left_out_are_added_with_the_logs_id(kafka: str, topic: str, opened: Any) -> None:
    other = await open_log(kafka, f"{topic}.other", create_with_partitions=4)
    manifests = await opened(other).read_all()
    await create_topic(kafka, topic, partitions=4)
    await write(kafka, topic, [record for record in manifests if record.partition in {0, 2}])

    identity = await open_log(kafka, topic, create_with_partitions=4)

    assert identity.log_id == other.log_id
    assert [record.offset for record in await opened(identity).read_all()] == [0, 0, 0, 0]


async def test_a_topic_of_something_else_is_refused(kafka: str, topic: str) -> None:
    await create_topic(kafka, topic, partitions=2)
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    await producer.send_and_wait(topic, b"hello", partition=1)
    await producer.stop()

    with pytest.raises(NotALog, match="partition 1 does not start with its manifest"):
        await open_log(kafka, topic)


async def test_a_log_with_more_partitions_than_its_manifest_says_is_refused_and_named(kafka: str, topic: str) -> None:
    identity = await open_log(kafka, topic, create_with_partitions=2)
    async with admin_of(kafka) as admin:
        await admin.create_partitions({topic: NewPartitions(3)})
        async with asyncio.timeout(10):
            while len(next(t for t in await admin.describe_topics() if t["topic"] == topic)["partitions"]) < 3:
                pass

    [fault] = await check_topic(kafka, identity)
    assert (fault.setting, fault.found, fault.wanted) == ("partitions", "3", "2")
    with pytest.raises(LogMismatch):
        await open_log(kafka, topic)


async def test_a_log_that_lost_its_start_is_refused_and_named(kafka: str, kafka_log: Any) -> None:
    chain = kafka_log.chain()
    partition = kafka_log.identity.partition_of(chain.stream)
    async with open_appender(kafka, kafka_log.identity) as appender:
        await appender.append([chain.event(), chain.event()], session=1)
    async with admin_of(kafka) as admin:
        position = TopicPartition(kafka_log.identity.topic, partition)
        await admin.delete_records({position: RecordsToDelete(before_offset=2)})

    [fault] = await check_topic(kafka, kafka_log.identity)
    assert (fault.setting, fault.found, fault.wanted) == ("earliest offset", "2", "0")
    with pytest.raises(NotALog, match="starts at offset 2"):
        await open_log(kafka, kafka_log.identity.topic)
    with pytest.raises(LogTruncated):
        async with open_reader(kafka, kafka_log.identity, {partition: 3}):
            pass


async def test_every_deviating_setting_is_named_with_what_to_do(kafka: str, topic: str) -> None:
    wrong = {
        "cleanup.policy": "compact",
        "retention.ms": "604800000",
        "retention.bytes": "1000000",
        "unclean.leader.election.enable": "true",
        "compression.type": "gzip",
        "message.timestamp.type": "CreateTime",
        "max.message.bytes": "100000",
        "flush.messages": "10000",
    }
    async with admin_of(kafka) as admin:
        await admin.create_topics([NewTopic(topic, 1, 1, topic_configs=wrong)])
    identity = await open_log(kafka, topic, create_with_partitions=1)

    faults = await check_topic(kafka, identity)

    assert {fault.setting: fault.found for fault in faults} == wrong
    assert all(f"--add-config {fault.setting}=" in str(fault) for fault in faults)


async def test_a_topic_made_anew_is_seen_by_its_manifest(kafka: str, kafka_log: Any, topic: str) -> None:
    await make_anew(kafka, topic)
    await open_log(kafka, topic, create_with_partitions=4)

    faults = await check_topic(kafka, kafka_log.identity)
    assert {fault.setting for fault in faults} == {"manifest"}
    with pytest.raises(LogRecreated, match="manifest"):
        async with open_reader(kafka, kafka_log.identity, {0: 1}):
            pass


async def test_a_tail_that_was_cut_or_rewritten_is_seen_at_the_next_start(
    kafka: str, kafka_log: Any, topic: str
) -> None:
    """A restore of an older copy: the same manifests, fewer events, then others."""
    lost, other = kafka_log.chain(), kafka_log.chain()
    partition = kafka_log.identity.partition_of(lost.stream)
    manifests = await kafka_log.read_all()
    async with open_appender(kafka, kafka_log.identity) as appender:
        await appender.append([lost.event(), lost.event()], session=1)
    last = next(r for r in await kafka_log.read_all() if r.partition == partition and r.offset == 2)
    await make_anew(kafka, topic)
    await write(kafka, topic, manifests)

    with pytest.raises(LogTruncated):
        async with open_reader(kafka, kafka_log.identity, {partition: 3}, fingerprints={partition: fingerprint(last)}):
            pass
    async with open_appender(kafka, kafka_log.identity) as appender:
        await appender.append([other.event(), other.event()], session=1)
    with pytest.raises(LogRecreated, match="offset 2"):
        async with open_reader(kafka, kafka_log.identity, {partition: 3}, fingerprints={partition: fingerprint(last)}):
            pass


async def test_a_running_reader_sees_that_records_before_its_position_are_gone(kafka: str, kafka_log: Any) -> None:
    chain = kafka_log.chain()
    partition = kafka_log.identity.partition_of(chain.stream)
    async with open_appender(kafka, kafka_log.identity) as appender:
        await appender.append([chain.event() for _ in range(3)], session=1)
    async with open_reader(kafka, kafka_log.identity, {partition: 1}) as reader:
        reader._consumer.seek(TopicPartition(kafka_log.identity.topic, partition), 99)

        with pytest.raises(LogTruncated) as refused:
            await reader.fetch(max_records=10, timeout_seconds=5)
        assert (refused.value.partition, refused.value.position) == (partition, 99)


async def test_a_reader_belongs_to_no_group_and_commits_nothing(kafka: str, kafka_log: Any) -> None:
    await kafka_log.read_all()

    async with admin_of(kafka) as admin:
        groups = [name for name, *_ in await admin.list_consumer_groups()]
        assert groups == []


async def test_a_strangers_open_transaction_holds_nobody_up(kafka: str, kafka_log: Any) -> None:
    chain = kafka_log.chain()
    partition = kafka_log.identity.partition_of(chain.stream)
    stranger = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=kafka_log.identity.topic)
    await stranger.start()
    async with stranger.transaction():
        await stranger.send_and_wait(kafka_log.identity.topic, b"{}", key=b"note_a", partition=partition)
        async with open_appender(kafka, kafka_log.identity) as appender:
            await appender.append([chain.event()], session=1)
        async with open_reader(kafka, kafka_log.identity, {partition: 1}) as reader:
            records: list[Record] = []
            async with asyncio.timeout(5):
                while len(records) < 2:
                    records += await reader.fetch(max_records=10, timeout_seconds=1)
    await stranger.stop()

    foreign, ours = (read_envelope(record, kafka_log.identity) for record in records)
    assert isinstance(foreign, Foreign)
    assert isinstance(ours, Envelope)


async def test_brokers_that_do_not_answer_are_named_within_the_bound(kafka: str, kafka_log: Any, wire: Any) -> None:
    wire.fall_silent()

    async with asyncio.timeout(5):
        with pytest.raises(LogUnavailable, match="no answer within"):
            await open_log(kafka, kafka_log.identity.topic, timeout_seconds=0.3)
        with pytest.raises(LogUnavailable):
            await check_topic(kafka, kafka_log.identity, timeout_seconds=0.3)
        with pytest.raises(LogUnavailable):
            async with open_reader(kafka, kafka_log.identity, {0: 1}, open_timeout_seconds=0.3):
                pass


async def test_a_reader_goes_on_after_a_cut_wire(kafka: str, kafka_log: Any, wire: Any, until: Any) -> None:
    chain = kafka_log.chain()
    partition = kafka_log.identity.partition_of(chain.stream)
    async with open_reader(kafka, kafka_log.identity, {partition: 1}) as reader:
        wire.cut()
        await until(lambda: reader.seconds_since_contact > 1)
        assert not await reader.fetch(max_records=10, timeout_seconds=0.05)
        wire.mend()
        async with open_appender(kafka, kafka_log.identity) as appender:
            await appender.append([chain.event()], session=1)
        records: list[Record] = []
        async with asyncio.timeout(10):
            while not records:
                records += await reader.fetch(max_records=10, timeout_seconds=1)

        assert [record.offset for record in records] == [1]
        assert reader.seconds_since_contact < 1


async def test_a_header_name_that_is_no_text_does_not_stop_a_reader(kafka: str, kafka_log: Any) -> None:
    """Kafka stores any bytes as a header's name; a stranger's record must not be the last one that is read."""
    chain = kafka_log.chain()
    partition = kafka_log.identity.partition_of(chain.stream)

    class Bytes(str):
        """A name that encodes to bytes which are no UTF-8."""

        __slots__ = ()

        def encode(self, *_: Any) -> bytes:
            return b"\xff\xfe"

    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    batch = producer.create_batch()
    batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, 0, 1_000_000)
    batch.append(timestamp=None, key=b"a", value=b"{}", headers=[])
    batch.append(timestamp=None, key=b"b", value=b"{}", headers=[(Bytes("x"), b"1")])
    batch.append(timestamp=None, key=b"c", value=b"{}", headers=[])
    await (await producer.send_batch(batch, kafka_log.identity.topic, partition=partition))
    await producer.stop()
    async with open_appender(kafka, kafka_log.identity) as appender:
        await appender.append([chain.event()], session=1)

    records = [record for record in await kafka_log.read_all() if record.offset > 0]
    keys = [record.key for record in records]
    for position, before in enumerate(records, start=2):
        async with open_reader(
            kafka, kafka_log.identity, {partition: position}, fingerprints={partition: fingerprint(before)}
        ) as reader:
            rest = await reader.fetch(max_records=10, timeout_seconds=0.5)
            assert [record.offset for record in rest] == list(range(position, 5))

    assert keys == [b"a", b"b", b"c", b"note_a"]
