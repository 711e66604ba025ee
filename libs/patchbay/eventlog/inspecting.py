"""Looking at a topic without touching it: what it is, and what is not as a log needs it, begun or not."""

import msgspec
from aiokafka import TopicPartition

from patchbay.eventlog.access import BootstrapServers
from patchbay.eventlog.brokers import bounded, open_admin, open_consumer
from patchbay.eventlog.errors import ManifestsMissing
from patchbay.eventlog.identity import LogIdentity
from patchbay.eventlog.opening import check_topic, open_log
from patchbay.eventlog.topic import TopicFault, describe_partitions, topic_faults


class TopicState(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at the topic has shown."""

    topic: str
    partitions: int
    replicas: int  # of the partition that has the fewest
    in_sync_replicas: int  # likewise
    identity: LogIdentity | None  # None: no API has begun the log yet
    faults: tuple[TopicFault, ...]


async def inspect_topic(
    bootstrap_servers: BootstrapServers, topic: str, *, timeout_seconds: float = 10.0
) -> TopicState:
    """
    Return what the topic is; nothing is written.

    Raises:
        TopicMissing: There is no such topic.
        NotALog: A partition starts with something else than a manifest.
        LogMismatch: The manifests contradict one another or the topic.
        LogUnavailable: The brokers did not answer within the bound.
    """
    identity: LogIdentity | None
    try:
        identity = await open_log(bootstrap_servers, topic, timeout_seconds=timeout_seconds)
        faults = await check_topic(bootstrap_servers, identity, timeout_seconds=timeout_seconds)
    except ManifestsMissing:
        identity = None
        async with bounded(timeout_seconds, f"checking topic {topic}"), open_admin(bootstrap_servers) as admin:
            faults = await topic_faults(admin, topic)
    async with bounded(timeout_seconds, f"describing topic {topic}"), open_admin(bootstrap_servers) as admin:
        partitions = await describe_partitions(admin, topic)
    return TopicState(
        topic=topic,
        partitions=len(partitions),
        replicas=min(len(partition["replicas"]) for partition in partitions),
        in_sync_replicas=min(len(partition["isr"]) for partition in partitions),
        identity=identity,
        faults=tuple(faults),
    )


async def end_offsets(
    bootstrap_servers: BootstrapServers, identity: LogIdentity, *, timeout_seconds: float = 10.0
) -> dict[int, int]:
    """
    Return where each partition ends now, by partition.

    Raises:
        LogUnavailable: The brokers did not answer within the bound.
    """
    partitions = [TopicPartition(identity.topic, index) for index in range(identity.partition_count)]
    async with bounded(timeout_seconds, "asking where the log ends"), open_consumer(bootstrap_servers) as consumer:
        ends = await consumer.end_offsets(partitions)
    return {partition.partition: end for partition, end in ends.items()}
