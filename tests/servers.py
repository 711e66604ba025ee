"""The servers that tests run against: one Kafka and one Postgres for the whole run, real ones."""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar, overload

import asyncpg
import pytest
import pytest_asyncio

from patchbay.embedded import run_kafka, run_postgres

T = TypeVar("T")


@overload
async def eventually(condition: Callable[[], Awaitable[T]], deadline_seconds: float = 10.0) -> T: ...


@overload
async def eventually(condition: Callable[[], T], deadline_seconds: float = 10.0) -> T: ...


async def eventually(condition: Callable[[], Awaitable[T]] | Callable[[], T], deadline_seconds: float = 10.0) -> T:
    """
    Return the first truthy outcome of `condition`, which may be a coroutine function.

    Raises:
        AssertionError: There was none within the deadline; the last outcome, or assertion, is told.
    """
    ends_at = time.monotonic() + deadline_seconds
    pause_seconds = 0.002
    while True:
        failure: AssertionError | None = None
        outcome: T | None = None
        try:
            given = condition()
            outcome = await given if isinstance(given, Awaitable) else given
        except AssertionError as error:
            failure = error
        if outcome:
            return outcome
        if time.monotonic() > ends_at:
            raise failure or AssertionError(f"not within {deadline_seconds:g} s; at last: {outcome!r}")
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(0.05, pause_seconds * 2)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Give the bootstrap address of the run's Kafka: `KAFKA_BOOTSTRAP_SERVERS`, else one of our own."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield given
    else:
        async with run_kafka(tmp_path_factory.mktemp("kafka")) as address:
            yield address


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Give the URL of the run's Postgres: `DATABASE_URL`, whose user may create databases, else one of our own."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
    else:
        async with run_postgres(tmp_path_factory.mktemp("postgres")) as url:
            yield url


@pytest_asyncio.fixture(loop_scope="session")
async def database_url(postgres: str) -> AsyncIterator[str]:
    """Give the URL of an empty database that is this test's alone."""
    name = f"test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(postgres)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        yield postgres.rsplit("/", 1)[0] + f"/{name}"
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@pytest.fixture
def topic() -> str:
    """Give the name of a topic that is this test's alone; it does not exist yet."""
    return f"test.{secrets.token_hex(6)}"
