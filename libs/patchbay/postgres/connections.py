"""Opening connections and pools such that nothing ever waits for ever."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol, TypeAlias

import asyncpg

from patchbay.postgres.errors import DATABASE_FAILURES, DatabaseTooOld
from patchbay.process import metrics

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Acquired: TypeAlias = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:  # asyncpg's classes are generic in their stubs only
    Connection: TypeAlias = asyncpg.Connection
    Pool: TypeAlias = asyncpg.Pool

OLDEST_SERVER = 15  # the oldest that the tests have run on
CONNECT_TIMEOUT_SECONDS = 5.0
CLOSE_TIMEOUT_SECONDS = 2.0
# With a statement's own bound of 2 s between them these are below the 5 s in which every request is answered.
ACQUIRE_TIMEOUT_SECONDS = 1.0
RELEASE_TIMEOUT_SECONDS = 1.0

_QUERIES_PER_CONNECTION = 50_000  # asyncpg's default: then it is opened anew
_IDLE_CONNECTION_SECONDS = 300.0  # likewise

# Compiling a plan takes longer than any statement of ours runs.
_SESSION = {"jit": "off", "TimeZone": "UTC"}

# For statements that find a few rows by key. Tables grow faster than statistics are gathered, and a plan outlives the
# size it was made for: one for empty tables must not scan full ones.
BY_INDEX: Mapping[str, str] = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}

# For statements that read along an index and stop: never all that there is, to sort it. How much there is, a plan that
# was made for another account, or before the table grew, cannot tell.
IN_ORDER: Mapping[str, str] = {**BY_INDEX, "enable_bitmapscan": "off", "enable_sort": "off"}


@asynccontextmanager
async def open_connection(
    database_url: str,
    *,
    name: str,
    command_timeout_seconds: float = 10.0,
    session: Mapping[str, str] | None = None,
) -> AsyncIterator[Connection]:
    """
    Open one connection and close it at the end, by force where the server does not answer.

    Args:
        database_url: `postgresql://…`, with its password.
        name: Shown in `pg_stat_activity`.
        command_timeout_seconds: Bound of each statement that names none of its own.
        session: Settings of the session, by name, over the usual ones.

    Raises:
        DatabaseTooOld: The server is older than our statements.
        OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: There is no connection to be had.
    """
    connection = await asyncpg.connect(
        database_url,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=command_timeout_seconds,
        server_settings={"application_name": f"patchbay {name}", **_SESSION, **(session or {})},
    )
    try:
        version = connection.get_server_version()
        if version.major < OLDEST_SERVER:
            raise DatabaseTooOld(f"{version.major}.{version.minor}", str(OLDEST_SERVER))
        yield connection
    finally:
        await close(connection)


async def close(connection: Connection) -> None:
    """Close a connection, politely for a moment, then by force. Raises nothing that the database does."""
    try:
        await connection.close(timeout=CLOSE_TIMEOUT_SECONDS)
    except DATABASE_FAILURES:
        connection.terminate()


class Observer(Protocol):
    """Takes measurements."""

    def observe(self, amount: float) -> None:
        """Take one."""


class BoundedPool(Pool):
    """
    A pool in which neither getting a connection nor giving it back takes longer than a bound, whatever hangs.

    asyncpg's own waits for ever by default: for a connection that is free, and at giving one back until the server has
    taken note that its statement was cancelled.
    """

    waits: Observer | None = None  # is told how long each waited for whom no connection was free

    async def _acquire(self, timeout: float | None) -> "Acquired":  # noqa: ASYNC109 - asyncpg's signature
        begun_at = time.monotonic() if self._queue.empty() else 0.0  # type: ignore[attr-defined] # its free connections
        try:
            async with asyncio.timeout(ACQUIRE_TIMEOUT_SECONDS if timeout is None else timeout):
                return await super()._acquire(None)  # type: ignore[misc, no-any-return] # asyncpg tells no type of it
        finally:
            if begun_at and self.waits is not None:
                self.waits.observe(time.monotonic() - begun_at)

    async def release(self, connection: "Acquired", *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Give a connection back; one that cannot be used again within the bound is closed."""
        await super().release(connection, timeout=RELEASE_TIMEOUT_SECONDS if timeout is None else timeout)


@asynccontextmanager
async def open_pool(
    database_url: str,
    *,
    name: str,
    min_connections: int = 1,
    max_connections: int = 8,
    command_timeout_seconds: float = 5.0,
    session: Mapping[str, str] | None = None,
) -> AsyncIterator[Pool]:
    """
    Open a pool whose connections are given back as they are: without the round trip that resets a session.

    So no user of it may change the session (SET, LISTEN, advisory locks of the session). A transaction that was left
    open is rolled back nevertheless.

    Args:
        database_url: `postgresql://…`, with its password.
        name: Shown in `pg_stat_activity`.
        min_connections: Kept open.
        max_connections: Who needs one more waits for it, a bounded time.
        command_timeout_seconds: Bound of each statement, and of each connection attempt.
        session: Settings of the sessions, by name, over the usual ones.

    Raises:
        OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: There is no connection to be had.
    """
    pool = BoundedPool(
        database_url,
        min_size=min_connections,
        max_size=max_connections,
        max_queries=_QUERIES_PER_CONNECTION,
        max_inactive_connection_lifetime=_IDLE_CONNECTION_SECONDS,
        loop=None,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=command_timeout_seconds,
        reset=_keep_session,
        server_settings={"application_name": f"patchbay {name}", **_SESSION, **(session or {})},
    )
    pool.waits = metrics.pool_wait_seconds.labels(name)
    await pool
    try:
        yield pool
    finally:
        await _close_pool(pool)


async def _keep_session(_connection: object) -> None:
    """Stand in for asyncpg's reset, which costs a round trip at every use."""


async def _close_pool(pool: Pool) -> None:
    try:
        await asyncio.wait_for(pool.close(), CLOSE_TIMEOUT_SECONDS)
    except DATABASE_FAILURES:
        pool.terminate()
