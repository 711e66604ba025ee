"""The account's events as they happen, over connections that come and go."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Final, Protocol, Self

import msgspec

from patchbay.client import errors
from patchbay.client.answering import refusal_of
from patchbay.client.exchanging import ExchangeFailed, Reply, Request
from patchbay.client.frames import Frame, Frames, FrameTooLong
from patchbay.client.reach import Reach, given
from patchbay.client.records import Event
from patchbay.client.retrying import Next, judge, pause_seconds, retry_after

PATH: Final = "/api/events"
SILENCE_SECONDS: Final = 45.0  # three of the API's heartbeats
GIVE_UP_SECONDS: Final = 300.0
_LONGEST_RETRY_SECONDS: Final = 30.0


class OpenStream(Protocol):
    """An answer whose body does not end."""

    status: int

    async def piece(self) -> bytes:
        """Return what comes next; nothing at its end."""

    async def whole(self) -> Reply:
        """Return the answer, of one that does end."""

    def release(self) -> None:
        """Hang up."""


class Streams(Protocol):
    """Where streams come from."""

    async def open(self, request: Request, seconds: float) -> OpenStream:
        """Return an answer each piece of which has to come within `seconds`."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is followed."""

    account: str | None
    types: Sequence[str] | None
    is_from_beginning: bool
    silence_seconds: float
    give_up_seconds: float


class Events:
    """Follows events."""

    def __init__(self, reach: Reach, streams: Streams) -> None:
        self._reach = reach
        self._streams = streams

    def follow(
        self,
        *,
        after: str | None = None,
        from_beginning: bool = False,
        types: Sequence[str] | None = None,
        account: str | None = None,
        silence_seconds: float = SILENCE_SECONDS,
        give_up_seconds: float = GIVE_UP_SECONDS,
    ) -> "EventStream":
        """
        Return the stream of the account's events, to be entered and walked through.

        As in::

            async with patchbay.events.follow() as events:
                async for event in events:
                    …

        Nothing that is accepted after the stream was entered is missed, and nothing is told twice, over any number of
        connections.

        Args:
            after: The `cursor` of the last event that was dealt with: go on behind it.
            from_beginning: Without a cursor: begin with the first event of all, not with the next.
            types: Only these, such as `AssistantUpdated`.
            account: Its slug, if not the client's; an operator's key follows every account where none is named.
            silence_seconds: A connection on which nothing comes for so long is given up; above the API's heartbeat.
            give_up_seconds: How long it may be impossible to connect before that is an error.
        """
        wanted = Wanted(
            account=account or self._reach.account,
            types=types,
            is_from_beginning=from_beginning,
            silence_seconds=silence_seconds,
            give_up_seconds=give_up_seconds,
        )
        return EventStream(self._reach, self._streams, wanted, after or "")


class EventStream:
    """Events, one after the other."""

    def __init__(self, reach: Reach, streams: Streams, wanted: Wanted, cursor: str) -> None:
        self._cursor = cursor  # behind the event that was handed out last
        self._place = cursor  # behind what was read
        self._reach = reach
        self._streams = streams
        self._wanted = wanted
        self._open: OpenStream | None = None
        self._frames = Frames()
        self._told: deque[Event] = deque()
        self._retry_seconds = 1.0
        self._failures = 0
        self._lost_at: float | None = None

    @property
    def cursor(self) -> str:
        """Where to go on behind what was handed out; it moves past events of others, too."""
        return self._cursor if self._told else self._place

    async def __aenter__(self) -> Self:
        """
        Connect, and wait until the API has said where the stream begins.

        Raises:
            PatchbayError: The API said no, or there was no answer.
        """
        try:
            while not self._place or self._open is None:
                await self._advance()
        except BaseException:
            self._hang_up()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        self._hang_up()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """
        Return the next event, whenever it comes.

        Raises:
            PatchbayError: The API says no, or has been out of reach for too long; go on later behind `cursor`.
        """
        while not self._told:
            await self._advance()
        event = self._told.popleft()
        self._cursor = event.cursor
        return event

    async def _advance(self) -> None:
        """Read what comes next; connect where there is no connection."""
        if self._open is None:
            await self._connect()
            return
        try:
            piece = await self._open.piece()
            self._lost_at = None
            frames = self._frames.feed(piece)
        except (ExchangeFailed, FrameTooLong):
            self._hang_up()
            return
        if not piece:
            self._hang_up()
        for frame in frames:
            self._take(frame)

    def _hang_up(self) -> None:
        if self._open is not None:
            self._open.release()
            self._open = None

    async def _connect(self) -> None:
        """Try once; after a failure not at once."""
        if self._lost_at is None:
            self._lost_at = _now()
        if self._failures:
            await asyncio.sleep(self._pause())
        self._failures += 1
        asked_for: float | None = None
        try:
            opened = await self._streams.open(self._request(), self._wanted.silence_seconds)
            if opened.status == HTTPStatus.OK:
                self._open, self._frames = opened, Frames()
                return
            try:
                asked_for, why = self._refused(await opened.whole())
            finally:
                opened.release()
        except ExchangeFailed as failed:
            if failed.is_final:
                raise errors.Unreachable(f"{failed}.") from failed
            why = str(failed)
        if _now() + (asked_for or 0.0) - self._lost_at >= self._wanted.give_up_seconds:
            raise errors.Unreachable(f"Nobody told the events for {self._wanted.give_up_seconds:g} s: {why}.")
        await asyncio.sleep(asked_for or 0.0)

    def _refused(self, reply: Reply) -> tuple[float | None, str]:
        error = refusal_of(reply)
        code = error.code if isinstance(error, errors.Refused) else None
        if judge(reply.status, code) is Next.REFUSE:
            raise error
        return retry_after(reply.headers, time.time()), str(error)

    def _pause(self) -> float:
        growing = pause_seconds(self._failures, None, self._reach.calls.patience, random.random())  # noqa: S311 - jitter
        return self._retry_seconds * random.random() + growing  # noqa: S311 - jitter

    def _request(self) -> Request:
        wanted = self._wanted
        query = given(accountSlug=wanted.account, type=",".join(wanted.types) if wanted.types else None)
        headers = {"Accept": "text/event-stream", **self._reach.calls.memory.headers()}
        if self._place:
            headers["Last-Event-ID"] = self._place  # what was read and not yet handed out is not asked for again
        elif wanted.is_from_beginning:
            query["from"] = "beginning"
        return Request(method="GET", path=PATH, query=query, headers=headers)

    def _take(self, frame: Frame) -> None:
        self._failures = 0
        if frame.retry.isascii() and frame.retry.isdigit():
            self._retry_seconds = min(_LONGEST_RETRY_SECONDS, int(frame.retry[:9]) / 1000)
        self._place = frame.cursor or self._place
        if not frame.data:
            return
        try:
            event = msgspec.json.decode(frame.data, type=Event)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise errors.UnexpectedAnswer(f"What was told as an event is none ({error}).") from None
        self._told.append(msgspec.structs.replace(event, cursor=self._place))


def _now() -> float:
    return asyncio.get_running_loop().time()
