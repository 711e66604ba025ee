"""The router that docs/router.md shows works as it stands there."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from tests.integration.callrouting.test_subscription import NUMBER, append, routed, written_to
from tests.servers import eventually
from tests.unit.projection.chains import assistant_id

from patchbay.assistants.events import AssistantUpdated, NumberUpdated
from patchbay.embedded import free_port

DOCUMENT: Final = Path(__file__).parents[3] / "docs" / "router.md"
REPLY_SECONDS: Final = 5.0


def program() -> str:
    found = re.search(r"^```python run-as-router\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


class Caller(asyncio.DatagramProtocol):
    """A telephone."""

    def __init__(self) -> None:
        self.replies: asyncio.Queue[str] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - asyncio's signature
        self.replies.put_nowait(data.decode())


@contextlib.asynccontextmanager
async def telephone(port: int) -> AsyncIterator[tuple[asyncio.DatagramTransport, Caller]]:
    loop = asyncio.get_running_loop()
    transport, caller = await loop.create_datagram_endpoint(Caller, remote_addr=("127.0.0.1", port))
    try:
        yield transport, caller
    finally:
        transport.close()


def invite(number: str) -> bytes:
    return (
        f"INVITE sip:{number}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
        f"From: <sip:caller@127.0.0.1>;tag=1\r\nTo: <sip:{number}@127.0.0.1>\r\nCall-ID: 1@127.0.0.1\r\n"
        "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    ).encode()


async def call(port: int, *requests: bytes) -> str:
    """Send requests, and return the first reply."""
    async with telephone(port) as (transport, caller), asyncio.timeout(REPLY_SECONDS):
        for request in requests:
            transport.sendto(request)
        return await caller.replies.get()


@contextlib.asynccontextmanager
async def run_router(kafka: str, topic: str) -> AsyncIterator[int]:
    """Run what the document shows; yield its port."""
    port = free_port()
    environ = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka, "TOPIC": topic, "SIP_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program(), env=environ, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == b"1 numbers at 127.0.0.1:%d\n" % port
        yield port
    finally:
        process.terminate()
        await process.communicate()


def test_it_is_short() -> None:
    """Else it is no example."""
    assert len(program().splitlines()) < 60


async def test_it_sends_each_call_where_the_table_says(kafka: str, topic: str) -> None:
    async with written_to(kafka, topic) as (chains, appender):
        await append(appender, routed(chains))
        async with run_router(kafka, topic) as port:
            reply = await call(port, invite("'; drop"), invite(NUMBER))
            assert reply.startswith("SIP/2.0 302 Moved Temporarily\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n")
            assert f"\r\nContact: <sip:{assistant_id(1)}@voice.example.com>\r\n" in reply
            assert re.search(r"\r\nTo: <sip:\+15550001@127\.0\.0\.1>;tag=[0-9a-f]{8}\r\n", reply)
            assert (await call(port, invite("+15559999"))).startswith("SIP/2.0 404 ")

            account, number = chains.account("acme"), chains.number(NUMBER)
            silenced = AssistantUpdated(assistant_id=assistant_id(1), inbound_enabled=False)
            await append(appender, [chains.seal(account, silenced)])
            await eventually(lambda: answers(port, "SIP/2.0 480 "))
            redirected = NumberUpdated(number_id=number, fallback="+15551000")
            await append(appender, [chains.seal(number, redirected)])
            await eventually(lambda: answers(port, "SIP/2.0 302 "))

            assert "\r\nContact: <sip:+15551000@voice.example.com>\r\n" in await call(port, invite(NUMBER))


async def answers(port: int, beginning: str) -> bool:
    return (await call(port, invite(NUMBER))).startswith(beginning)
