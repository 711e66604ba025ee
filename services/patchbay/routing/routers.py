"""Who may read the public view and nothing else: the role that SIP routers log in under, or are members of."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import structlog

from patchbay.postgres import DATABASE_FAILURES, Connection, open_connection
from patchbay.projection import ROUTER_ROLE

log = structlog.get_logger()

RETRY_SECONDS: Final = 1.0

# Nobody can log in under it until an operator says how.
_CREATE: Final = f"CREATE ROLE {ROUTER_ROLE} NOLOGIN"
_EXISTS: Final = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"
# By the catalogue: a login that may not use the schema may ask so all the same.
_INBOUND: Final = """
SELECT c.oid, n.oid AS schema FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'routing' AND c.relname = 'inbound'
"""
_PUBLISHED: Final = f"SELECT EXISTS ({_INBOUND})"
_MAY_READ: Final = f"""
SELECT has_schema_privilege($1, v.schema, 'USAGE') AND has_table_privilege($1, v.oid, 'SELECT') FROM ({_INBOUND}) AS v
"""
_GRANT: Final = f"""
GRANT USAGE ON SCHEMA routing TO {ROUTER_ROLE};
GRANT SELECT ON routing.inbound TO {ROUTER_ROLE};
"""


@contextlib.asynccontextmanager
async def letting_routers_in(database_url: str) -> AsyncIterator[None]:
    """Let routers read the view as soon as there is one, beside whatever the body does."""
    task = asyncio.create_task(_let_in(database_url), name="letting routers in")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _let_in(database_url: str) -> None:
    while True:
        with contextlib.suppress(*DATABASE_FAILURES):  # the projection's own log lines tell of a database that is away
            async with open_connection(database_url, name="routing role") as connection:
                if await connection.fetchval(_PUBLISHED):
                    await let_routers_in(connection)
                    return
        await asyncio.sleep(RETRY_SECONDS)


async def let_routers_in(connection: Connection) -> bool:
    """
    Make the role, if there is none, and let it read the view; return whether it may.

    Safe at every start, also of several processes at once. Where this database user may not make roles, or may not
    grant, the log says what an administrator has to do.
    """
    try:
        if not await connection.fetchval(_EXISTS, ROUTER_ROLE):
            await _create(connection)
        if not await connection.fetchval(_MAY_READ, ROUTER_ROLE):
            async with connection.transaction():
                await connection.execute("LOCK TABLE projection.live IN SHARE ROW EXCLUSIVE MODE")  # one at a time
                await connection.execute(_GRANT)
            log.info("routers_let_in", role=ROUTER_ROLE)
    except asyncpg.InsufficientPrivilegeError as error:
        statements = f"{_CREATE}; {' '.join(_GRANT.split())}"
        log.warning("routers_not_let_in", role=ROUTER_ROLE, reason=str(error), an_administrator_may_run=statements)
        return False
    return True


async def _create(connection: Connection) -> None:
    # Roles belong to the whole server: another database's process may have made it a moment ago.
    with contextlib.suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        await connection.execute(_CREATE)
