"""What the read model's projector announces: verdicts that need not be asked for, and what other copies wrote."""

import asyncio

import structlog

from patchbay.api.live import LiveGenerations
from patchbay.api.writing.remembering import Memory
from patchbay.api.writing.settling import Settler
from patchbay.postgres import DATABASE_FAILURES, Pool
from patchbay.projection import read_announcement

_log = structlog.get_logger()

# Anybody who may connect may notify: only the owner of the checkpoints is believed.
_IS_OWNER = "SELECT EXISTS (SELECT FROM {read_model}.checkpoints WHERE backend_pid = $1)"


class Announcements:
    """Hears what is announced, and tells it to those who wait for it."""

    def __init__(self, pool: Pool, live: LiveGenerations, settler: Settler, memory: Memory) -> None:
        self._pool = pool
        self._live = live
        self._settler = settler
        self._memory = memory
        self._believed: int | None = None  # process id of the backend of the read model's projector
        self._looking: asyncio.Task[None] | None = None

    def start_over(self) -> None:
        """Say that some may have been missed: the connection is new."""
        self._believe(None)

    def hear(self, backend_pid: int, payload: str) -> None:
        """Take one announcement; never raises."""
        if backend_pid != self._believed or not self._settler.is_told:
            self._settler.wake()
            if self._looking is None:
                self._looking = asyncio.create_task(self._look(backend_pid))
            return
        try:
            schema, accepted = read_announcement(payload)
            if schema == f"read_model_{self._live.current.read_model}":
                self._settler.hear(accepted)
            else:
                self._believe(None)  # another generation's: which one is live is to be looked up first
        except ValueError:
            _log.warning("announcement_malformed", length=len(payload))
            self._believe(None)

    async def close(self) -> None:
        """End what is under way."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])

    def _believe(self, backend_pid: int | None) -> None:
        self._believed = backend_pid
        self._settler.is_told = backend_pid is not None
        self._memory.hear(hears=backend_pid is not None)

    async def _look(self, backend_pid: int) -> None:
        try:
            if (await self._live.fetch(self._pool, _IS_OWNER, backend_pid))[0][0]:
                self._believe(backend_pid)
        except DATABASE_FAILURES as error:
            _log.warning("announcer_not_known", reason=str(error) or type(error).__name__)
        finally:
            self._looking = None
