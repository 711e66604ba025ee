"""Opening a log to read it: nothing is written, whatever topic it is."""

import pytest
from aiokafka.structs import TopicPartition

from patchbay.eventlog import ManifestsMissing, create_topic, open_log
from patchbay.eventlog.brokers import open_consumer


async def test_who_only_reads_writes_nothing_to_a_topic_of_another(kafka: str, topic: str) -> None:
    """A router that is told the wrong topic must leave no trace in it."""
    await create_topic(kafka, topic, partitions=2)
    with pytest.raises(ManifestsMissing, match="partition 0, 1 is empty; start the API"):
        await open_log(kafka, topic)

    async with open_consumer(kafka) as consumer:
        ends = await consumer.end_offsets([TopicPartition(topic, 0), TopicPartition(topic, 1)])

    assert set(ends.values()) == {0}
