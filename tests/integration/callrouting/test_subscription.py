"""A telephony router that has Kafka alone holds the whole table and hears of each change."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from tests.servers import eventually
from tests.unit.projection.chains import Chains, assistant_created, assistant_id, numbers_assigned

from patchbay.callrouting import Answer, CallRouting, Outcome
from patchbay.eventlog import Appender, EventLogError, LogUnavailable, SealedRecord, open_appender, open_log

NUMBER = "+15550001"


@asynccontextmanager
async def written_to(kafka: str, topic: str) -> AsyncIterator[tuple[Chains, Appender]]:
    """Make a log; yield what seals records for it, and what appends them."""
    identity = await open_log(kafka, topic, create_with_partitions=2)
    async with open_appender(kafka, identity) as appender:
        yield Chains(identity), appender


async def append(appender: Appender, records: Sequence[SealedRecord]) -> None:
    """Append each record, and wait until it is stored."""
    for record in records:
        await appender.append([record], session=appender.session)


def routed(chains: Chains) -> list[SealedRecord]:
    """Return what it takes to route the number."""
    account = chains.account("acme")
    return [
        chains.opened("acme"),
        chains.registered(NUMBER, account),
        chains.seal(account, assistant_created(assistant_id(1), account, inbound_enabled=True)),
        chains.seal(account, numbers_assigned(assistant_id(1), (chains.number(NUMBER), 1))),
    ]


async def test_the_table_holds_all_that_was_in_the_log_at_the_start(kafka: str, topic: str) -> None:
    async with written_to(kafka, topic) as (chains, appender):
        await append(appender, routed(chains))
        async with CallRouting.subscribe(bootstrap_servers=kafka, topic=topic) as routing:
            account, number = chains.account("acme"), chains.number(NUMBER)

            assert routing.look_up(NUMBER) == Answer(Outcome.ROUTED, assistant_id(1), account, number)
            assert routing.look_up("+15559999") == Answer(Outcome.UNKNOWN_NUMBER)
            assert len(routing) == 1


async def test_a_change_is_told_and_seen(kafka: str, topic: str) -> None:
    heard: list[tuple[str, Answer]] = []
    async with (
        written_to(kafka, topic) as (chains, appender),
        CallRouting.subscribe(
            bootstrap_servers=kafka, topic=topic, on_change=lambda number, answer: heard.append((number, answer))
        ) as routing,
    ):
        await append(appender, routed(chains))
        await eventually(lambda: routing.look_up(NUMBER).outcome is Outcome.ROUTED)

        assert heard[-1] == (NUMBER, routing.look_up(NUMBER))
        await eventually(lambda: routing.staleness_seconds < 2.0)


async def test_void_records_and_what_cannot_be_folded_leave_the_table_as_it_is(kafka: str, topic: str) -> None:
    async with written_to(kafka, topic) as (chains, appender):
        await append(appender, routed(chains))
        loser = Chains(chains.identity)  # another writer that knew nothing of these events
        account = chains.account("acme")
        await append(appender, [loser.seal(account, numbers_assigned(assistant_id(2), (chains.number(NUMBER), 1)))])
        await append(appender, [chains.seal_raw(account, "Later", b"{}", affects=("routing",))])
        await append(appender, [chains.seal(account, numbers_assigned(assistant_id(1)))])
        async with CallRouting.subscribe(bootstrap_servers=kafka, topic=topic) as routing:
            assert routing.blocked_streams == {account}
            assert routing.look_up(NUMBER).outcome is Outcome.ROUTED
            assert routing.failure is None


async def test_a_log_that_is_away_at_the_start_is_said_within_the_bound(topic: str) -> None:
    with pytest.raises(EventLogError) as raised:
        async with CallRouting.subscribe(
            bootstrap_servers="127.0.0.1:1", topic=topic, start_timeout_seconds=0.5
        ) as routing:
            assert routing is None

    assert isinstance(raised.value, LogUnavailable)


async def test_subscribers_that_come_and_go_leave_nothing_behind(kafka: str, topic: str) -> None:
    """What is left behind otherwise, every test looks for."""
    await open_log(kafka, topic, create_with_partitions=2)
    for _ in range(3):
        async with CallRouting.subscribe(bootstrap_servers=kafka, topic=topic) as routing:
            assert len(routing) == 0
