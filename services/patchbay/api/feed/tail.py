"""The one reader of new history in this process: reads each event once, and hands it to the streams of its account."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Protocol

import structlog

from patchbay.api.feed.batches import Batch, ToldEvent
from patchbay.api.feed.cursors import Cursors
from patchbay.api.feed.rendering import owner_of, render
from patchbay.api.reading.events import Events, Passage
from patchbay.postgres import DATABASE_FAILURES

POLL_SECONDS = 1.0  # a notification is a hint: this bounds the wait without one
# Between two passes: however often the projector commits, telling of it costs no more than so many passes a second.
PACE_SECONDS = 0.05
RETRY_SECONDS = 0.5
ACCOUNTS_ASKED_FOR = 64  # above that the database would take longer to choose than this process
STREAMS_AT_ONCE = 32  # between two of those bundles other work has its turn

_log = structlog.get_logger()


class Follower(Protocol):
    """A stream, as the tail sees it."""

    @property
    def account_id(self) -> str | None:
        """Whose events it tells; None = every account's."""

    def deliver(self, batch: Batch) -> None:
        """Take events that follow the positions at which it joined; must not wait."""


class Tail:
    """Reads as long as somebody follows."""

    def __init__(self, events: Events, cursors: Cursors) -> None:
        self._events = events
        self._cursors = cursors
        self._positions: list[int] = []
        self._followers: dict[str | None, set[Follower]] = {}
        self._joining: list[tuple[Follower, asyncio.Future[tuple[int, ...]]]] = []
        self._woken = asyncio.Event()
        self._is_handing_out = False

    @property
    def settled_positions(self) -> tuple[int, ...] | None:
        """Up to where every follower has been told; None while that differs between them."""
        return None if self._is_handing_out else tuple(self._positions)

    def wake(self, payload: str) -> None:
        """Look at what a notification says: `read_model 0:512 3:77`, and read if there is something new in it."""
        if not self._followers:
            return
        projection, *moved = payload.split(" ")
        if projection in ("read_model", "") and (not moved or any(map(self._is_new, moved))):
            self._woken.set()

    def _is_new(self, moved: str) -> bool:
        partition, _, next_offset = moved.partition(":")
        try:
            return int(next_offset) > self._positions[int(partition)]
        except (ValueError, IndexError):  # anybody may notify
            return False

    async def join(self, follower: Follower) -> tuple[int, ...]:
        """Hand over to the follower whatever lies behind the positions that are returned, from now on."""
        future: asyncio.Future[tuple[int, ...]] = asyncio.get_running_loop().create_future()
        self._joining.append((follower, future))
        self._woken.set()
        return await future

    def leave(self, follower: Follower) -> None:
        """Forget the follower, if it is known."""
        followers = self._followers.get(follower.account_id)
        if followers is not None:
            followers.discard(follower)
            if not followers:
                del self._followers[follower.account_id]

    async def run(self) -> None:
        """Read and hand out until cancelled; a database that is away is waited for."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            self._woken.clear()
            try:
                is_behind = await self._pass_on()
            except DATABASE_FAILURES as error:
                _log.warning("history_unreachable", reason=str(error) or type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if not is_behind:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS if self._followers else None):
                        await self._woken.wait()
            await asyncio.sleep(max(0.0, began + PACE_SECONDS - loop.time()))

    async def _pass_on(self) -> bool:
        """Let in who waits, read once, and hand out; return whether there is more to read."""
        await self._let_in()
        if not self._followers:
            return False
        accounts = [account for account in self._followers if account is not None]
        is_choosy = None not in self._followers and len(accounts) <= ACCOUNTS_ASKED_FOR
        before = dict(enumerate(self._positions))
        passages = await self._events.read_pass(before, accounts=accounts if is_choosy else None)
        await self._hand_out(self._sort(passages))
        return not all(passage.is_at_end for passage in passages)

    async def _let_in(self) -> None:
        if self._joining and not self._followers:
            self._positions = await self._events.ends()
        joining, self._joining = self._joining, []
        for follower, future in joining:
            if not future.done():
                self._followers.setdefault(follower.account_id, set()).add(follower)
                future.set_result(tuple(self._positions))

    def _sort(self, passages: Sequence[Passage]) -> dict[str | None, Batch]:
        """Return the events by who follows them, and move the positions behind them."""
        batches: dict[str | None, Batch] = {}
        for passage in passages:
            for event in passage.events:
                self._positions[event.partition] = event.offset + 1
                account = owner_of(event)
                audiences = [each for each in (account, None) if each in self._followers] if account else []
                if audiences:
                    positions = tuple(self._positions)
                    told = ToldEvent(event.partition, event.offset, event.type, render(event), positions)
                    for audience in audiences:
                        batches.setdefault(audience, Batch(self._cursors.write)).events.append(told)
            self._positions[passage.partition] = max(self._positions[passage.partition], passage.reached)
        return batches

    async def _hand_out(self, batches: dict[str | None, Batch]) -> None:
        self._is_handing_out = True
        try:
            count = 0
            for audience, batch in batches.items():
                for follower in list(self._followers.get(audience, ())):  # one may leave while it is handed something
                    follower.deliver(batch)
                    count += 1
                    if not count % STREAMS_AT_ONCE:
                        await asyncio.sleep(0)
        finally:
            self._is_handing_out = False
