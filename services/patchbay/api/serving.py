"""Listening, and stopping without dropping a request that is under way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from patchbay.api.application import Application
from patchbay.api.bodies import BODY_BYTES
from patchbay.api.certificates import ServerCertificate
from patchbay.api.connection import Connection
from patchbay.api.guarding import Guard, Limits

BACKLOG_CONNECTIONS = 1024
AIOHTTP_KEEP_ALIVE_SECONDS = 86_400.0  # its timer never fires: the guard looks after idle connections
DRAIN_SECONDS = 10.0  # a write takes 5 s at most; below Kubernetes' 30 s grace period
# A body that was refused is read and dropped for so long: closing at once would reset the connection, and the client
# would lose the answer that says why.
LINGERING_SECONDS = 1.0


class CannotListen(Exception):
    """The address is in use, or not this machine's."""


class _Server(web.Server):
    def __init__(self, guard: Guard, *arguments: Any, **settings: Any) -> None:  # noqa: ANN401 - aiohttp's
        super().__init__(*arguments, **settings)
        self._guard = guard

    def __call__(self) -> RequestHandler:
        """Make the protocol of one new connection."""
        return Connection(self._guard, self, loop=self._loop, **self._kwargs)


@asynccontextmanager
async def serve(
    application: Application, host: str, port: int, limits: Limits, certificate: ServerCertificate | None = None
) -> AsyncIterator[int]:
    """
    Serve until the end of the block; then take no more connections, and let requests under way finish.

    Args:
        application: What answers.
        host: Where to listen.
        port: Likewise; 0 = a free one.
        limits: What connections may take.
        certificate: With which connections are TLS; None: they are not.

    Yields:
        The port that is listened on.

    Raises:
        CannotListen: The address is in use, or not this machine's.
    """
    guard = Guard(limits)
    server = _Server(
        guard,
        application.handle,
        request_factory=_make_request,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=AIOHTTP_KEEP_ALIVE_SECONDS,
        lingering_time=LINGERING_SECONDS,
    )
    # A client has as long for a handshake as for a request's head; the guard sees its connection only afterwards.
    tls: dict[str, Any] = {}
    if certificate is not None:
        tls = {"ssl": certificate.context, "ssl_handshake_timeout": limits.head_seconds}
    try:
        listener = await asyncio.get_running_loop().create_server(
            server, host, port, backlog=BACKLOG_CONNECTIONS, **tls
        )
    except OSError as error:
        raise CannotListen(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    looking = [asyncio.create_task(guard.run(), name="look at connections")]
    if certificate is not None:
        looking.append(asyncio.create_task(certificate.run(), name="look at the certificate"))
    try:
        yield int(listener.sockets[0].getsockname()[1])
    finally:
        listener.close()
        server.pre_shutdown()
        await server.shutdown(DRAIN_SECONDS)
        for task in looking:
            task.cancel()
        await asyncio.wait(looking)


def _make_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: "asyncio.Task[None]",
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    protocol.is_chunked = message.chunked  # type: ignore[attr-defined] # a Connection: `_Server` makes no others
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=BODY_BYTES)
