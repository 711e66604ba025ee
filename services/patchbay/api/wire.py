"""An answer, and how it goes onto the wire: as few bytes of Python work as a response can take."""

import time
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

import msgspec
from aiohttp import HttpVersion10, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web import BaseRequest

if TYPE_CHECKING:
    from patchbay.api.streaming import OpenWire

JSON = "application/json"

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: " for status in HTTPStatus}
_CONSTANT = "\r\nCache-Control: private, no-cache\r\nX-Content-Type-Options: nosniff\r\nRequest-Id: "
_NO_CONTENT_TYPE = "HTTP/1.1 304 Not Modified\r\nCache-Control: private, no-cache\r\nRequest-Id: "


class Streamed(Protocol):
    """A body without an end that is known beforehand."""

    async def run(self, wire: "OpenWire") -> None:
        """Write until there is nothing more to write, or nobody to read it."""

    def abandon(self) -> None:
        """Let go of what was taken for it: it will not run."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered. `fields`: further header fields, each with its line end, of our own making only."""

    status: int = 200
    body: bytes
    fields: str = ""
    content_type: str = JSON
    code: str = ""  # of an error, for the log
    closes: bool = False  # the connection cannot be used again
    stream: Streamed | None = None  # instead of a body


class WireResponse(web.StreamResponse):
    """
    A response that is written as one piece, past aiohttp's header dictionary.

    For aiohttp it is a response like any other: it is told `prepare`, then `write_eof`, and asked for `keep_alive`.
    """

    def __init__(self, request: BaseRequest, answer: Answer, request_id: str, more_fields: str) -> None:
        super().__init__(status=answer.status)
        closes = answer.closes or not request.keep_alive or not request.content.is_eof()
        self._keep_alive = not closes
        body = b"" if request.method == "HEAD" else answer.body
        self._body_length = len(body)
        self._bytes = _head(request, answer, request_id, more_fields, closes=closes).encode("latin-1") + body

    @property
    def body_length(self) -> int:
        """The bytes of the body that were sent."""
        return self._body_length

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter:
        """Write everything, and wait while the client reads slowly."""
        writer = request.writer
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        self._payload_writer = writer
        transport.write(self._bytes)
        await writer.drain()
        return writer

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002 - aiohttp's signature
        """Do nothing: all has been written."""
        self._eof_sent = True


def _head(request: BaseRequest, answer: Answer, request_id: str, more_fields: str, *, closes: bool) -> str:
    connection = ""
    if closes:
        connection = "Connection: close\r\n"
    elif request.version == HttpVersion10:
        connection = "Connection: keep-alive\r\n"
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return f"{_NO_CONTENT_TYPE}{request_id}\r\nDate: {http_date()}\r\n{more_fields}{answer.fields}{connection}\r\n"
    return (
        f"{_STATUS_LINES[answer.status]}{answer.content_type}\r\nContent-Length: {len(answer.body)}{_CONSTANT}"
        f"{request_id}\r\nDate: {http_date()}\r\n{more_fields}{answer.fields}{connection}\r\n"
    )


def unasked_bytes(answer: Answer, request_id: str) -> bytes:
    """Return an answer to a connection whose request nobody reads any more; it is closed after it."""
    head = (
        f"{_STATUS_LINES[answer.status]}{answer.content_type}\r\nContent-Length: {len(answer.body)}{_CONSTANT}"
        f"{request_id}\r\nDate: {http_date()}\r\n{answer.fields}Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + answer.body


_dates: dict[int, str] = {}  # at most one: of the second that runs


def http_date() -> str:
    """Return the time of day as a header field tells it."""
    second = int(time.time())
    date = _dates.get(second)
    if date is None:
        _dates.clear()
        date = _dates[second] = formatdate(second, usegmt=True)
    return date
