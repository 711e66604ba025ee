"""The role of SIP routers reads the public view and nothing else."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from tests.integration.projection.running import READ_MODEL, ROUTING, Database, connected
from tests.servers import eventually

from patchbay.postgres import open_connection
from patchbay.projection import create_generation, make_live, prepare_database
from patchbay.routing.routers import let_routers_in, letting_routers_in

DOCUMENT = Path(__file__).parents[3] / "docs" / "call-routing.md"
COLUMNS = ["number", "account", "assistant", "outcome", "fallback", "position", "updated_at"]
_RELATIONS = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'v', 'm', 'S', 'f', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""


@asynccontextmanager
async def as_router(database: Database) -> AsyncIterator[None]:
    """Act with the role's rights in the body."""
    await database.execute("SET SESSION AUTHORIZATION call_router")
    try:
        yield
    finally:
        await database.execute("RESET SESSION AUTHORIZATION")


async def readable(database: Database) -> set[str]:
    """Return every relation of ours that the role may read, by trying each."""
    names = [row[0] for row in await database.fetch(_RELATIONS)]
    assert len(names) > 15
    found = set()
    async with as_router(database):
        for name in names:
            try:
                await database.fetch(f"SELECT * FROM {name}")
            except asyncpg.InsufficientPrivilegeError:
                continue
            found.add(name)
    return found


async def prepared(database: Database) -> None:
    """Make both projections' tables, and one number."""
    await prepare_database(database, READ_MODEL.tables)
    await prepare_database(database, ROUTING.tables)
    await database.execute(
        "INSERT INTO routing_1.numbers VALUES ('pn_1', '+15550001', 'acct_1', 1, 'active', '+1555', 0, 1, now())"
    )


async def test_routers_read_the_view_and_nothing_else(database_url: str) -> None:
    async with connected(database_url) as database:
        await prepared(database)
        assert await let_routers_in(database)

        assert await readable(database) == {"routing.inbound"}
        async with as_router(database):
            row = await database.fetchrow("SELECT * FROM routing.inbound WHERE number = '+15550001'")
            assert list(row.keys()) == COLUMNS
            assert (row["outcome"], row["fallback"]) == ("unassigned", "+1555")
            for statement in ("DELETE FROM routing.inbound", "UPDATE routing.inbound SET number = '1'"):
                with pytest.raises(asyncpg.PostgresError, match=r"cannot (delete from|update) view"):
                    await database.execute(statement)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await database.execute("CREATE TABLE routing.mine (a int)")


async def test_the_document_has_every_column_of_the_view(database_url: str) -> None:
    """In their order, with their types: routers in the field rely on it."""
    async with connected(database_url) as database:
        await prepared(database)
        rows = await database.fetch(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
            " WHERE attrelid = 'routing.inbound'::regclass AND attnum > 0 ORDER BY attnum"
        )
    section = DOCUMENT.read_text().partition("## The view `routing.inbound`")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| `(\w+)` \| (\w+) \|", section, re.MULTILINE)
    found = [(name, {"timestamp with time zone": "timestamptz"}.get(kind, kind)) for name, kind in rows]

    assert found == documented


async def test_nobody_can_log_in_as_a_router_until_an_operator_says_how(database_url: str) -> None:
    async with connected(database_url) as database:
        await prepared(database)
        await let_routers_in(database)
        row = await database.fetchrow(
            "SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'call_router'"
        )

        assert tuple(row) == (False, False, False, False)


@pytest.mark.parametrize("drops_view", [False, True])
async def test_routers_read_on_when_another_generation_goes_live(database_url: str, drops_view: bool) -> None:  # noqa: FBT001 - parametrized
    async with connected(database_url) as database:
        await prepared(database)
        await let_routers_in(database)
        async with database.transaction():
            await create_generation(database, ROUTING.tables, 2)
            if drops_view:
                await database.execute("DROP VIEW routing.inbound")
            await make_live(database, ROUTING.tables, 2)

        assert await readable(database) == {"routing.inbound"}
        async with as_router(database):
            assert await database.fetch("SELECT * FROM routing.inbound") == []


async def test_processes_that_start_together_let_routers_in_once(database_url: str) -> None:
    async def start(number: int) -> bool:
        async with open_connection(database_url, name=f"test {number}") as connection:
            return await let_routers_in(connection)

    async with connected(database_url) as database:
        await prepared(database)

        assert await asyncio.gather(*(start(number) for number in range(8))) == [True] * 8
        assert await readable(database) == {"routing.inbound"}


async def test_routers_are_let_in_as_soon_as_there_is_a_view(database_url: str) -> None:
    async with connected(database_url) as database, letting_routers_in(database_url):
        await prepared(database)

        async def may_read() -> bool:
            return (
                await database.fetchval(
                    "SELECT has_schema_privilege('call_router', 'routing', 'USAGE')"
                    " AND has_table_privilege('call_router', 'routing.inbound', 'SELECT')"
                )
                is True
            )

        await eventually(may_read)


async def test_without_the_right_to_make_roles_the_log_tells_an_administrator_what_to_do(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with connected(database_url) as database:
        await prepared(database)
        await database.execute("CREATE ROLE nobody_much NOLOGIN")
        await database.execute("GRANT USAGE ON SCHEMA routing, projection TO nobody_much")
        await database.execute("REVOKE ALL ON routing.inbound FROM call_router")
        await database.execute("SET SESSION AUTHORIZATION nobody_much")
        try:
            assert not await let_routers_in(database)
        finally:
            await database.execute("RESET SESSION AUTHORIZATION")
            await database.execute("DROP OWNED BY nobody_much")
            await database.execute("DROP ROLE nobody_much")

    told = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert "routers_not_let_in" in told
    assert "CREATE ROLE call_router NOLOGIN; GRANT USAGE ON SCHEMA routing TO call_router;" in told
