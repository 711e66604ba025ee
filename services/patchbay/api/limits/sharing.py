"""
Telling the other copies of the API what was used here, and hearing what was used there.

Without the database each copy counts for itself, and says so: a limit then holds for each copy alone.
"""

import asyncio
import time
from collections.abc import Sequence

import structlog

from patchbay.api.limits.windows import Windows
from patchbay.postgres import DATABASE_FAILURES, Pool
from patchbay.process.metrics import usage_foreign, usage_shared
from patchbay.usage import ASK, NOTIFY, READ_COUNTS, SLOTS, Count, pack, read, slot_at

TELL_SECONDS = 0.4  # what is used here is known everywhere within this and what a NOTIFY takes
TELL_COUNTS = 4_000  # at once: some 40 payloads
LOOK_UP_IDS = 500  # at once
TELL_AGAIN_SECONDS = 5.0  # at most this often, however often somebody asks
FORGET_SECONDS = 600.0

_log = structlog.get_logger()


class Sharing:
    """Keeps the windows of this copy and of all others alike. Needs no right to write any table."""

    def __init__(self, windows: Windows, pool: Pool) -> None:
        self._windows = windows
        self._pool = pool
        self._is_shared = True
        self._asks = True
        self._is_asked = False
        self._tell_again_at = 0.0
        self._unknown: Sequence[str] = ()
        usage_shared.set(1)

    def hear(self, payload: str) -> None:
        """Take what a NOTIFY says; an empty one means that this copy listens anew, and may have missed some."""
        if not payload:
            self._asks = self._is_asked = True
            return
        tidings = read(payload)
        if tidings is None:
            usage_foreign.inc()
            return
        if tidings.ask:
            self._is_asked = True
        if tidings.copy is not None:
            now_slot = slot_at(time.time())
            for count in tidings.counts:
                self._windows.hear(tidings.copy, count, now_slot)

    async def run(self) -> None:
        """Tell and look up every now and then, until cancelled; without traffic the database is left alone."""
        forget_at = time.monotonic() + FORGET_SECONDS
        while True:
            await asyncio.sleep(TELL_SECONDS)
            try:
                await self._tell()
                await self._look_up()
            except DATABASE_FAILURES as error:
                self._cut_off(str(error) or type(error).__name__)
            if time.monotonic() >= forget_at:
                forget_at = time.monotonic() + FORGET_SECONDS
                self._windows.forget_idle(slot_at(time.time()))

    async def _tell(self) -> None:
        if self._is_asked and time.monotonic() >= self._tell_again_at:
            self._is_asked = False
            self._tell_again_at = time.monotonic() + TELL_AGAIN_SECONDS
            self._windows.tell_again()
        payloads = pack(self._windows.copy, self._windows.tell(TELL_COUNTS))
        if self._asks:
            payloads.append(ASK)
        if not payloads:
            return
        try:
            await self._pool.execute(NOTIFY, payloads)
        except DATABASE_FAILURES:
            self._is_asked = True  # whether anybody has heard it is not known
            raise
        self._asks = False
        if not self._is_shared:
            self._is_shared = True
            usage_shared.set(1)
            _log.info("usage_shared_again")

    async def _look_up(self) -> None:
        """Find out what keys and accounts that are new here used elsewhere, before this process was there too."""
        self._unknown = self._unknown or self._windows.unfamiliar(LOOK_UP_IDS)
        if not self._unknown:
            return
        now_slot = slot_at(time.time())
        for row in await self._pool.fetch(READ_COUNTS, self._unknown, now_slot - SLOTS):
            count = Count(row["id"], row["slot"], 0, row["amount"], row["size_bytes"])
            self._windows.hear(row["copy"], count, now_slot)
        self._unknown = ()

    def _cut_off(self, reason: str) -> None:
        if self._is_shared:
            self._is_shared = False
            usage_shared.set(0)
            _log.warning("usage_not_shared", reason=reason)
