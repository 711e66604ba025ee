"""`patchbay topic` on a real Kafka."""

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from tests.integration.cli.commands import patchbay

from patchbay.eventlog import end_offsets, open_log


async def test_a_topic_is_created_once_and_nothing_is_written_to_it(kafka: str, topic: str) -> None:
    """The API begins the log: what creates topics need not be able to append."""
    said = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "TOPIC": topic}
    first = await patchbay("topic", "create", "--partitions", "2", "--json", **said)
    second = await patchbay("topic", "create", "--partitions", "2", "--json", **said)
    begun = await open_log(kafka, topic, create_with_partitions=2)

    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert [ran.records[0]["created"] for ran in (first, second)] == [True, False]
    assert second.records[0] | {"created": None} == {
        "topic": topic,
        "created": None,
        "partitions": 2,
        "replicas": 1,
        "in_sync_replicas": 1,
        "log_id": None,
        "faults": [],
    }
    assert await end_offsets(kafka, begun) == {0: 1, 1: 1}, "the manifests alone, and these from now"


async def test_another_number_of_partitions_than_asked_for_is_told(kafka: str, topic: str) -> None:
    await open_log(kafka, topic, create_with_partitions=2)
    ran = await patchbay("topic", "create", "--partitions", "3", KAFKA_BOOTSTRAP_SERVERS=kafka, TOPIC=topic)

    assert ran.code == 1
    assert "2 partitions on 1 brokers each, not 3 on 1" in ran.err


async def test_a_setting_that_puts_events_at_risk_is_told_with_what_to_do(kafka: str, topic: str) -> None:
    identity = await open_log(kafka, topic, create_with_partitions=1)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "60000"})])
    await admin.close()

    ran = await patchbay("topic", "check", KAFKA_BOOTSTRAP_SERVERS=kafka, TOPIC=topic)

    assert ran.code == 1
    assert f"log {identity.log_id}" in ran.out
    assert "retention.ms is 60000, must be -1" in ran.out
    assert "kafka-configs.sh --alter" in ran.out


async def test_a_topic_that_is_not_there_is_told_with_what_to_do(kafka: str, topic: str) -> None:
    ran = await patchbay("topic", "check", KAFKA_BOOTSTRAP_SERVERS=kafka, TOPIC=topic)

    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "create it with `patchbay topic create`" in ran.err
