"""The topic's settings: what it is created with, and what each deviation would cost."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from patchbay.eventlog.access import BootstrapServers
from patchbay.eventlog.brokers import bounded, open_admin
from patchbay.eventlog.contract import MAX_GROUP_BYTES
from patchbay.eventlog.errors import LogRefused, LogUnavailable, TopicMissing
from patchbay.eventlog.refusing import FORBIDDEN

_creation_poll_seconds: Final = 0.02
MAX_MESSAGE_BYTES: Final = 4 * MAX_GROUP_BYTES

_ALWAYS: Final[Mapping[str, tuple[str, str]]] = {
    "cleanup.policy": ("delete", "compaction removes events that are the only record of what happened"),
    "retention.ms": ("-1", "the broker deletes events by age"),
    "retention.bytes": ("-1", "the broker deletes events by size"),
    "unclean.leader.election.enable": ("false", "a fail-over may lose acknowledged events"),
    "compression.type": ("uncompressed", "a stranger's compressed batch may be one that no reader can open"),
    "message.timestamp.type": ("LogAppendTime", "a client whose clock is an hour ahead cannot append any more"),
}
_ALONE: Final[Mapping[str, tuple[str, str]]] = {
    "flush.messages": ("1", "without replicas a crash of the machine loses acknowledged events"),
}
_LEAST: Final[Mapping[str, tuple[int, str]]] = {
    "max.message.bytes": (2 * MAX_GROUP_BYTES, "a refused batch ends the session of the one who sent it"),
}
_LEAST_REPLICATED: Final[Mapping[str, tuple[int, str]]] = {
    "min.insync.replicas": (2, "an acknowledged event may lie on one machine only, and be lost with it"),
}


class TopicFault(msgspec.Struct, frozen=True):
    """One thing that is not as the log needs it."""

    setting: str
    found: str
    wanted: str
    sentence: str  # what is wrong, what it may cost, and what to do

    def __str__(self) -> str:
        return self.sentence


async def create_topic(
    bootstrap_servers: BootstrapServers,
    topic: str,
    *,
    partitions: int,
    replication_factor: int = 1,
    timeout_seconds: float = 15.0,
) -> None:
    """
    Create the topic with the settings of a log, and wait until it can be used; one that exists is left as it is.

    Raises:
        LogRefused: This login may not.
        LogUnavailable: The brokers did not answer within the bound, or refuse.
    """
    new = NewTopic(topic, partitions, replication_factor, topic_configs=dict(settings_of(replication_factor)))
    async with bounded(timeout_seconds, f"creating topic {topic}"), open_admin(bootstrap_servers) as admin:
        answer = await admin.create_topics([new], timeout_ms=int(timeout_seconds * 1000))
        for _, code, *message in answer.topic_errors:
            error = for_code(code)
            if issubclass(error, FORBIDDEN):
                raise LogRefused(
                    f"this login may not create topic {topic}: have one do it that may, by `patchbay topic create`"
                )
            if code and error is not TopicAlreadyExistsError:
                raise LogUnavailable(f"creating topic {topic}: {error.__name__} {' '.join(map(str, message))}")
        await await_partitions(admin, topic)


def settings_of(replication_factor: int) -> Mapping[str, str]:
    """Return the settings with which a log's topic is created."""
    settings = {name: value for name, (value, _) in _ALWAYS.items()}
    settings["max.message.bytes"] = str(MAX_MESSAGE_BYTES)
    if replication_factor > 1:
        settings["min.insync.replicas"] = "2"
    else:
        settings |= {name: value for name, (value, _) in _ALONE.items()}
    return settings


async def topic_faults(admin: AIOKafkaAdminClient, topic: str) -> list[TopicFault]:
    """
    Return every deviation of the topic's settings.

    Raises:
        TopicMissing: There is no such topic.
    """
    replicas = min(len(partition["replicas"]) for partition in await describe_partitions(admin, topic))
    settings = await _read_settings(admin, topic)
    return judge_settings(topic, settings, replicas=replicas)


def judge_settings(topic: str, settings: Mapping[str, str], *, replicas: int) -> list[TopicFault]:
    """Return every deviation of `settings` from what a log with so many replicas needs."""
    exact = _ALWAYS if replicas > 1 else {**_ALWAYS, **_ALONE}
    least = {**_LEAST, **_LEAST_REPLICATED} if replicas > 1 else _LEAST
    faults = []
    for name, (value, cost) in exact.items():
        if settings.get(name, "") != value:
            faults.append(_fault(topic, name, settings.get(name, ""), wanted=value, remedy=value, cost=cost))
    for name, (minimum, cost) in least.items():
        if int(settings.get(name) or 0) < minimum:
            faults.append(
                _fault(
                    topic, name, settings.get(name, ""), wanted=f"at least {minimum}", remedy=str(minimum), cost=cost
                )
            )
    return faults


async def describe_partitions(admin: AIOKafkaAdminClient, topic: str) -> Sequence[Mapping[str, Any]]:
    """
    Return what the brokers say of each partition.

    Raises:
        TopicMissing: There is no such topic.
    """
    # All topics are asked for: brokers create one that is asked for by name, with settings of their own.
    described = next((found for found in await admin.describe_topics() if found["topic"] == topic), None)
    if described is None or not described["partitions"]:
        raise TopicMissing(topic, f"there is no topic {topic}")
    partitions: Sequence[Mapping[str, Any]] = described["partitions"]
    return partitions


async def await_partitions(admin: AIOKafkaAdminClient, topic: str) -> int:
    """Return how many partitions the topic has, once each has a leader; the caller bounds it."""
    while True:
        with suppress(TopicMissing):  # the broker that is asked may hear of it last
            partitions = await describe_partitions(admin, topic)
            if all(partition["leader"] >= 0 and not partition["error_code"] for partition in partitions):
                return len(partitions)
        await asyncio.sleep(_creation_poll_seconds)


async def _read_settings(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    settings = {}
    for answer in answers:
        for code, message, _, _, entries in answer.resources:
            if code:
                raise for_code(code)(message)
            settings.update({entry[0]: entry[1] for entry in entries})
    return settings


def _fault(topic: str, name: str, found: str, *, wanted: str, remedy: str, cost: str) -> TopicFault:
    return TopicFault(
        name,
        found,
        wanted,
        f"topic {topic}: {name} is {found or 'not set'}, must be {wanted}, or else {cost}; "
        f"set it: kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config {name}={remedy}",
    )
