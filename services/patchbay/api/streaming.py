"""A body that is written bit by bit, for as long as the client stays: past aiohttp, as answers in one piece are."""

import asyncio
import socket

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web import BaseRequest

from patchbay.api.connection import Connection
from patchbay.api.wire import Answer, Streamed, http_date

CLOSE_SECONDS = 3.0  # for what was written to be taken; below the drain of a copy that stops
# What the kernel keeps for a client that does not read. What is above it counts as unread.
SEND_BUFFER_BYTES = 262_144

_LOOK_SECONDS = 0.05
_LAST_CHUNK = b"0\r\n\r\n"


class OpenWire:
    """Where a stream writes. Nothing here waits but `drain` and `close`."""

    def __init__(self, transport: asyncio.WriteTransport, writer: AbstractStreamWriter, *, is_chunked: bool) -> None:
        self._transport = transport
        self._writer = writer
        self.is_chunked = is_chunked
        self.is_lost = asyncio.Event()

    @property
    def unsent_bytes(self) -> int:
        """What was written, and the client's side has not taken yet."""
        return self._transport.get_write_buffer_size()

    def send(self, data: bytes) -> None:
        """Write; the bytes of a whole number of events."""
        self.send_framed(frame(data) if self.is_chunked else data)

    def send_framed(self, data: bytes) -> None:
        """Write what is framed already, if this wire frames."""
        if not self._transport.is_closing():
            self._transport.write(data)

    async def drain(self) -> None:
        """
        Wait while the client reads slowly.

        Raises:
            ConnectionError: It has gone.
        """
        await self._writer.drain()

    async def close(self) -> None:
        """Write the end, and let the client take it within a bound."""
        if self._transport.is_closing():
            return
        if self.is_chunked:
            self._transport.write(_LAST_CHUNK)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                while self.unsent_bytes and not self._transport.is_closing():  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            self._transport.abort()


def frame(data: bytes) -> bytes:
    """Return the data as one chunk (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class StreamingResponse(web.StreamResponse):
    """A response whose body is a stream. For aiohttp it is one like any other."""

    def __init__(
        self, request: BaseRequest, answer: Answer, stream: Streamed, request_id: str, more_fields: str
    ) -> None:
        super().__init__(status=answer.status)
        self._keep_alive = False
        self._stream = stream
        is_chunked = request.version >= HttpVersion11
        self._head = _head(answer, request_id, more_fields, is_chunked=is_chunked).encode("latin-1")
        self._is_chunked = is_chunked
        self._wire: OpenWire | None = None

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter:
        """Write the head."""
        transport = request.transport
        if transport is None or transport.is_closing():
            self._stream.abandon()
            raise ConnectionResetError("the client has gone")
        self._wire = OpenWire(transport, request.writer, is_chunked=self._is_chunked)
        protocol = request.protocol
        if isinstance(protocol, Connection):
            protocol.when_lost = self._wire.is_lost.set
        kernel_socket = transport.get_extra_info("socket")
        if kernel_socket is not None:
            kernel_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        transport.write(self._head)
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002 - aiohttp's signature
        """Write the body, to its end."""
        if self._wire is not None:
            await self._stream.run(self._wire)
            await self._wire.close()
        self._eof_sent = True


def _head(answer: Answer, request_id: str, more_fields: str, *, is_chunked: bool) -> str:
    framing = "Transfer-Encoding: chunked\r\n" if is_chunked else ""
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: {answer.content_type}\r\nCache-Control: no-store\r\n"
        f"X-Content-Type-Options: nosniff\r\nRequest-Id: {request_id}\r\nDate: {http_date()}\r\n"
        f"{more_fields}{answer.fields}{framing}Connection: close\r\n\r\n"
    )
