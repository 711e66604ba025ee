"""One client's stream: what it missed, then what happens, until one side ends it."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec
import structlog

from patchbay.api.feed.batches import Batch, ToldEvent, id_line
from patchbay.api.feed.catching_up import CatchingUp
from patchbay.api.feed.cursors import Cursors
from patchbay.api.feed.rendering import render
from patchbay.api.feed.tail import Tail
from patchbay.api.streaming import OpenWire
from patchbay.postgres import DATABASE_FAILURES
from patchbay.process.metrics import event_streams_ended, events_told

RETRY_MS: Final = 1_000  # how long a client waits before it connects again
JOIN_SECONDS: Final = 10.0
MOST_HELD_EVENTS: Final = 10_000  # that arrive while the last of what was missed is read

SLOW: Final = "slow"
GONE: Final = "gone"
STOPPING: Final = "stopping"
REVOKED: Final = "key_ended"
UNAVAILABLE: Final = "unavailable"
_FAREWELLS: Final = {
    SLOW: b": read too slowly; go on with Last-Event-ID\n\n",
    STOPPING: b": this copy stops; go on with Last-Event-ID\n\n",
    REVOKED: b": the key is no longer in force\n\n",
    UNAVAILABLE: b": the history is out of reach; go on with Last-Event-ID\n\n",
}

_log = structlog.get_logger()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for."""

    account_id: str | None  # None = every account's
    types: frozenset[str] | None  # None = all
    positions: tuple[int, ...]  # from where on: next offsets, one for each partition
    is_from_now: bool  # nothing can have been missed before the positions


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Whose stream it is."""

    key_id: str
    digest: bytes  # of the key's secret


class Surroundings(Protocol):
    """What a stream stands on."""

    tail: Tail
    catching_up: CatchingUp
    cursors: Cursors
    buffer_bytes: int

    def forget(self, stream: "EventStream") -> None:
        """Give its place to another one."""


class EventStream:
    """
    Tells one client the events that it wants.

    First what was missed, page by page as the client reads; then it joins the tail, reads the few events up to where
    the tail was by then, and from there on is handed what is new. What the tail hands over before that is held.
    """

    def __init__(self, around: Surroundings, holder: Holder, wanted: Wanted) -> None:
        self.holder = holder
        self.account_id = wanted.account_id
        self._around = around
        self._wanted = wanted
        self._positions = list(wanted.positions)
        self._wire: OpenWire | None = None
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._held: list[Batch] | None = []  # None: live
        self._ahead: dict[int, int] = {}  # told already, though the tail has still to pass it: next offsets
        self._told = 0
        self._sent_at = 0.0
        self._sent_cursor = ""

    def end(self, reason: str) -> None:
        """End it, wherever it is; the first reason counts."""
        if not self._ended.done():
            self._ended.set_result(reason)
            self._around.tail.leave(self)

    def abandon(self) -> None:
        """Let go of its place: it will not run."""
        self.end(GONE)
        self._around.forget(self)

    async def run(self, wire: OpenWire) -> None:
        """Tell until one side ends it."""
        loop = asyncio.get_running_loop()
        began, self._wire = loop.time(), wire
        self._send(b"retry: %d\n%b\n" % (RETRY_MS, self._place(self._positions)))
        following = asyncio.create_task(self._follow())
        lost = asyncio.create_task(wire.is_lost.wait())
        following.add_done_callback(self._followed)
        lost.add_done_callback(lambda _: self.end(GONE))
        try:
            reason = await self._ended
            wire.send(_FAREWELLS.get(reason, b""))
        finally:
            self.abandon()
            for task in (following, lost):
                task.cancel()
            await asyncio.wait([following, lost])
        event_streams_ended.labels(reason).inc()
        seconds = round(loop.time() - began, 1)
        _log.info("event_stream_ended", reason=reason, key_id=self.holder.key_id, events=self._told, seconds=seconds)

    def _followed(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ConnectionError):
            self.end(GONE)
        elif error is not None:
            if not isinstance(error, DATABASE_FAILURES):
                _log.error("event_stream_failed", key_id=self.holder.key_id, exc_info=error)
            self.end(UNAVAILABLE)

    async def _follow(self) -> None:
        if not self._wanted.is_from_now:
            await self._catch_up([None] * len(self._positions))
        async with asyncio.timeout(JOIN_SECONDS):
            joined_at = await self._around.tail.join(self)
        await self._catch_up(joined_at)
        self._ahead = {p: told for p, told in enumerate(self._positions) if told > joined_at[p]}
        held, self._held = self._held or [], None
        for batch in held:
            self._pass_on(batch)

    async def _catch_up(self, upto: Sequence[int | None]) -> None:
        around, types = self._around, self._wanted.types
        async for partition, events, reached in around.catching_up.pages(self.account_id, self._positions[:], upto):
            lines = []
            for event in events:
                if types is None or event.type in types:
                    self._positions[partition] = event.offset + 1
                    lines.append(self._place(self._positions) + render(event))
            self._positions[partition] = reached
            if lines:
                self._send(b"".join(lines), len(lines))
                await self._drain()

    async def _drain(self) -> None:
        if self._wire is not None:
            await self._wire.drain()

    def deliver(self, batch: Batch) -> None:
        """Take what the tail has read; who cannot take it now is too slow."""
        if self._ended.done():
            return
        if self._held is None:
            self._pass_on(batch)
        else:
            self._held.append(batch)
            if sum(len(held.events) for held in self._held) > MOST_HELD_EVENTS:
                self.end(SLOW)

    def _pass_on(self, batch: Batch) -> None:
        wire = self._wire
        if wire is None or self._ended.done():
            return
        if wire.unsent_bytes > self._around.buffer_bytes:
            self.end(SLOW)
        elif not self._ahead and self._wanted.types is None and wire.is_chunked:
            wire.send_framed(batch.framed)
            self._count(len(batch.events))
        else:
            own = [event for event in batch.events if self._is_own(event)]
            lines = [self._place(self._beside(event.positions)) + event.lines for event in own]
            if lines:
                self._send(b"".join(lines), len(lines))
            passed = batch.events[-1].positions
            self._ahead = {p: told for p, told in self._ahead.items() if told > passed[p]}

    def _is_own(self, event: ToldEvent) -> bool:
        types = self._wanted.types
        return event.offset >= self._ahead.get(event.partition, 0) and (types is None or event.type in types)

    def _beside(self, positions: Sequence[int]) -> Sequence[int]:
        return [max(at, self._ahead.get(p, 0)) for p, at in enumerate(positions)] if self._ahead else positions

    def beat(self, now: float, silence_seconds: float) -> None:
        """Say that it is alive, and how far it has come, if nothing was said for so long."""
        if self._wire is None or self._ended.done() or now - self._sent_at < silence_seconds:
            return
        settled = self._around.tail.settled_positions if self._held is None else None
        place = b""
        if settled is not None and (cursor := self._around.cursors.write(self._beside(settled))) != self._sent_cursor:
            self._sent_cursor, place = cursor, id_line(cursor)
        self._send(b": heartbeat\n%b\n" % place)

    def _place(self, positions: Sequence[int]) -> bytes:
        self._sent_cursor = self._around.cursors.write(positions)
        return id_line(self._sent_cursor)

    def _send(self, lines: bytes, events: int = 0) -> None:
        if self._wire is not None:
            self._wire.send(lines)
        self._count(events)

    def _count(self, events: int) -> None:
        self._sent_at = asyncio.get_running_loop().time()
        self._told += events
        events_told.inc(events)
