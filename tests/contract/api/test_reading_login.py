"""The API under a login of Postgres that may read everything and write nothing."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio
from tests.contract.api.copies import another_copy
from tests.contract.api.service import Service


@pytest_asyncio.fixture(loop_scope="session")
async def reading_url(service: Service) -> AsyncIterator[str]:
    """Give the database's URL for a login that is only in `pg_read_all_data`, as deploy/ makes one."""
    url = service.environment["DATABASE_URL"]
    role, word = f"reader_{secrets.token_hex(4)}", secrets.token_hex(8)
    owner = await asyncpg.connect(url)
    try:
        await owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{word}' IN ROLE pg_read_all_data")
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        yield urlunsplit(parts._replace(netloc=f"{role}:{word}@{host}"))
        await owner.execute(f"DROP ROLE {role}")
    finally:
        await owner.close()


async def test_a_login_that_only_reads_is_enough_for_the_api(
    service: Service, reading_url: str, tmp_path: Path
) -> None:
    """What the API changes, it changes in the log: whoever gets hold of its login can harm no table."""
    async with another_copy(service, tmp_path / "api.log", DATABASE_URL=reading_url) as copy:
        there = service.own.at(copy.url)
        assistant = await there.create()
        number = await there.register()
        assigned = await there.assign(assistant["id"], number["id"])
        found = await there.send("GET", f"/api/routing/inbound/{number['phone_number']}")

        assert assigned.status == 200
        assert found.json["assistant_id"] == assistant["id"]
    connection = await asyncpg.connect(reading_url)
    try:
        for statement in (
            "DELETE FROM read_model_1.keys",
            "UPDATE projection.live SET generation = 2",
            "INSERT INTO routing_1.quarantine VALUES ('acct_x', 1, 'x', now())",
            "CREATE TABLE history.more (x int)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
