"""A database or a log that is away is waited for; a log that is another one ends the process with the reason."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from tests.integration.projection.running import READ_MODEL, becomes, connected, log_with, passed, run_to_end, running
from tests.unit.projection.chains import Written, assistant_created, assistant_id

from patchbay.eventlog import LogReader, LogRecreated, LogTruncated, LogUnavailable, MemoryLog
from patchbay.postgres import listen
from patchbay.projection import PartitionsChanged

SCHEMA = "read_model_1"
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE $1"


async def test_connections_that_are_cut_again_and_again_lose_nothing_and_double_nothing(database_url: str) -> None:
    log, written = log_with()
    account = written.account("acme")
    async with connected(database_url) as database, running(READ_MODEL, log, database_url):
        for number in range(200):
            written.seal(account, assistant_created(assistant_id(number), account))
            if number % 40 == 20:
                await database.execute(CUT, "patchbay projection%")
            await asyncio.sleep(0)
        await passed(database, SCHEMA, log)

        assert await database.fetchval(f"SELECT count(*) FROM {SCHEMA}.assistants") == 200
        assert await database.fetchval("SELECT count(*) FROM history.events") == 200


async def test_a_log_that_is_away_is_waited_for(database_url: str) -> None:
    log, written = log_with()
    written.opened("acme")
    attempts = 0

    @asynccontextmanager
    async def flaky(positions: Mapping[int, int], *, fingerprints: Mapping[int, bytes]) -> AsyncIterator[LogReader]:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise LogUnavailable("no broker answers")
        async with log.open_reader(positions, fingerprints=fingerprints) as reader:
            yield reader

    async with (
        connected(database_url) as database,
        running(READ_MODEL, log, database_url, open_reader=flaky) as progress,
    ):
        await passed(database, SCHEMA, log)

        async def fault() -> str | None:
            return progress.readiness_fault()

        await becomes(fault, None)
        assert attempts == 3


async def test_a_log_that_lost_its_end_ends_the_process(database_url: str) -> None:
    log, written = log_with(partitions=1)
    for _ in range(3):
        written.seal_raw(written.account("acme"), "Any", b"{}")
    async with connected(database_url) as database:
        async with running(READ_MODEL, log, database_url):
            await passed(database, SCHEMA, log)
        log.truncate(0, 2)
        with pytest.raises(LogTruncated):
            await run_to_end(READ_MODEL, log, database_url)


async def test_a_log_that_was_made_anew_ends_the_process(database_url: str) -> None:
    log, written = log_with(partitions=1)
    written.opened("acme")
    another = MemoryLog(1)
    Written(another).opened("acme")
    async with connected(database_url) as database:
        async with running(READ_MODEL, log, database_url):
            await passed(database, SCHEMA, log)
        with pytest.raises(LogRecreated):
            await run_to_end(READ_MODEL, another, database_url)


async def test_a_log_with_other_partitions_ends_the_process(database_url: str) -> None:
    async with connected(database_url) as database:
        log, _ = log_with(partitions=2)
        async with running(READ_MODEL, log, database_url):
            await passed(database, SCHEMA, log)
        with pytest.raises(PartitionsChanged):
            await run_to_end(READ_MODEL, MemoryLog(1), database_url)


async def test_a_listener_that_was_cut_listens_again(database_url: str) -> None:
    heard: list[str] = []
    async with connected(database_url) as database, listen(database_url, "a_channel", heard.append) as wakes:

        async def is_connected() -> bool:
            return wakes.connected

        await becomes(is_connected, wanted=True)
        await database.execute(CUT, "patchbay listen%")
        await becomes(is_connected, wanted=False)
        await becomes(is_connected, wanted=True)
        await database.execute("SELECT pg_notify('a_channel', 'news')")

        async def is_heard() -> bool:
            return "news" in heard

        await becomes(is_heard, wanted=True)
        assert await wakes.wait(1.0)
        assert not await wakes.wait(0.01)
