"""A database is prepared once, however many processes start with it at once."""

import asyncio

import pytest
from tests.integration.projection.running import READ_MODEL, ROUTING, connected

from patchbay.postgres import open_connection
from patchbay.projection import (
    NotPrepared,
    create_generation,
    live_generation,
    make_live,
    prepare_database,
    schema_of,
)


async def test_processes_that_start_together_prepare_it_once(database_url: str) -> None:
    async def prepare(number: int) -> int:
        async with open_connection(database_url, name=f"test {number}") as connection:
            return await prepare_database(connection, (READ_MODEL.tables, ROUTING.tables)[number % 2])

    assert await asyncio.gather(*(prepare(number) for number in range(8))) == [1] * 8
    async with connected(database_url) as database:
        rows = await database.fetch("SELECT projection, generation FROM projection.live ORDER BY projection")
        assert [tuple(row) for row in rows] == [("read_model", 1), ("routing", 1)]


async def test_a_database_without_the_projection_says_so(database_url: str) -> None:
    async with connected(database_url) as database:
        with pytest.raises(NotPrepared, match="routing"):
            await live_generation(database, "routing")
        await prepare_database(database, READ_MODEL.tables)
        with pytest.raises(NotPrepared, match="routing"):
            await live_generation(database, "routing")


async def test_the_view_follows_the_pointer(database_url: str) -> None:
    async with connected(database_url) as database:
        await prepare_database(database, ROUTING.tables)
        async with database.transaction():
            await create_generation(database, ROUTING.tables, 2)
            await make_live(database, ROUTING.tables, 2)
        await database.execute(
            "INSERT INTO routing_2.numbers VALUES ('pn_1', '+15550001', 'acct_1', 1, 'active', NULL, 0, 1, now())"
        )

        assert await live_generation(database, "routing") == 2
        assert schema_of("routing", 2) == "routing_2"
        assert await database.fetchval("SELECT outcome FROM routing.inbound") == "unassigned"
