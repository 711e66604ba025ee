"""Patchbay, whole: the three services on a Kafka and a Postgres of their own, with accounts opened."""

import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
from tests.benchmarks.sides import ACCOUNTS, Account, Side, SideFailed, post
from tests.benchmarks.starting import postgres_durability, run_module, run_postgres

from patchbay.embedded import prepare_kafka, running
from patchbay.embedded.ports import free_port
from patchbay.eventlog import check_topic, open_log

PARTITIONS: Final = 4
TOPIC: Final = "patchbay.events"


@asynccontextmanager
async def run_patchbay(directory: Path, name: str = "patchbay", **more: str) -> AsyncIterator[Side]:
    """
    Run the three services on a Kafka and a Postgres of their own, and open the accounts.

    Args:
        directory: For data and logs.
        name: Of the side.
        more: Of the services' environment.

    Raises:
        SideFailed: The topic is not as it should be, or an account could not be opened.
        EmbeddedError: A process did not become ready.
    """
    async with AsyncExitStack() as stack:
        kafka = prepare_kafka(directory / "kafka")
        broker = await stack.enter_async_context(running(kafka.launch))
        database_url, pids = await run_postgres(stack, directory)
        pids["kafka"] = broker.pid
        operator_key = f"tk_live_{secrets.token_hex(16)}"
        environ = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.address,
            "DATABASE_URL": database_url,
            "TOPIC": TOPIC,
            "INSTANCE_ID": "benchmark",
            "OPERATOR_KEY_SHA256": hashlib.sha256(operator_key.encode()).hexdigest(),
            "ACCOUNT_WRITES_PER_HOUR": "0",
            "ACCOUNT_WRITE_BYTES_PER_HOUR": "0",
            **more,
        }
        metrics_urls: dict[str, str] = {}
        identity = await open_log(kafka.address, TOPIC, create_with_partitions=PARTITIONS)
        for service, setting in (("projector", "HEALTH_PORT"), ("routing", "HEALTH_PORT"), ("api", "API_PORT")):
            port = free_port()
            pids[service] = await run_module(
                stack, directory, f"patchbay.{service}", {**environ, setting: str(port)}, port=port
            )
            metrics_urls[service] = f"http://127.0.0.1:{port}/metrics"
        base_url = f"http://127.0.0.1:{port}"
        faults = await check_topic(kafka.address, identity)
        if faults:
            raise SideFailed(f"the topic is not as it should be: {faults}")
        yield Side(
            name=name,
            base_url=base_url,
            pids=pids,
            durability=f"Kafka acks=all, flush.messages=1, {PARTITIONS} partitions, one node; then "
            + await postgres_durability(database_url),
            accounts=await _open_accounts(base_url, operator_key),
            directory=directory,
            environ=environ,
            operator_key=operator_key,
            metrics_urls=metrics_urls,
        )


async def _open_accounts(base_url: str, operator_key: str) -> tuple[Account, ...]:
    async with aiohttp.ClientSession(base_url) as session:
        return tuple([await _open_account(session, operator_key, f"bench-{index}") for index in range(ACCOUNTS)])


async def _open_account(session: aiohttp.ClientSession, operator_key: str, slug: str) -> Account:
    account = await post(session, operator_key, "/api/accounts", {"accountSlug": slug})
    body = {"accountSlug": slug, "name": "benchmark", "requestsPerHour": None}
    key = await post(session, operator_key, "/api/keys", body)
    return Account(slug=slug, key=key["key"]["secret"], account_id=account["account"]["id"])
