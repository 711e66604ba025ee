"""Clients of the API as they are outside: plain HTTP/1.1 on connections that stay open, every doubt told."""

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

ANSWER_SECONDS = 15.0  # no answer is promised to take longer than 5


class NoAnswer(Exception):
    """The connection failed before there was an answer: whether the request was carried out is open."""


class NotReached(NoAnswer):
    """There was no connection: the request was certainly not carried out."""


class _Body(msgspec.Struct):
    assistant: msgspec.Raw


class Reply(msgspec.Struct, frozen=True):
    """An answer, and how long it took."""

    status: int
    fields: Mapping[str, str]  # by lower-case name
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)

    @property
    def assistant(self) -> bytes:
        """The record of the assistant, as the exact bytes that were sent."""
        return bytes(msgspec.json.decode(self.body, type=_Body).assistant)

    @property
    def code(self) -> str:
        """The stable name of an error."""
        return str(self.json.get("code", ""))


def new_traceparent() -> str:
    """Return a W3C trace context that no other request has: it goes into the envelope of the event."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


class _Connection:
    """One connection, for one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def is_usable(self) -> bool:
        """False if the other side has closed it."""
        return not self._reader.at_eof() and not self._writer.is_closing()

    async def send(self, request: bytes) -> Reply:
        """Send a whole request and return its answer; any exception makes the connection useless."""
        started = time.perf_counter()
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = head[:-4].split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self._reader.readexactly(int(fields.get("content-length", 0)))
        return Reply(int(status_line.split(" ", 2)[1]), fields, body, time.perf_counter() - started)

    async def close(self) -> None:
        """Let go of it."""
        self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


class Client:
    """Somebody with a key, who can reach every process of the API; requests may be sent at the same time."""

    def __init__(self, ports: Sequence[int], key: str) -> None:
        self._ports = tuple(ports)
        self._key = key
        self._idle: dict[int, list[_Connection]] = {port: [] for port in ports}
        self.slowest_seconds = 0.0  # of all answers

    async def request(
        self, api: int, method: str, path: str, body: object = None, fields: Mapping[str, str] | None = None
    ) -> Reply:
        """
        Send one request to the process number `api` of the API.

        Raises:
            NotReached: It was not sent.
            NoAnswer: It was sent, or part of it, and there was no answer.
        """
        port = self._ports[api]
        connection = await self._take_idle(port)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if connection is None:
                    connection = _Connection(*await asyncio.open_connection("127.0.0.1", port))
                reply = await connection.send(self._encode(method, path, body, fields))
        except ConnectionRefusedError as failure:
            raise NotReached(f"{method} {path}: {failure!r}") from failure
        except (OSError, EOFError, TimeoutError) as failure:
            raise NoAnswer(f"{method} {path}: {failure!r}") from failure
        else:
            self.slowest_seconds = max(self.slowest_seconds, reply.seconds)
            if reply.fields.get("connection") != "close":
                self._idle[port].append(connection)
                connection = None
            return reply
        finally:
            if connection is not None:
                await connection.close()

    async def get(self, api: int, path: str) -> Reply:
        """Read from the process number `api`."""
        return await self.request(api, "GET", path)

    async def written(self, api: int, method: str, path: str, body: object = None) -> Reply:
        """Write through the process number `api`; nothing but a 200 will do."""
        reply = await self.request(api, method, path, body)

        assert reply.status == 200, (method, path, reply)
        return reply

    async def close(self) -> None:
        """Close every connection."""
        for idle in self._idle.values():
            while idle:
                await idle.pop().close()

    async def _take_idle(self, port: int) -> _Connection | None:
        """Return a connection that nobody uses, if there is one."""
        while self._idle[port]:
            connection = self._idle[port].pop()
            if connection.is_usable:
                return connection
            await connection.close()
        return None

    def _encode(self, method: str, path: str, body: object, fields: Mapping[str, str] | None) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {self._key}"]
        lines += [f"{name}: {value}" for name, value in (fields or {}).items()]
        content = b"" if body is None else msgspec.json.encode(body)
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        return "\r\n".join([*lines, "", ""]).encode() + content


@contextlib.asynccontextmanager
async def open_client(ports: Sequence[int], key: str) -> AsyncIterator[Client]:
    """Give a client whose connections are closed at the end."""
    client = Client(ports, key)
    try:
        yield client
    finally:
        await client.close()
