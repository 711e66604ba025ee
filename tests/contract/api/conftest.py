"""One running service for all tests of the HTTP contract."""

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from tests.contract.api.copies import Copy, another_copy
from tests.contract.api.service import Service, run_service
from tests.forked import Start


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def service(starting: Start, kafka: str, postgres: str) -> AsyncIterator[Service]:
    """Give a running service with a log and a database of its own."""
    name = f"test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(postgres)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        async with run_service(starting, kafka, postgres.rsplit("/", 1)[0] + f"/{name}", f"test.{name}") as running:
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
async def elsewhere(second: Copy) -> str:
    """Give the URL of a second copy of the API."""
    return second.url
