"""With a stranger's hands on a process' login for Postgres: what it may, and what the server refuses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from tests.secured import LOGINS, Secured

from patchbay.postgres import Connection

# Every table and view of ours, with what the login may do with it.
_RIGHTS = """
SELECT n.nspname AS schema, n.nspname || '.' || c.relname AS table,
       array(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'])
                 WITH ORDINALITY AS each (p, o)
              WHERE has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, p) ORDER BY o) AS rights
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname !~ '^(pg_|information_schema$)'
"""
READS = ["SELECT"]
WRITES = ["SELECT", "INSERT", "UPDATE", "DELETE"]
WANTED: dict[str, dict[str, list[str]]] = {  # by process, then by schema; nothing where no schema is named
    "api": dict.fromkeys(("projection", "history", "usage", "routing", "read_model_1", "routing_1"), READS),
    "projector": {"projection": READS, "history": ["SELECT", "INSERT"], "read_model_1": WRITES, "usage": WRITES},
    "routing": {"projection": READS, "history": READS, "routing_1": WRITES},
    "router": {"routing": READS},
}


@asynccontextmanager
async def logged_in(secured: Secured, who: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(secured.database_url(who))
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("who", WANTED)
async def test_a_login_may_do_with_each_table_what_its_process_needs_and_nothing_else(
    secured: Secured, who: str
) -> None:
    async with logged_in(secured, who) as connection:
        found = await connection.fetch(_RIGHTS)

    assert {row["table"]: row["rights"] for row in found} == {
        row["table"]: WANTED[who].get(row["schema"], []) for row in found
    }
    assert {"read_model_1", "routing_1", "history", "usage", "projection", "routing"} <= {r["schema"] for r in found}


@pytest.mark.parametrize("who", WANTED)
async def test_a_login_makes_nothing_and_becomes_nobody_else(secured: Secured, who: str) -> None:
    async with logged_in(secured, who) as connection:
        for statement in (
            "CREATE SCHEMA mine",
            "CREATE TABLE public.mine (x int)",
            "CREATE TEMPORARY TABLE mine (x int)",
            "CREATE ROLE mine",
            f"SET ROLE {LOGINS['owner']}",
            "COPY (SELECT 1) TO PROGRAM 'true'",
            "SELECT pg_read_file('/etc/passwd')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


@pytest.mark.parametrize(
    ("who", "statement"),
    [
        ("api", "DELETE FROM read_model_1.keys"),
        ("api", "UPDATE projection.live SET generation = 2"),
        ("api", "INSERT INTO history.events DEFAULT VALUES"),
        ("projector", "DELETE FROM history.events"),
        ("projector", "UPDATE history.events SET value = ''"),
        ("projector", "UPDATE routing_1.numbers SET account_id = 'mine'"),
        ("projector", "CREATE OR REPLACE VIEW routing.inbound AS SELECT 1"),
        ("routing", "UPDATE read_model_1.keys SET revoked_at = NULL"),
        ("routing", "INSERT INTO history.events DEFAULT VALUES"),
        ("router", "SELECT FROM routing_1.numbers"),
        ("router", "SELECT FROM read_model_1.keys"),
        ("router", "CREATE VIEW routing.mine AS SELECT 1"),
    ],
)
async def test_what_is_another_s_is_refused(secured: Secured, who: str, statement: str) -> None:
    async with logged_in(secured, who) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


async def test_routers_read_the_view(secured: Secured) -> None:
    async with logged_in(secured, "router") as connection:
        assert await connection.fetch("SELECT outcome, assistant, fallback FROM routing.inbound") is not None


async def test_a_connection_without_tls_is_refused(secured: Secured) -> None:
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="no encryption"):
        await asyncpg.connect(secured.database_url("owner").partition("?")[0] + "?sslmode=disable")


async def test_every_process_has_come_by_tls(secured: Secured) -> None:
    administrator = await asyncpg.connect(secured.postgres.server.address)
    try:
        rows = await administrator.fetch(
            "SELECT a.usename, bool_and(s.ssl) AS ssl FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid)"
            " WHERE a.usename IS NOT NULL GROUP BY 1"
        )
    finally:
        await administrator.close()

    assert {LOGINS[who] for who in ("api", "projector", "routing")} <= {row["usename"] for row in rows}
    assert all(row["ssl"] for row in rows)
