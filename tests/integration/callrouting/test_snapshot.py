"""A subscriber that starts from a snapshot holds the same table as one that has read the whole log, and follows on."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest_asyncio
from tests.contract.api.service import Caller, Service, fresh_number, run_service
from tests.forked import Start
from tests.servers import eventually

from patchbay.callrouting import SNAPSHOT_TYPE, Answer, CallRouting, Outcome
from patchbay.callrouting.following import Following

PATH = "/api/routing/snapshot"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(starting: Start, kafka: str, postgres: str) -> AsyncIterator[Service]:
    """Run the services with a table that has every outcome."""
    name = f"test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(postgres)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        async with run_service(starting, kafka, postgres.rsplit("/", 1)[0] + f"/{name}", f"test.{name}") as running:
            await fill(running.own, running.operator)
            yield running
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


async def fill(own: Caller, operator: Caller) -> None:
    """Make numbers of every outcome, with heads of some height."""
    answering = await own.create(inbound_enabled=True)
    silent = await own.create(inbound_enabled=False)
    numbers = [await own.register() for _ in range(6)]
    await own.assign(answering["id"], *[number["id"] for number in numbers[:3]])
    await own.assign(silent["id"], numbers[3]["id"])
    await own.assign(silent["id"], numbers[2]["id"], numbers[3]["id"], reassign=True)
    for changed, body in ((1, {"status": "suspended"}), (3, {"fallback": "+4930123"}), (0, {"fallback": "+4930124"})):
        path = f"/api/phone-numbers/{numbers[changed]['id']}"
        reply = await operator.send("PATCH", path, {"accountSlug": own.slug, **body})
        assert reply.status == 200, reply.body
    released = await own.send("DELETE", f"/api/phone-numbers/{numbers[5]['id']}")
    assert released.status == 200, released.body


def answers_of(routing: CallRouting) -> dict[str, Answer]:
    return {number: routing.look_up(number) for number in routing.table.phone_numbers()}


def state_of(routing: CallRouting) -> dict[str, Any]:
    """Return all that decides about what comes next."""
    following = routing._following
    assert isinstance(following, Following)
    return {
        "answers": answers_of(routing),
        "heads": {stream: following.heads.of(stream) for stream in following.heads},
        "positions": following.next_offsets,
        "released": following.table._released,
    }


async def test_it_leads_to_the_table_that_the_log_leads_to(service: Service) -> None:
    url = service.url + PATH
    async with CallRouting.subscribe(
        bootstrap_servers=service.kafka, topic=service.topic, snapshot=url, api_key=service.operator.secret
    ) as fast:
        assert fast.is_from_snapshot
        async with CallRouting.subscribe(bootstrap_servers=service.kafka, topic=service.topic) as slow:
            assert not slow.is_from_snapshot
            assert state_of(fast) == state_of(slow)
            assert {answer.outcome for answer in answers_of(fast).values()} == set(Outcome) - {Outcome.UNKNOWN_NUMBER}

            number = fresh_number()
            record = await service.own.register(number)
            assistant = await service.own.create(inbound_enabled=True)
            await service.own.assign(assistant["id"], record["id"])
            await eventually(lambda: fast.look_up(number).outcome is Outcome.ROUTED)
            await eventually(lambda: slow.look_up(number).outcome is Outcome.ROUTED)
            await eventually(lambda: fast.positions == slow.positions)

            assert state_of(fast) == state_of(slow)


async def test_it_is_for_operators_and_says_what_it_is(service: Service) -> None:
    reply = await service.operator.send("GET", PATH)
    lines = reply.body.splitlines()

    assert (reply.status, reply.headers["Content-Type"]) == (200, SNAPSHOT_TYPE)
    assert lines[0].startswith(b'["snapshot",')
    assert lines[-1] == b'["end",%d]' % (len(lines) - 1)
    assert (await service.own.send("GET", PATH)).status == 403
    assert (await service.caller(None).send("GET", PATH)).status == 401
    assert (await service.operator.send("HEAD", PATH)).body == b""


async def test_without_a_usable_snapshot_the_log_is_read(service: Service) -> None:
    """A wrong key, and an API that is away: calls are routed nevertheless."""
    for url, key in ((service.url + PATH, "tk_live_wrong"), ("http://127.0.0.1:1/", None)):
        async with CallRouting.subscribe(
            bootstrap_servers=service.kafka, topic=service.topic, snapshot=url, api_key=key
        ) as routing:
            assert not routing.is_from_snapshot
            assert len(routing) >= 5
