"""A SIP caller: sends an INVITE to a number, and tells what was answered to exactly that one."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

RETRANSMIT_SECONDS = 0.5  # T1 of RFC 3261, 17.1.1.2
ANSWER_SECONDS = 32.0  # 64 T1: when a carrier gives up


class SipAnswer(msgspec.Struct, frozen=True):
    """A final answer."""

    status: int
    fields: Mapping[str, str]  # by lower-case name

    @property
    def contact(self) -> str | None:
        """The URI that the caller is sent to."""
        contact = self.fields.get("contact")
        return None if contact is None else contact.removeprefix("<").removesuffix(">")

    @property
    def is_of_copy(self) -> bool:
        """True if the router could not reach the table and answered by its copy."""
        return self.fields.get("x-patchbay-table") == "copy"

    @property
    def told(self) -> tuple[int, str | None]:
        """Where the call goes: status and URI."""
        return self.status, self.contact


class Caller(asyncio.DatagramProtocol):
    """Calls over UDP, many at the same time."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[SipAnswer]] = {}
        self._transport: Any = None  # a DatagramTransport by its methods, not by its class

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the socket."""
        self._transport = transport

    def error_received(self, _: Exception) -> None:
        """Pass over that nobody listens: whoever waits sends again, and gives up in time."""

    def datagram_received(self, data: bytes, _: object) -> None:
        """Hand an answer to whoever waits for it."""
        head, *lines = data.decode("latin-1").partition("\r\n\r\n")[0].split("\r\n")
        fields = {name.lower().strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        waiting = self._waiting.get(fields.get("call-id", ""))
        if waiting is not None and not waiting.done():
            waiting.set_result(SipAnswer(int(head.split(" ")[1]), fields))

    async def invite(self, user: str) -> SipAnswer:
        """Call a number, acknowledge the final answer and return it."""
        return await self.request("INVITE", user)

    async def request(self, method: str, user: str) -> SipAnswer:
        """
        Send a request, again until it is answered, and return the answer.

        Raises:
            TimeoutError: There was none.
        """
        host, port = self._transport.get_extra_info("sockname")[:2]
        call_id, branch = secrets.token_hex(12), f"z9hG4bK{secrets.token_hex(8)}"
        uri = f"sip:{user}@{host}"

        def written(method: str, to: str) -> bytes:
            lines = (
                f"{method} {uri} SIP/2.0",
                f"Via: SIP/2.0/UDP {host}:{port};branch={branch}",
                f"From: <sip:carrier@{host}>;tag={call_id[:8]}",
                f"To: {to}",
                f"Call-ID: {call_id}",
                f"CSeq: 1 {method}",
                f"Contact: <sip:carrier@{host}:{port}>",
                "Max-Forwards: 70",
                "Content-Length: 0",
            )
            return "\r\n".join([*lines, "", ""]).encode()

        waiting = self._waiting[call_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while not waiting.done():
                    self._transport.sendto(written(method, "<sip:callee@patchbay.test>"))
                    await asyncio.wait([waiting], timeout=RETRANSMIT_SECONDS)
            answer: SipAnswer = waiting.result()
        finally:
            del self._waiting[call_id]
        if method == "INVITE":
            self._transport.sendto(written("ACK", answer.fields["to"]))
        return answer


@contextlib.asynccontextmanager
async def open_caller(port: int) -> AsyncIterator[Caller]:
    """Give a caller of whoever listens on this port of loopback."""
    loop = asyncio.get_running_loop()
    transport, caller = await loop.create_datagram_endpoint(Caller, remote_addr=("127.0.0.1", port))
    try:
        yield caller
    finally:
        transport.close()
