"""An API on a real socket that answers, loses answers and hangs up as a test has told it to."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web

from patchbay.client import Patchbay, Patience

Deed = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

HASTY = Patience(seconds=5.0, attempts=6, exchange_seconds=2.0, first_pause_seconds=0.001, longest_pause_seconds=0.002)
ASSISTANT = {
    "id": "asst_1",
    "account_id": "acct_1",
    "name": "Sales Agent",
    "type": "custom",
    "model": "m",
    "provider": "openai",
    "temperature": 0.7,
    "max_tokens": 1024,
    "first_message": None,
    "system_prompt": "Be kind.",
    "voice_provider": "cartesia",
    "voice_model": None,
    "voice_id": None,
    "voice_name": None,
    "transcriptor_provider": "deepgram",
    "transcriptor_model": "nova-3",
    "transcriptor_language": "en-US",
    "recording_enabled": False,
    "inbound_enabled": False,
    "outbound_enabled": False,
    "phone_number_ids": [],
    "version": 1,
    "created_at": "2026-02-18T14:22:31.114207Z",
    "updated_at": "2026-02-18T14:22:31.114207Z",
}
CREATED = {"success": True, "assistant": ASSISTANT}


class Seen(NamedTuple):
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class FaultyApi:
    """What it is to do, in order, and what it was asked. The last deed is done again and again."""

    def __init__(self) -> None:
        self.url = ""
        self.deeds: list[Deed] = []
        self.seen: list[Seen] = []
        self.over = asyncio.Event()  # what stalls, ends

    def answer(self, body: object, status: int = 200, **headers: str) -> None:
        """Answer with JSON; `Retry_After` becomes `Retry-After`."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()

        async def deed(_request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(status=status, body=content, headers=fields, content_type="application/json")

        self.deeds.append(deed)

    def refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None, **facts: object) -> None:
        """Answer with an error."""
        body = {"success": False, "error": "It cannot be.", "code": code, "status": status, **facts}
        self.answer(body, status, **(headers or {}))

    def tell(self, status: str, result: object = None) -> None:
        """Answer what became of a command."""
        command = {"id": "cmd_x", "status": status, "waiting_for": [], "result": result}
        self.answer({"success": True, "command": command})

    def lose(self) -> None:
        """Take the request and cut the connection."""

        async def deed(request: web.BaseRequest) -> web.StreamResponse:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

        self.deeds.append(deed)

    def cut(self) -> None:
        """Cut the connection in the middle of the answer."""

        async def deed(request: web.BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Length": "500"})
            await response.prepare(request)
            await response.write(b'{"success": tr')
            assert request.transport is not None
            request.transport.abort()
            return response

        self.deeds.append(deed)

    def stall(self) -> None:
        """Take the request and say nothing."""

        async def deed(_request: web.BaseRequest) -> web.StreamResponse:
            await self.over.wait()
            return web.Response()

        self.deeds.append(deed)

    def stream(self, *pieces: bytes, status: int = 200) -> None:
        """Send the pieces, then end."""

        async def deed(request: web.BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse(status=status, headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            for piece in pieces:
                await response.write(piece)
            return response

        self.deeds.append(deed)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Do the next deed."""
        content = await request.read()
        self.seen.append(
            Seen(request.method, request.path_qs, request.headers.copy(), json.loads(content) if content else None)
        )
        return await (self.deeds.pop(0) if len(self.deeds) > 1 else self.deeds[0])(request)

    def write_keys(self) -> set[str | None]:
        """Return the idempotency keys of the writes that arrived."""
        return {seen.headers.get("Idempotency-Key") for seen in self.seen if seen.method != "GET"}


@asynccontextmanager
async def faulty_api() -> AsyncIterator[FaultyApi]:
    """Run such an API on a free port."""
    api = FaultyApi()
    server = web.Server(api.handle)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield api
    finally:
        api.over.set()
        await runner.cleanup()


@asynccontextmanager
async def client_of_faulty_api(patience: Patience = HASTY, **options: Any) -> AsyncIterator[tuple[FaultyApi, Patchbay]]:
    """Give the API, and a client of it that has little patience."""
    async with (
        faulty_api() as api,
        Patchbay(api.url, "tk_live_x", account="acme", patience=patience, **options) as client,
    ):
        yield api, client
