"""Opening a log to read it: nothing is written, whatever topic it is."""

import tracemalloc

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import TopicPartition

from patchbay.eventlog import ManifestsMissing, check_topic, create_topic, open_log
from patchbay.eventlog.brokers import open_consumer


async def test_who_only_reads_writes_nothing_to_a_topic_of_another(kafka: str, topic: str) -> None:
    """A router that is told the wrong topic must leave no trace in it."""
    await create_topic(kafka, topic, partitions=2)
    with pytest.raises(ManifestsMissing, match="partition 0, 1 is empty; start the API"):
        await open_log(kafka, topic)

    async with open_consumer(kafka) as consumer:
        ends = await consumer.end_offsets([TopicPartition(topic, 0), TopicPartition(topic, 1)])

    assert set(ends.values()) == {0}


async def test_a_manifest_is_read_without_what_follows_it(kafka: str, topic: str) -> None:
    """Each copy looks at the manifests at its start and each minute: it must not fetch the log for that."""
    identity = await open_log(kafka, topic, create_with_partitions=2)
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    for partition in (0, 1):
        for _ in range(8):
            await producer.send_and_wait(topic, bytes(500_000), partition=partition)
    await producer.stop()

    tracemalloc.start()
    try:
        assert await open_log(kafka, topic) == identity
        assert await check_topic(kafka, identity) == []
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most_bytes < 4_000_000
