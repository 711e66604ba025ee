"""One database for all tests of components, made empty again after each: to create and drop one takes longer."""

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_SCHEMAS = """
SELECT string_agg(quote_ident(nspname), ', ') FROM pg_namespace
WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'public')"""
# What lies in no schema of ours, and would be left for the next test.
_LEFT = """
SELECT 'an object in public: ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'a function in public: ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'an extension: ' || extname FROM pg_extension WHERE extname <> 'plpgsql'
UNION ALL SELECT 'a setting of the database: ' || setconfig::text FROM pg_db_role_setting AS s
    JOIN pg_database AS d ON d.oid = s.setdatabase WHERE d.datname = current_database()
UNION ALL SELECT 'rights to the database: ' || datacl::text FROM pg_database
    WHERE datname = current_database() AND datacl IS NOT NULL"""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _one_database(postgres: str) -> AsyncIterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(postgres)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        yield postgres.rsplit("/", 1)[0] + f"/{name}"
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def database_url(_one_database: str) -> AsyncIterator[str]:
    """Give the URL of an empty database that nobody else uses meanwhile."""
    yield _one_database
    connection = await asyncpg.connect(_one_database)
    try:
        await connection.execute(_OTHERS)
        schemas = await connection.fetchval(_SCHEMAS)
        if schemas:
            await connection.execute(f"DROP SCHEMA {schemas} CASCADE")
        left = [row[0] for row in await connection.fetch(_LEFT)]
    finally:
        await connection.close()
    assert not left, left
