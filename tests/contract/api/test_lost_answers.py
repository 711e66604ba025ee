"""Answers that get lost: whoever sends a write again gets its one effect, and its answer."""

import asyncio
import json
import os
import secrets
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from random import Random
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from tests.contract.api.every_write import WRITES, Request, request_of
from tests.contract.api.service import Reply, Service
from tests.thoroughness import rounds

from patchbay.projection.history import decode_headers

ROUNDS = int(os.environ.get("LOST_ANSWERS") or rounds(80, 250))  # 1,000 before a release: see CONTRIBUTING
AT_ONCE = 24
TRIES = 200  # until there is an answer that is definite
RELEASE = ("DELETE", "/api/phone-numbers/{id}")  # two events: the account's stream lets go, then the number's


async def lose(request: Request, url: str, headers: Mapping[str, str], random: Random) -> None:
    """Send a request, and be gone: before its end, right after it, or at some moment while it is answered."""
    body = b"" if request.body is None else json.dumps(request.body).encode()
    fields = {
        "Host": "127.0.0.1",
        "Authorization": f"Bearer {request.caller.secret}",
        "Content-Length": str(len(body)),
        **({"Content-Type": "application/json"} if body else {}),
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    octets = f"{request.method} {request.path} HTTP/1.1\r\n{lines}\r\n".encode() + body
    if random.random() < 0.1:
        octets = octets[: random.randrange(len(octets))]
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    try:
        writer.write(octets)
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(random.choice((0, 0.001, 0.005, 0.02, 0.05))):
                await writer.drain()
                await reader.read(random.choice((1, 40, 4_000)))
    finally:
        writer.transport.abort()


async def insist(request: Request, headers: Mapping[str, str]) -> Reply:
    """Send a request until its answer is definite."""
    for _ in range(TRIES):
        reply = await request.send(headers=headers)
        if reply.status not in (202, 503):
            break
    return reply


def told(reply: Reply) -> Any:
    """Return what an answer tells, but for what is shown once."""
    body = reply.json
    if "key" in body:
        body["key"].pop("secret", None)
    return reply.status, body, reply.headers.get("ETag")


async def test_a_retry_of_any_write_whose_answer_was_lost_has_one_effect_and_one_answer(
    service: Service, elsewhere: str
) -> None:
    """Again and again, over all writes that there are, at two copies of the API."""
    expected: Counter[str] = Counter()
    room = asyncio.Semaphore(AT_ONCE)

    async def take_turn(turn: int) -> None:
        random = Random(turn)
        write = WRITES[turn % len(WRITES)]
        async with room:
            request = await request_of(service, *write)
            mark = f"turn {turn} {secrets.token_hex(6)}"
            headers = {"Idempotency-Key": secrets.token_hex(8), "Patchbay-Reason": mark}
            expected[mark] = 2 if write == RELEASE else 1
            copies = [request, Request(request.caller.at(elsewhere), request.method, request.path, request.body)]
            for _ in range(random.choice((1, 1, 2))):
                await lose(request, random.choice((service.url, elsewhere)), headers, random)
            random.shuffle(copies)
            again = await insist(copies[0], headers)
            once_more = await insist(copies[1], headers)
        assert again.status == 200, (write, again.body)
        assert told(once_more) == told(again), write
        assert "secret" not in once_more.json.get("key", {}), "what is shown once is not shown again"

    async with asyncio.TaskGroup() as group:
        for turn in range(ROUNDS):
            group.create_task(take_turn(turn))

    assert await effects(service) == expected


async def effects(service: Service) -> Counter[str]:
    """Return how many accepted events each turn led to."""
    connection = await asyncpg.connect(service.environment["DATABASE_URL"])
    try:
        rows = await connection.fetch("SELECT headers FROM history.events")
    finally:
        await connection.close()
    reasons = [(dict(decode_headers(row["headers"])).get("ce_reason") or b"").decode() for row in rows]
    return Counter(reason for reason in reasons if reason.startswith("turn "))
