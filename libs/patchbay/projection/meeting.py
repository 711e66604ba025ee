"""
Having a generation and the live one meet: at equal positions, with nobody able to move either of them.

The live one's checkpoints are locked, so its projector waits with its next commit; the other one catches up with what
it reads there, and is locked then. Writers notice a pause, which is bounded: where it would take longer, all is let go
and tried again.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping

import asyncpg
import structlog

from patchbay.postgres import Connection
from patchbay.projection.errors import GenerationRefused
from patchbay.projection.generations import Generation

log = structlog.get_logger()

NEAR_RECORDS = 500  # further behind it is not worth holding anybody up
PATIENCE_SECONDS = 60.0
HELD_SECONDS = 0.8  # far below the lease, and below what a writer waits for
PAUSE_SECONDS = (0.3, 5.0)  # after the first try and at most, for those who were held up
_LOOK_SECONDS = 0.005
_NEAR_LOOK_SECONDS = 0.1
_FOLLOWED_WITHIN_SECONDS = 10.0  # a follower that has just ended may be on its way to take it up again

_LOCK = "SELECT partition, next_offset FROM {schema}.checkpoints ORDER BY partition FOR UPDATE"
_READ = "SELECT partition, next_offset FROM {schema}.checkpoints"
_IS_FOLLOWED = "SELECT coalesce(bool_and(lease_until > clock_timestamp()), false) FROM {schema}.checkpoints"


class _TooLate(Exception):
    """They did not meet while the live one could be held up."""


@contextlib.asynccontextmanager
async def meeting(connection: Connection, live: Generation, other: Generation) -> AsyncIterator[Mapping[int, int]]:
    """
    Run the body in a transaction of `connection` in which both generations are locked at equal positions.

    Args:
        connection: Not in a transaction.
        live: The live one.
        other: One that somebody keeps current.

    Yields:
        The positions, by partition.

    Raises:
        GenerationRefused: Nobody keeps the other one current, or it does not catch up.
        DATABASE_FAILURES: The database is away, or slow.
    """
    patience_ends_at = time.monotonic() + PATIENCE_SECONDS
    pause_seconds, longest_seconds = PAUSE_SECONDS
    while True:
        await _await_near(connection, live, other, patience_ends_at)
        transaction = connection.transaction()
        await transaction.start()
        try:
            positions = await _lock_level(connection, live, other)
        except (_TooLate, asyncpg.LockNotAvailableError) as error:
            await transaction.rollback()
            log.info("generations_did_not_meet", schema=other.schema, reason=str(error))
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, longest_seconds)
            continue
        except BaseException:
            await transaction.rollback()
            raise
        break
    try:
        yield positions
    except BaseException:
        await transaction.rollback()
        raise
    await transaction.commit()


async def _lock_level(connection: Connection, live: Generation, other: Generation) -> dict[int, int]:
    await connection.execute(f"SET LOCAL lock_timeout = '{round(HELD_SECONDS * 1000)}ms'")
    wanted = await _positions(connection, _LOCK, live)
    ends_at = time.monotonic() + HELD_SECONDS
    found = await _positions(connection, _READ, other)
    while found != wanted:
        if time.monotonic() > ends_at:
            raise _TooLate(f"it is at {found}, and the live one at {wanted}")
        await asyncio.sleep(_LOOK_SECONDS)
        found = await _positions(connection, _READ, other)
    if await _positions(connection, _LOCK, other) != wanted:
        raise GenerationRefused(f"{other.schema} is ahead of {live.schema}: it cannot have been kept by a projector")
    return wanted


async def _await_near(connection: Connection, live: Generation, other: Generation, ends_at: float) -> None:
    """Wait until the other one is so close behind that holding the live one up takes a moment only."""
    unfollowed_since: float | None = None
    while True:
        now = time.monotonic()
        if await connection.fetchval(_IS_FOLLOWED.format(schema=other.schema)):
            unfollowed_since = None
        elif unfollowed_since is None:
            unfollowed_since = now
        elif now - unfollowed_since > _FOLLOWED_WITHIN_SECONDS:
            raise GenerationRefused(
                f"nobody keeps {other.schema} current: the projection's process of the version that it was made by "
                "has to run"
            )
        wanted = await _positions(connection, _READ, live)
        found = await _positions(connection, _READ, other)
        behind = sum(max(0, offset - found.get(partition, 0)) for partition, offset in wanted.items())
        if behind <= NEAR_RECORDS and unfollowed_since is None:
            return
        if now > ends_at:
            raise GenerationRefused(f"{other.schema} is still {behind:,} records behind {live.schema}")
        await asyncio.sleep(_NEAR_LOOK_SECONDS)


async def _positions(connection: Connection, statement: str, generation: Generation) -> dict[int, int]:
    rows = await connection.fetch(statement.format(schema=generation.schema))
    return {row["partition"]: row["next_offset"] for row in rows}
