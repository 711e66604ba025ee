"""A client of the event stream, written after the standard's text and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
import msgspec
from multidict import CIMultiDictProxy
from tests.contract.api.service import Caller

WAIT_SECONDS = 10.0


class Told(msgspec.Struct, frozen=True):
    """An event, as a browser would dispatch it."""

    id: str
    type: str
    data: Any


class Following:
    """An open stream. Lines are read only when somebody asks: what is not read stays where it is."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._buffer = b""
        self.last_id = ""
        self.retry = ""
        self.comments: list[str] = []

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        return self._response.headers

    def __aiter__(self) -> AsyncIterator[Told]:
        return self._events()

    async def _lines(self) -> AsyncIterator[str]:
        while True:
            line, found, rest = self._buffer.partition(b"\n")
            if found:
                self._buffer = rest
                yield line.decode()
                continue
            received = await self._response.content.readany()
            if not received:
                return
            self._buffer += received

    async def _events(self) -> AsyncIterator[Told]:
        name, data, place = "message", "", self.last_id
        async for line in self._lines():
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                self.last_id = place  # an event that was cut off in its middle was not told
                if data:
                    yield Told(self.last_id, name, json.loads(data))
                name, data = "message", ""
            elif not field:
                self.comments.append(value)
            elif field == "id":
                place = value
            elif field == "event":
                name = value
            elif field == "data":
                data += value
            elif field == "retry":
                self.retry = value

    async def take(self, count: int, seconds: float = WAIT_SECONDS) -> list[Told]:
        """Return the next events; fail if there are fewer."""
        taken: list[Told] = []
        async with asyncio.timeout(seconds):
            async for event in self:
                taken.append(event)
                if len(taken) == count:
                    return taken
        raise AssertionError(f"the stream ended after {len(taken)} of {count} events")

    async def take_until(self, event_id: str, seconds: float = WAIT_SECONDS) -> list[Told]:
        """Return the next events, up to the one whose CloudEvents id this is."""
        taken: list[Told] = []
        async with asyncio.timeout(seconds):
            async for event in self:
                taken.append(event)
                if event.data["id"] == event_id:
                    return taken
        raise AssertionError(f"the stream ended before {event_id}")

    async def begun(self) -> Self:
        """Return when the stream has said where it begins."""
        async with asyncio.timeout(WAIT_SECONDS):
            async for line in self._lines():
                if line.startswith("id:"):
                    self.last_id = line.removeprefix("id:").strip()
                elif line.startswith("retry:"):
                    self.retry = line.removeprefix("retry:").strip()
                elif not line:
                    break
        return self

    async def end(self, seconds: float = WAIT_SECONDS) -> list[Told]:
        """Return what comes until the server ends the stream."""
        async with asyncio.timeout(seconds):
            try:
                return [event async for event in self]
            except aiohttp.ClientPayloadError:
                return []


@asynccontextmanager
async def follow(
    caller: Caller, query: str = "", *, last_id: str | None = None, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Following]:
    """Open a stream, and hang up at the end of the block."""
    fields = {"Authorization": f"Bearer {caller.secret}", **(headers or {})}
    if last_id is not None:
        fields["Last-Event-ID"] = last_id
    timeout = aiohttp.ClientTimeout(total=None)
    async with caller.session.get(caller.url + "/api/events" + query, headers=fields, timeout=timeout) as response:
        assert response.status == 200, await response.read()
        following = await Following(response).begun()
        try:
            yield following
        finally:
            response.close()
