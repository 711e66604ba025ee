"""One running service for all tests of the HTTP contract."""

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from tests.contract.api.copies import Copy, another_copy
from tests.contract.api.service import READY_SECONDS, Service, is_ready, run_process, run_service
from tests.servers import eventually

from patchbay.embedded.ports import free_port


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def service(kafka: str, postgres: str) -> AsyncIterator[Service]:
    """Give a running service with a log and a database of its own."""
    name = f"test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(postgres)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        async with run_service(kafka, postgres.rsplit("/", 1)[0] + f"/{name}", f"test.{name}") as running:
            yield running
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def second(service: Service, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Copy]:
    """Give a second copy of the API beside the service's."""
    async with another_copy(service, tmp_path_factory.mktemp("copy") / "api.log") as copy:
        yield copy


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def elsewhere(service: Service) -> AsyncIterator[str]:
    """Give the URL of a second copy of the API."""
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    async with run_process("patchbay.api", {**service.environment, "API_PORT": port}):
        await eventually(lambda: is_ready(service.own.at(url)), READY_SECONDS)
        yield url
