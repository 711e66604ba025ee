"""With a stranger's hands on a process' login for Kafka: what it may, and what the brokers refuse."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic
from aiokafka.errors import (
    KafkaConnectionError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from tests.secured import Secured

from patchbay.eventlog import RIGHTS, Brokers, LogRefused, create_topic, end_offsets, grant_rights, open_log
from patchbay.eventlog.brokers import open_admin

_SECONDS = 15.0


async def append(brokers: Brokers, topic: str, **options: Any) -> None:
    """Append a record to partition 0, as a stock producer does."""
    producer = AIOKafkaProducer(**brokers.client_options(), request_timeout_ms=5_000, **options)
    try:
        async with asyncio.timeout(_SECONDS):
            await producer.start()
            await producer.send_and_wait(topic, b"forged", partition=0)
    finally:
        await producer.stop()


@pytest.mark.parametrize("kind", sorted(RIGHTS.keys() - {"api"}))
async def test_only_the_api_may_append(secured: Secured, kind: str) -> None:
    identity = await open_log(secured.brokers("reader"), secured.topic)
    before = await end_offsets(secured.brokers(kind), identity)
    with pytest.raises(TopicAuthorizationFailedError):
        await append(secured.brokers(kind), secured.topic)

    assert await end_offsets(secured.brokers(kind), identity) == before


async def test_nobody_has_a_transaction_not_even_the_api(secured: Secured) -> None:
    """An open transaction would hold up strangers who read what is committed."""
    producer = AIOKafkaProducer(**secured.brokers("api").client_options(), transactional_id="forged")
    with pytest.raises(TransactionalIdAuthorizationFailed):
        async with asyncio.timeout(_SECONDS):
            await producer.start()
    await producer.stop()


@pytest.mark.parametrize("kind", sorted(RIGHTS.keys() - {"topic"}))
async def test_nobody_makes_topics_or_changes_what_the_log_s_may_lose(secured: Secured, kind: str) -> None:
    with pytest.raises(LogRefused, match="may not create topic another"):
        await create_topic(secured.brokers(kind), "another", partitions=1)
    async with open_admin(secured.brokers(kind)) as admin:
        answer = await admin.delete_topics([secured.topic])
        (code,) = [code for _, code in answer.topic_error_codes]

    assert code == TopicAuthorizationFailedError.errno


async def test_the_topic_s_own_login_makes_no_other_topic_and_deletes_none(secured: Secured) -> None:
    async with open_admin(secured.brokers("topic")) as admin:
        made = await admin.create_topics([NewTopic("another", 1, 1)])
        deleted = await admin.delete_topics([secured.topic])

    assert made.topic_errors[0][1] == TopicAuthorizationFailedError.errno
    assert deleted.topic_error_codes[0][1] == TopicAuthorizationFailedError.errno


@pytest.mark.parametrize("kind", RIGHTS)
async def test_nobody_gives_rights_to_himself(secured: Secured, kind: str) -> None:
    with pytest.raises(LogRefused, match="Alter the cluster"):
        await grant_rights(secured.brokers(kind), secured.topic, {"api": f"User:{RIGHTS[kind].user}"})


async def test_who_does_not_speak_tls_or_has_no_login_is_not_heard(secured: Secured) -> None:
    """A stock client, which sends a request without either."""
    address = secured.kafka.server.address
    for brokers in (
        Brokers(servers=address),
        Brokers(servers=address, protocol="SSL", ca_file=str(secured.authority.file)),
    ):
        with pytest.raises((KafkaConnectionError, LogRefused)):
            await append(brokers, secured.topic)


async def test_a_certificate_of_one_s_own_is_a_login_too(secured: Secured) -> None:
    """Where brokers ask for one: who shows none is refused, and who shows one is who it says, with his rights alone."""
    shown = secured.authority.issue("subscriber")
    stranger = Brokers(servers=secured.kafka.mutual_address, protocol="SSL", ca_file=str(secured.authority.file))
    subscriber = Brokers(
        servers=stranger.servers,
        protocol="SSL",
        ca_file=stranger.ca_file,
        certificate_file=str(shown.certificate),
        key_file=str(shown.key),
    )
    with pytest.raises(LogRefused, match="takes no client without a certificate"):
        await open_log(stranger, secured.topic)
    with pytest.raises(LogRefused, match="may not Describe, Read topic"):
        await open_log(subscriber, secured.topic)
    await grant_rights(secured.brokers("administrator"), secured.topic, {"reader": "User:CN=subscriber"})

    assert await open_log(subscriber, secured.topic)
    with pytest.raises(TopicAuthorizationFailedError):
        await append(subscriber, secured.topic)
