"""Opening a log: the topic, a manifest at the start of each partition, and the check that all of it agrees."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from secrets import token_hex

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from patchbay.eventlog.access import BootstrapServers
from patchbay.eventlog.brokers import bounded, open_admin, open_consumer
from patchbay.eventlog.envelope import MANIFEST_KEY
from patchbay.eventlog.errors import LogMismatch, ManifestsMissing, NotALog, TopicMissing
from patchbay.eventlog.identity import LogIdentity
from patchbay.eventlog.manifest import RULE_VERSION, Manifest, manifest_headers, read_manifest
from patchbay.eventlog.producer import Producer
from patchbay.eventlog.record import Record
from patchbay.eventlog.rights import APPENDS, READS, check_rights
from patchbay.eventlog.topic import TopicFault, await_partitions, create_topic, describe_partitions, topic_faults

_append_timeout_seconds = 10.0
_START_BYTES = 4_096  # of a partition, and one batch in any case: a manifest is looked at each minute, for 500 bytes


async def open_log(
    bootstrap_servers: BootstrapServers,
    topic: str,
    *,
    create_with_partitions: int | None = None,
    replication_factor: int = 1,
    timeout_seconds: float = 30.0,
) -> LogIdentity:
    """
    Return what log the topic is, after making it one where that was asked for; several may do so at once.

    Who only reads does not ask for it, and nothing is written then, whatever is found.

    Args:
        bootstrap_servers: `host:port`, several with commas between; or `Brokers`.
        topic: Its name.
        create_with_partitions: Create the topic with so many partitions if there is none, and write the manifests that
            are missing; None = it must be a log already.
        replication_factor: Of a topic that is created.
        timeout_seconds: The bound on all of it.

    Raises:
        TopicMissing: There is no such topic, and it was not to be created.
        ManifestsMissing: There is one, but it is no log yet, and was not to be made one.
        NotALog: A partition starts with something else than a manifest.
        LogMismatch: The manifests contradict one another or the topic.
        LogRefused: The brokers do not let this process in, or not do with the topic what it has to.
        LogUnavailable: The brokers did not answer within the bound.
    """
    async with bounded(timeout_seconds, f"opening topic {topic}"):
        async with open_admin(bootstrap_servers) as admin:
            needed = READS if create_with_partitions is None else APPENDS
            await check_rights(admin, topic, needed, bootstrap_servers)
            exists = topic in await admin.list_topics()
        if not exists:
            if create_with_partitions is None:
                raise TopicMissing(topic, f"there is no topic {topic}")
            await create_topic(
                bootstrap_servers, topic, partitions=create_with_partitions, replication_factor=replication_factor
            )
        async with open_admin(bootstrap_servers) as admin:
            count = await await_partitions(admin, topic)
        async with open_consumer(bootstrap_servers, partition_fetch_bytes=_START_BYTES) as consumer:
            visit = _Visit(bootstrap_servers, consumer, topic, count)
            manifests = await visit.manifests(writes_missing=create_with_partitions is not None)
    return _identity(topic, manifests)


async def check_topic(
    bootstrap_servers: BootstrapServers, identity: LogIdentity, *, timeout_seconds: float = 10.0
) -> list[TopicFault]:
    """
    Return everything about the topic that is not as the log needs it; empty when all is well.

    Raises:
        TopicMissing: The topic is gone.
        LogUnavailable: The brokers did not answer within the bound.
    """
    topic = identity.topic
    async with bounded(timeout_seconds, f"checking topic {topic}"), open_admin(bootstrap_servers) as admin:
        faults = await topic_faults(admin, topic)
        count = len(await describe_partitions(admin, topic))
        if count != identity.partition_count:
            sentence = (
                f"topic {topic} has {count} partitions, its manifest says {identity.partition_count}: streams would be "
                "looked for in the wrong ones; move the log into a new topic"
            )
            faults.append(TopicFault("partitions", str(count), str(identity.partition_count), sentence))
        async with open_consumer(bootstrap_servers, partition_fetch_bytes=_START_BYTES) as consumer:
            visit = _Visit(bootstrap_servers, consumer, topic, min(count, identity.partition_count))
            faults += await visit.faults(identity)
    return faults


class _Visit:
    """What is done with the partitions of one topic while a consumer is open."""

    def __init__(
        self, bootstrap_servers: BootstrapServers, consumer: AIOKafkaConsumer, topic: str, partition_count: int
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._consumer = consumer
        self._topic = topic
        self._partitions = [TopicPartition(topic, partition) for partition in range(partition_count)]

    async def manifests(self, *, writes_missing: bool) -> list[Manifest]:
        """
        Return every partition's manifest; those that are missing may be written first, partition 0 first of all.

        Others may do the same now: what lands first is the manifest, what the others write is foreign to readers.
        """
        await self._check_starts()
        ends = await self._consumer.end_offsets(self._partitions)
        empty = [partition.partition for partition, end in ends.items() if end == 0]
        if empty:
            await self._check_others(empty)
        if empty and not writes_missing:
            named = ", ".join(map(str, sorted(empty)))
            raise ManifestsMissing(
                self._topic,
                f"topic {self._topic} is no log of Patchbay yet: partition {named} is empty; "
                "start the API, which begins the log, or name the right topic",
            )
        if empty:
            await self._write_manifests(empty)
        self._read_starts(self._partitions)
        return [await self._manifest(partition.partition) for partition in self._partitions]

    async def _check_others(self, empty: Sequence[int]) -> None:
        """See that what there is belongs to a log of this size."""
        others = [partition for partition in self._partitions if partition.partition not in empty]
        if others:
            self._read_starts(others)
        for partition in others:
            wanted, count = (await self._manifest(partition.partition)).partition_count, len(self._partitions)
            if wanted != count:
                raise LogMismatch(
                    self._topic,
                    f"topic {self._topic} has {count} partitions, its manifest says {wanted}: streams would be looked "
                    "for in the wrong ones; move the log into a new topic",
                )

    async def _write_manifests(self, empty: Sequence[int]) -> None:
        if 0 in empty:
            new = Manifest(token_hex(32), len(self._partitions), 0)
            await _append_manifests(self._bootstrap_servers, self._topic, [new])
        self._read_starts(self._partitions[:1])
        first = await self._manifest(0)
        others = [msgspec.structs.replace(first, partition=partition) for partition in empty if partition > 0]
        if others:
            await _append_manifests(self._bootstrap_servers, self._topic, others)

    async def faults(self, identity: LogIdentity) -> list[TopicFault]:
        """Return what contradicts `identity`, or tells that the log has lost its start."""
        faults = []
        starts = await self._consumer.beginning_offsets(self._partitions)
        ends = await self._consumer.end_offsets(self._partitions)
        for partition, start in starts.items():
            if start > 0:
                faults.append(_lost_start(partition, start))
            elif ends[partition] == 0:
                faults.append(_wrong_manifest(partition, "nothing", identity))
            else:
                self._read_starts([partition])
                manifest = read_manifest(await self._first_record(partition))
                if manifest is None or manifest.log_id != identity.log_id:
                    found = "something else" if manifest is None else f"the manifest of log {manifest.log_id}"
                    faults.append(_wrong_manifest(partition, found, identity))
        return faults

    def _read_starts(self, partitions: Sequence[TopicPartition]) -> None:
        # Only once there is something to read: a fetch that waits for records delays the next one.
        self._consumer.assign(partitions)
        for partition in partitions:
            self._consumer.seek(partition, 0)

    async def _check_starts(self) -> None:
        for partition, start in (await self._consumer.beginning_offsets(self._partitions)).items():
            if start > 0:
                raise NotALog(self._topic, _lost_start(partition, start).sentence)

    async def _manifest(self, index: int) -> Manifest:
        manifest = read_manifest(await self._first_record(self._partitions[index]))
        if manifest is None:
            raise NotALog(
                self._topic,
                f"topic {self._topic} is not a log of Patchbay: partition {index} does not start with its manifest; "
                "use a topic of its own",
            )
        return manifest

    async def _first_record(self, partition: TopicPartition) -> Record:
        record: Record = await self._consumer.getone(partition)
        return record


def _identity(topic: str, manifests: list[Manifest]) -> LogIdentity:
    first = manifests[0]
    if first.rule_version != RULE_VERSION:
        raise LogMismatch(
            topic, f"topic {topic} is judged by rule {first.rule_version}, this version knows {RULE_VERSION}"
        )
    for index, manifest in enumerate(manifests):
        wanted = Manifest(first.log_id, len(manifests), index)
        if manifest != wanted:
            raise LogMismatch(
                topic, f"topic {topic}: the manifest of partition {index} is {manifest}, must be {wanted}"
            )
    return LogIdentity(first.log_id, topic, len(manifests))


async def _append_manifests(bootstrap_servers: BootstrapServers, topic: str, manifests: Sequence[Manifest]) -> None:
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    producer = Producer(bootstrap_servers, topic, request_timeout_seconds=_append_timeout_seconds)
    try:
        await producer.start()
        acknowledgements = []
        for manifest in manifests:
            batch = producer.create_batch()
            batch.append(
                timestamp=None,
                key=MANIFEST_KEY,
                value=msgspec.json.encode(manifest),
                headers=manifest_headers(event_id=token_hex(16), time=time),
            )
            acknowledgements.append(await producer.send_batch(batch, manifest.partition))
        await asyncio.gather(*acknowledgements)
        await producer.stop()
    finally:
        await producer.abandon()


def _lost_start(partition: TopicPartition, start: int) -> TopicFault:
    sentence = (
        f"topic {partition.topic}: partition {partition.partition} starts at offset {start}, must start at 0: events "
        "have been deleted; restore the log into a new topic"
    )
    return TopicFault("earliest offset", str(start), "0", sentence)


def _wrong_manifest(partition: TopicPartition, found: str, identity: LogIdentity) -> TopicFault:
    sentence = (
        f"topic {partition.topic}: partition {partition.partition} starts with {found}, must start with the manifest "
        f"of log {identity.log_id}: the topic was made anew; restore the log into a new topic"
    )
    return TopicFault("manifest", found, identity.log_id, sentence)
