"""All streams of this process: who may open one, who has to end, and that each is heard of every now and then."""

import asyncio
from collections import Counter

import msgspec
import structlog

from patchbay.api.authentication import FRESH_SECONDS, KeyRing
from patchbay.api.errors import NoMoreStreams, TooManyStreams
from patchbay.api.feed.catching_up import CatchingUp
from patchbay.api.feed.cursors import Cursors
from patchbay.api.feed.stream import REVOKED, STOPPING, UNAVAILABLE, EventStream, Holder, Wanted
from patchbay.api.feed.tail import Tail
from patchbay.api.reading.events import Events
from patchbay.eventlog import LogIdentity
from patchbay.postgres import DATABASE_FAILURES
from patchbay.process.metrics import event_streams

RESTART_SECONDS = 1.0
LONGEST_LOOK_SECONDS = 1.0  # between looks for streams that have been silent for too long

_log = structlog.get_logger()


class FeedLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much a process does for streams."""

    streams: int
    streams_per_key: int
    heartbeat_seconds: float
    buffer_bytes: int  # that a client may be behind before it is cut off


class Feed:
    """Opens streams, and keeps them."""

    def __init__(self, events: Events, identity: LogIdentity, key_ring: KeyRing, limits: FeedLimits) -> None:
        self.cursors = Cursors(identity.log_id, identity.partition_count)
        self.catching_up = CatchingUp(events, identity)
        self.tail = Tail(events, self.cursors)
        self.buffer_bytes = limits.buffer_bytes
        self._limits = limits
        self._key_ring = key_ring
        self._streams: set[EventStream] = set()
        self._of_key: Counter[str] = Counter()
        self._is_stopping = False

    def open(self, holder: Holder, wanted: Wanted) -> EventStream:
        """
        Return a stream that is ready to run.

        Raises:
            TooManyStreams: The key has as many as it may.
            NoMoreStreams: This process has, or it stops.
        """
        if self._of_key[holder.key_id] >= self._limits.streams_per_key:
            raise TooManyStreams(self._limits.streams_per_key)
        if self._is_stopping or len(self._streams) >= self._limits.streams:
            raise NoMoreStreams
        stream = EventStream(self, holder, wanted)
        self._streams.add(stream)
        self._of_key[holder.key_id] += 1
        event_streams.set(len(self._streams))
        return stream

    def forget(self, stream: EventStream) -> None:
        """Give the stream's place to another one."""
        if stream in self._streams:
            self._streams.discard(stream)
            self._of_key[stream.holder.key_id] -= 1
            self._of_key += Counter()  # drops who has none
            event_streams.set(len(self._streams))

    def wake(self, payload: str) -> None:
        """Look at a notification of the projections."""
        self.tail.wake(payload)

    async def run(self) -> None:
        """Serve the streams until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read_on())
            group.create_task(self._keep_alive())
            group.create_task(self._watch_keys())

    def end_all(self) -> None:
        """End all streams, and open no more: the process stops."""
        self._is_stopping = True
        for stream in list(self._streams):
            stream.end(STOPPING)

    async def _read_on(self) -> None:
        while True:
            try:
                await self.tail.run()
            except Exception:  # noqa: BLE001 - all streams are ended, and requests go on being answered
                _log.error("event_tail_failed", exc_info=True)
                for stream in list(self._streams):
                    stream.end(UNAVAILABLE)
                await asyncio.sleep(RESTART_SECONDS)

    async def _keep_alive(self) -> None:
        silence_seconds = self._limits.heartbeat_seconds
        while True:
            await asyncio.sleep(min(LONGEST_LOOK_SECONDS, silence_seconds / 4))
            now = asyncio.get_running_loop().time()
            for stream in list(self._streams):
                stream.beat(now, silence_seconds)

    async def _watch_keys(self) -> None:
        """End the streams of keys that are no longer in force: one question for all of them."""
        while True:
            await asyncio.sleep(FRESH_SECONDS)
            digests = {stream.holder.digest for stream in self._streams}
            if not digests:
                continue
            try:
                ended = await self._key_ring.no_longer_in_force(digests)
            except DATABASE_FAILURES as error:  # nothing can be read that there would be to tell
                _log.warning("keys_unreadable", reason=str(error) or type(error).__name__)
                continue
            for stream in list(self._streams):
                if stream.holder.digest in ended:
                    stream.end(REVOKED)
