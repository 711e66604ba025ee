"""
Keeping what the copies of the API say was used, so that it outlives them: window counts, and when a key was last used.

No part of a projection: made of no event, written in transactions of its own, lost without harm.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from patchbay.postgres import DATABASE_FAILURES, Connection, listen, open_connection
from patchbay.usage import (
    ASK,
    CHANNEL,
    FORGET_COUNTS,
    NOTIFY,
    SLOTS,
    TABLES,
    UPSERT_COUNTS,
    UPSERT_LAST_USED,
    read,
    slot_at,
)

WRITE_SECONDS: Final = 0.5
WRITE_ROWS: Final = 5_000  # in one statement
MOST_PENDING: Final = 100_000  # beyond it nothing is taken up until there is room; then the copies are asked again
FORGET_SECONDS: Final = 120.0
RETRY_SECONDS: Final = 2.0
# "usage__1": of the one process that writes.
_TRY_LOCK: Final = f"SELECT pg_try_advisory_lock({0x75736167655F5F31})"
_IS_PREPARED: Final = """
SELECT to_regclass('usage.counts') IS NOT NULL AND to_regclass('usage.counts_by_slot') IS NOT NULL
   AND to_regclass('usage.last_used') IS NOT NULL
"""

_log = structlog.get_logger()


class Recorder:
    """Hears what is told on the channel, and writes it down. Of several processes one does; the others stand by."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._counts: dict[tuple[str, int, str], tuple[int, int]] = {}  # by id, slot and copy
        self._used_at: dict[str, int] = {}
        self._asks = False

    def hear(self, payload: str) -> None:
        """Take what a NOTIFY says; an empty one means that this process listens anew, and may have missed some."""
        if not payload:
            self._asks = True
            return
        tidings = read(payload)
        if tidings is None or tidings.copy is None:
            return
        now_slot = slot_at(time.time())
        for count in tidings.counts:
            if not now_slot - SLOTS <= count.slot <= now_slot + 1:
                continue
            if len(self._counts) >= MOST_PENDING or len(self._used_at) >= MOST_PENDING:
                self._asks = True
                return
            if count.amount:
                self._counts[count.id, count.slot, tidings.copy] = (count.amount, count.size_bytes)
            self._used_at[count.id] = max(count.used_at, self._used_at.get(count.id, 0))

    async def run(self) -> None:
        """Record until cancelled."""
        while True:
            try:
                async with self._alone() as connection, listen(self._database_url, CHANNEL, on_wake=self.hear):
                    await self._record(connection)
            except DATABASE_FAILURES as error:
                _log.warning("usage_not_recorded", reason=str(error) or type(error).__name__)
            except Exception:  # noqa: BLE001 - what this keeps is no reason to end the projection beside it
                _log.exception("usage_not_recorded")
            await asyncio.sleep(RETRY_SECONDS)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[Connection]:
        """Give a connection that holds the lock, as soon as nobody else does."""
        async with open_connection(self._database_url, name="projector usage") as connection:
            # Asked again and again, since a statement that waits would run into its timeout.
            while not await connection.fetchval(_TRY_LOCK):  # noqa: ASYNC110 - another process lets go
                await asyncio.sleep(RETRY_SECONDS)
            if not await connection.fetchval(_IS_PREPARED):  # or else it takes rights that this login may not have
                await connection.execute(TABLES)
            yield connection

    async def _record(self, connection: Connection) -> None:
        forget_at = time.monotonic()
        while True:
            await self.write(connection)
            if self._asks and len(self._counts) < MOST_PENDING // 2:
                self._asks = False
                await connection.execute(NOTIFY, [ASK])
            if time.monotonic() >= forget_at:
                forget_at = time.monotonic() + FORGET_SECONDS
                await connection.execute(FORGET_COUNTS, slot_at(time.time()) - SLOTS)
            await asyncio.sleep(WRITE_SECONDS)

    async def write(self, connection: Connection) -> None:
        """
        Write what was heard, at most so many rows of each table; what fails is written the next time.

        Raises:
            DatabaseFailure: One of `patchbay.postgres.DATABASE_FAILURES`.
        """
        counts = dict(list(self._counts.items())[:WRITE_ROWS])
        if counts:
            rows = [(*key, *amounts) for key, amounts in counts.items()]
            await connection.execute(UPSERT_COUNTS, *map(list, zip(*rows, strict=True)))
        used_at = dict(list(self._used_at.items())[:WRITE_ROWS])
        if used_at:
            await connection.execute(UPSERT_LAST_USED, list(used_at), list(used_at.values()))
        for key, amounts in counts.items():
            if self._counts.get(key) == amounts:  # else more was heard meanwhile
                del self._counts[key]
        for id_, seconds in used_at.items():
            if self._used_at.get(id_) == seconds:
                del self._used_at[id_]
