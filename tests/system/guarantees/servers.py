"""The servers of a cluster: open to everybody on this machine, or as in production."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec
from tests.secured import Secured, prepare_secured

from patchbay.embedded import (
    Launch,
    cache_directory,
    fetch,
    kafka_artifacts,
    postgres_artifacts,
    prepare_kafka,
    prepare_postgres,
)
from patchbay.eventlog import BootstrapServers

SYSTEM = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """A Kafka and a Postgres, and how each part of the system comes to them."""

    launches: tuple[Launch, Launch]  # kafka, postgres
    brokers: BootstrapServers  # for one who reads the log
    database_url: str  # of the tables' owner
    environ_of: Callable[[str], Mapping[str, str]]  # `api`, `projector`, `routing` or `commands`
    prepare: Callable[[], Awaitable[None]]  # once, when both run
    secured: Secured | None = None


async def plain_servers(directory: Path, topic: str) -> Servers:
    """Return servers that ask nobody who he is, but for Postgres' password."""
    await asyncio.to_thread(fetch, (*kafka_artifacts(), *postgres_artifacts()), cache_directory())
    kafka, postgres = await asyncio.gather(
        asyncio.to_thread(prepare_kafka, directory / "kafka"),
        asyncio.to_thread(prepare_postgres, directory / "postgres"),
    )
    environ = {"KAFKA_BOOTSTRAP_SERVERS": kafka.address, "DATABASE_URL": postgres.address, "TOPIC": topic}
    return Servers(
        launches=(kafka.launch, postgres.launch),
        brokers=kafka.address,
        database_url=postgres.address,
        environ_of=lambda _process: SYSTEM | environ,
        prepare=_nothing,
    )


async def secured_servers(directory: Path, topic: str) -> Servers:
    """Return servers as in production: TLS, a login for each process, and no right that its work does not need."""
    secured = await prepare_secured(directory, topic)

    def environ_of(process: str) -> Mapping[str, str]:
        is_command = process == "commands"
        return SYSTEM | secured.environ("reader" if is_command else process, "owner" if is_command else process)

    return Servers(
        launches=(secured.kafka.server.launch, secured.postgres.server.launch),
        brokers=secured.brokers("reader"),
        database_url=secured.database_url("owner"),
        environ_of=environ_of,
        prepare=secured.prepare,
        secured=secured,
    )


async def _nothing() -> None:
    """Leave it to the processes to make what they need."""
