"""How long a connection may be without a request is told by what it waits for, however its bytes come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.web import BaseRequest
from tests.servers import eventually

from patchbay.api.connection import Connection
from patchbay.api.guarding import Guard, Limits

LIMITS = Limits(head_seconds=10.0, idle_seconds=75.0)
HEAD = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n"


class Wire(asyncio.Transport):
    """Stands for the client's side: keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_aborted = False

    def write(self, data: Any) -> None:
        """Keep it."""
        self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        """Return 0: everything is taken at once."""
        return 0

    def is_closing(self) -> bool:
        """Return whether it was ended."""
        return self.is_aborted

    def abort(self) -> None:
        """End it."""
        self.is_aborted = True

    def close(self) -> None:
        """End it."""
        self.is_aborted = True


async def answer(request: BaseRequest) -> web.Response:
    """Answer with what was sent."""
    return web.Response(body=await request.read())


def waits(connection: Connection) -> bool:
    """Return whether it is seen to wait for a request."""
    connection.look(asyncio.get_running_loop().time())
    return connection.idle_since() is not None


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Connection, Wire]]:
    """Give a connection that waits for its first request."""
    wire = Wire()
    connection = Connection(Guard(LIMITS), web.Server(answer), loop=asyncio.get_running_loop())
    connection.connection_made(wire)
    await eventually(lambda: waits(connection))
    yield connection, wire
    connection.connection_lost(None)


def rest(connection: Connection, seconds: float) -> None:
    """Let the guard look at it twice, so long after one another."""
    now = asyncio.get_running_loop().time()
    connection.look(now)
    connection.look(now + seconds)


async def test_one_that_was_answered_is_idle_also_if_its_body_came_before_the_head_was_taken_up() -> None:
    async with connected() as (connection, wire):
        connection.data_received(HEAD)
        connection.data_received(b"{}")
        await eventually(lambda: wire.written.endswith(b"{}") and waits(connection))

        rest(connection, LIMITS.head_seconds + 1)
        assert not wire.is_aborted
        rest(connection, LIMITS.idle_seconds + 1)
        assert wire.is_aborted


async def test_one_that_has_begun_a_head_has_to_end_it_soon() -> None:
    async with connected() as (connection, wire):
        connection.data_received(HEAD + b"{}")
        await eventually(lambda: wire.written.endswith(b"{}") and waits(connection))
        connection.data_received(HEAD[:10])

        rest(connection, LIMITS.head_seconds + 1)
        assert wire.is_aborted
