"""The two systems that are compared, each started whole: servers, services, accounts with keys."""

import hashlib
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import asyncpg
import msgspec

from patchbay.embedded import (
    Launch,
    fetch,
    kafka_artifacts,
    postgres_artifacts,
    prepare_kafka,
    prepare_postgres,
    running,
)
from patchbay.embedded.artifacts import cache_directory
from patchbay.embedded.ports import free_port
from patchbay.eventlog import check_topic, open_log

REPOSITORY: Final = Path(__file__).parents[2]
PARTITIONS: Final = 4
ACCOUNTS: Final = 64
_TOPIC: Final = "patchbay.events"


class SideFailed(Exception):
    """A system runs, but not as it has to for a comparison."""


class Account(msgspec.Struct, frozen=True):
    """Somebody who sends requests."""

    slug: str
    key: str
    account_id: str


class Side(msgspec.Struct, frozen=True):
    """A system that runs."""

    name: str
    base_url: str
    pids: Mapping[str, int]  # by process
    durability: str  # what has happened to a write before it is answered, as the servers themselves tell
    accounts: tuple[Account, ...]
    directory: Path  # for what its load reads

    def accounts_file(self, count: int) -> str:
        """Return a file with the first `count` accounts, for create.lua."""
        path = self.directory / f"accounts-{count}"
        lines = [f"{one.slug} {one.key} {one.account_id}\n" for one in self.accounts[:count]]
        path.write_text("".join(lines))
        return str(path)

    @property
    def assistants_file(self) -> str:
        """The file with all assistants that were created to be read."""
        return str(self.directory / "assistants")


@asynccontextmanager
async def run_crud(directory: Path) -> AsyncIterator[Side]:
    """Run the CRUD service on a Postgres of its own."""
    async with AsyncExitStack() as stack:
        database_url, pids = await _run_postgres(stack, directory)
        port = free_port()
        environ = {"DATABASE_URL": database_url, "PORT": str(port)}
        pids["crud"] = await _run_service(stack, directory, "tests.benchmarks.peers.crud", environ, port)
        names = [f"bench-{index}" for index in range(ACCOUNTS)]
        yield Side(
            name="crud",
            base_url=f"http://127.0.0.1:{port}",
            pids=pids,
            durability=await _postgres_durability(database_url),
            accounts=tuple(
                Account(slug=name, key=f"not-asked-for-{name}", account_id=f"acct_{name}") for name in names
            ),
            directory=directory,
        )


@asynccontextmanager
async def run_patchbay(directory: Path) -> AsyncIterator[Side]:
    """Run the three services on a Kafka and a Postgres of their own, and open the accounts."""
    async with AsyncExitStack() as stack:
        kafka = prepare_kafka(directory / "kafka")
        broker = await stack.enter_async_context(running(kafka.launch))
        database_url, pids = await _run_postgres(stack, directory)
        pids["kafka"] = broker.pid
        operator_key = f"tk_live_{secrets.token_hex(16)}"
        environ = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.address,
            "DATABASE_URL": database_url,
            "TOPIC": _TOPIC,
            "INSTANCE_ID": "benchmark",
            "OPERATOR_KEY_SHA256": hashlib.sha256(operator_key.encode()).hexdigest(),
            "ACCOUNT_WRITES_PER_HOUR": "0",
            "ACCOUNT_WRITE_BYTES_PER_HOUR": "0",
        }
        identity = await open_log(kafka.address, _TOPIC, create_with_partitions=PARTITIONS)
        for name, setting in (("projector", "HEALTH_PORT"), ("routing", "HEALTH_PORT"), ("api", "API_PORT")):
            port = free_port()
            its_own = {**environ, setting: str(port)}
            pids[name] = await _run_service(stack, directory, f"patchbay.{name}", its_own, port)
        base_url = f"http://127.0.0.1:{port}"
        faults = await check_topic(kafka.address, identity)
        if faults:
            raise SideFailed(f"the topic is not as it should be: {faults}")
        yield Side(
            name="patchbay",
            base_url=base_url,
            pids=pids,
            durability=f"Kafka acks=all, flush.messages=1, {PARTITIONS} partitions, one node; then "
            + await _postgres_durability(database_url),
            accounts=await _open_accounts(base_url, operator_key),
            directory=directory,
        )


def fetch_servers() -> None:
    """Fetch what the servers consist of, where it is missing."""
    fetch((*kafka_artifacts(), *postgres_artifacts()), cache_directory())


async def _run_postgres(stack: AsyncExitStack, directory: Path) -> tuple[str, dict[str, int]]:
    postgres = prepare_postgres(directory / "postgres")
    process = await stack.enter_async_context(running(postgres.launch))
    return postgres.address, {"postgres": process.pid}


async def _run_service(
    stack: AsyncExitStack, directory: Path, module: str, environ: Mapping[str, str], port: int
) -> int:
    name = module.rpartition(".")[2]
    launch = Launch(
        name=name,
        command=(sys.executable, "-m", module),
        environ={**os.environ, "PYTHONPATH": os.pathsep.join(_import_path()), **environ},
        log_path=directory / f"{name}.log",
        probe=lambda: _is_ready(f"http://127.0.0.1:{port}/readyz"),
    )
    process = await stack.enter_async_context(running(launch))
    return process.pid


def _import_path() -> list[str]:
    return [path for path in (os.environ.get("PYTHONPATH", ""), str(REPOSITORY)) if path]


async def _is_ready(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _postgres_durability(database_url: str) -> str:
    connection = await asyncpg.connect(database_url)
    try:
        names = ("fsync", "synchronous_commit", "full_page_writes")
        settings = [f"{name}={await connection.fetchval(f'SHOW {name}')}" for name in names]
    finally:
        await connection.close()
    return f"Postgres {', '.join(settings)}"


async def _open_accounts(base_url: str, operator_key: str) -> tuple[Account, ...]:
    async with aiohttp.ClientSession(base_url, headers={"Authorization": f"Bearer {operator_key}"}) as session:
        return tuple([await _open_account(session, f"bench-{index}") for index in range(ACCOUNTS)])


async def _open_account(session: aiohttp.ClientSession, slug: str) -> Account:
    account = await _post(session, "/api/accounts", {"accountSlug": slug})
    key = await _post(session, "/api/keys", {"accountSlug": slug, "name": "benchmark", "requestsPerHour": None})
    return Account(slug=slug, key=key["key"]["secret"], account_id=account["account"]["id"])


async def _post(session: aiohttp.ClientSession, path: str, body: dict[str, object]) -> dict[str, Any]:
    async with session.post(path, json=body) as answer:
        if answer.status != 200:
            raise SideFailed(f"POST {path}: {answer.status} {await answer.text()}")
        decoded: dict[str, Any] = await answer.json()
        return decoded
