"""The two services as processes of their own, on real Kafka and real Postgres."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.integration.projection.running import becomes, connected
from tests.unit.projection.chains import Chains, assistant_created, assistant_id, numbers_assigned

from patchbay.eventlog import open_appender, open_log


@asynccontextmanager
async def process(module: str, kafka: str, database_url: str, topic: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a service; at the end ask it to stop, and see it do so."""
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "DATABASE_URL": database_url,
        "TOPIC": topic,
        "HEALTH_PORT": "0",
        "LOG_FORMAT": "json",
    }
    started = await asyncio.create_subprocess_exec(sys.executable, "-m", module, env=environment)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(started.wait(), 20) == 0


async def test_both_follow_the_log_and_stop_when_asked(kafka: str, database_url: str, topic: str) -> None:
    identity = await open_log(kafka, topic, create_with_partitions=2)
    chains = Chains(identity)
    account = chains.account("acme")
    records = [
        chains.opened("acme"),
        chains.registered("+15550001", account),
        chains.seal(account, assistant_created(assistant_id(1), account, inbound_enabled=True)),
        chains.seal(account, numbers_assigned(assistant_id(1), (chains.number("+15550001"), 1))),
    ]
    async with (
        connected(database_url) as database,
        process("patchbay.projector", kafka, database_url, topic),
        process("patchbay.routing", kafka, database_url, topic),
        open_appender(kafka, identity) as appender,
    ):
        for record in records:
            await appender.append([record], session=appender.session)

        async def shown() -> tuple[str | None, int]:
            if await database.fetchval("SELECT to_regclass('routing.inbound')") is None:
                return None, 0
            outcome = await database.fetchval("SELECT outcome FROM routing.inbound WHERE number = '+15550001'")
            return outcome, await database.fetchval("SELECT count(*) FROM history.events")

        await becomes(shown, ("routed", 4))


@pytest.mark.parametrize("module", ["patchbay.projector", "patchbay.routing"])
async def test_a_missing_setting_is_named_and_ends_the_process(module: str) -> None:
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, env={"PATH": os.environ["PATH"]}, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(started.communicate(), 20)

    assert started.returncode == 2
    assert b"KAFKA_BOOTSTRAP_SERVERS is not set" in errors
    assert b"DATABASE_URL is not set" in errors
