"""Clients that mean ill: raw connections, and what they do with them."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from tests.contract.api.service import Caller

HOST = "127.0.0.66"  # another address than honest clients have, of the same machine
PATIENCE_SECONDS = 20.0  # far above the deadlines of the copy that is attacked
DRIP_SECONDS = 0.05

Attack = Callable[["Target"], Coroutine[Any, Any, None]]


class Target:
    """Where to, and a key that is good."""

    def __init__(self, caller: Caller, assistant_path: str) -> None:
        host, _, port = caller.url.removeprefix("http://").partition(":")
        self.address = host, int(port)
        self.secret = caller.secret
        self.assistant_path = assistant_path

    def head(self, method: str, path: str, *fields: str) -> bytes:
        """Return the head of an honest request, with further fields."""
        lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {self.secret}", *fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def post(self, body: bytes, *fields: str, length: int | None = None) -> bytes:
        """Return a POST with this body, which may be announced longer than it is."""
        announced = f"Content-Length: {len(body) if length is None else length}"
        return self.head("POST", "/api/assistants", "Content-Type: application/json", announced, *fields) + body

    def get(self) -> bytes:
        """Return an honest GET."""
        return self.head("GET", self.assistant_path)


class Raw:
    """A connection that sends any bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @asynccontextmanager
    async def open(cls, target: Target, host: str = HOST) -> AsyncIterator[Self]:
        """Open one from this address."""
        # Read at most so much that nobody asked for: the rest is left to the kernel, as by who never reads.
        reader, writer = await asyncio.open_connection(*target.address, local_addr=(host, 0), limit=1_024)
        try:
            yield cls(reader, writer)
        finally:
            writer.transport.abort()

    async def drip(self, data: bytes) -> None:
        """Send byte for byte, until the other side does not want any more."""
        with contextlib.suppress(ConnectionError):
            for byte in data:
                self.writer.write(bytes([byte]))
                await self.writer.drain()
                await asyncio.sleep(DRIP_SECONDS)

    async def rest(self) -> bytes:
        """Return all that comes until the other side ends it."""
        received = b""
        async with asyncio.timeout(PATIENCE_SECONDS):
            with contextlib.suppress(ConnectionError):
                while data := await self.reader.read(65_536):
                    received += data
        return received

    async def answer(self) -> tuple[int, bytes]:
        """Return status and body of one answer."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return int(head.split(b" ")[1]), await self.reader.readexactly(length)


async def say_nothing(target: Target) -> None:
    """Open connections, and nothing more."""
    await _hold(target, [b""] * 100)


async def begin_heads(target: Target) -> None:
    """Send a head byte for byte, on several connections."""
    await _drip(target, [target.get()] * 10)


async def stall_bodies(target: Target) -> None:
    """Announce bodies that do not come."""
    await _hold(target, [target.post(b"{", length=100)] * 10)


async def drip_bodies(target: Target) -> None:
    """Send bodies byte for byte."""
    await _drip(target, [b" " * 100] * 10, first=target.post(b"{", length=1_000))


async def read_nothing(target: Target) -> None:
    """Ask again and again without reading an answer."""
    await _hold(target, [target.get() * 2_000] * 2)


async def send_many_fields(target: Target) -> None:
    """Send heads of 10,000 fields."""
    await _repeat(target, target.head("GET", "/livez", *(f"x-{n}: y" for n in range(10_000))))


async def send_bombs(target: Target) -> None:
    """Send small bodies that are large once they are unpacked."""
    bomb = gzip.compress(b" " * 10_000_000)
    await _repeat(target, target.post(bomb, "Content-Encoding: gzip"))


async def send_deep_json(target: Target) -> None:
    """Send bodies of brackets."""
    await _repeat(target, target.post(b'{"name":' + b"[" * 100_000))


async def send_huge_integers(target: Target) -> None:
    """Send bodies of digits."""
    body = {"accountSlug": "my-team", "name": "A", "max_tokens": 0}
    await _repeat(target, target.post(json.dumps(body).encode().replace(b"0", b"9" * 100_000)))


async def flood(target: Target) -> None:
    """Send requests without waiting for answers, and read those."""
    async with Raw.open(target) as raw:
        while True:
            raw.writer.write(target.get() * 20)
            for _ in range(20):
                await raw.answer()


ATTACKS: Mapping[str, Attack] = {
    attack.__name__: attack
    for attack in (
        say_nothing,
        begin_heads,
        stall_bodies,
        drip_bodies,
        read_nothing,
        send_many_fields,
        send_bombs,
        send_deep_json,
        send_huge_integers,
        flood,
    )
}


async def _hold(target: Target, requests: Sequence[bytes]) -> None:
    """Send these, each on its own connection, and wait; when the other side ends them, begin again."""
    while True:
        async with contextlib.AsyncExitStack() as stack:
            opened = [await stack.enter_async_context(Raw.open(target)) for _ in requests]
            for raw, request in zip(opened, requests, strict=True):
                raw.writer.write(request)
            await asyncio.sleep(0.5)


async def _drip(target: Target, requests: Sequence[bytes], first: bytes = b"") -> None:
    while True:
        async with contextlib.AsyncExitStack() as stack:
            opened = [await stack.enter_async_context(Raw.open(target)) for _ in requests]
            for raw in opened:
                raw.writer.write(first)
            await asyncio.gather(*(raw.drip(data) for raw, data in zip(opened, requests, strict=True)))


async def _repeat(target: Target, request: bytes) -> None:
    while True:
        async with Raw.open(target) as raw:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                raw.writer.write(request)
                await raw.answer()
        await asyncio.sleep(0.02)  # this machine's other core is the attacker's, and not all of it
