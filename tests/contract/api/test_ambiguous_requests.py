"""Bytes that two readers could take for different requests: refused, and the connection closed."""

import gzip
import json

import pytest
from tests.contract.api.attacking import Raw, Target
from tests.contract.api.service import Service

CHUNKED = "Transfer-Encoding: chunked"
BODY = b"2\r\n{}\r\n0\r\n\r\n"
SMUGGLED = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


def target_of(service: Service) -> Target:
    return Target(service.own, "/livez")


async def answers(service: Service, request: bytes) -> list[int]:
    """Return the statuses of all that is answered until the connection is closed by the API."""
    async with Raw.open(target_of(service)) as raw:
        raw.writer.write(request)
        received = await raw.rest()
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 2", CHUNKED),
        (CHUNKED, "Content-Length: 2"),
        ("Content-Length: 2", "Content-Length: 2"),
        ("Content-Length: 2", "Content-Length: 30"),
        ("Content-Length: 2, 2",),
        ("Content-Length: +2",),
        ("Content-Length: -2",),
        ("Content-Length: 0x2",),
        ("Content-Length: 99999999999999999999999",),
        ("Transfer-Encoding: gzip",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: chunked, gzip",),
        ("Transfer-Encoding: xchunked",),
        (CHUNKED, CHUNKED),
        ("Transfer-Encoding : chunked",),
        ("A: b\r\n c",),
        ("A: b\0c",),
        ("A\0: b",),
        ("A: b\rc",),
        ("A: b\nB: c",),
        ("A b: c",),
        ("Host: y",),
    ],
)
async def test_a_head_that_can_be_read_in_two_ways_is_refused(service: Service, fields: tuple[str, ...]) -> None:
    request = target_of(service).head("POST", "/api/assistants", "Content-Type: application/json", *fields)

    assert await answers(service, request + BODY + SMUGGLED) == [400]


@pytest.mark.parametrize("size", [b"zz", b"-2", b"0x2", b"+2", b"2 ", b"", b"1", b"3", b"fffffffffffffffff"])
async def test_a_chunk_of_another_size_than_it_says_is_refused(service: Service, size: bytes) -> None:
    request = target_of(service).head("POST", "/api/assistants", "Content-Type: application/json", CHUNKED)

    assert await answers(service, request + size + b"\r\n{}\r\n0\r\n\r\n" + SMUGGLED) == [400]


async def test_an_old_client_knows_no_chunks(service: Service) -> None:
    request = target_of(service).head("POST", "/api/assistants", "Content-Type: application/json", CHUNKED)

    assert await answers(service, request.replace(b"HTTP/1.1", b"HTTP/1.0") + BODY + SMUGGLED) == [400]


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(10_000)) + b"\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"b" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\nHost: x\n\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=["10,000 fields", "a long field", "a long line", "no host", "bare line feeds", "another version"],
)
async def test_a_head_beyond_bounds_is_refused(service: Service, request_: bytes) -> None:
    assert await answers(service, request_) == [400]


async def test_a_bomb_is_refused_unopened(service: Service) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    target = target_of(service)
    async with Raw.open(target) as raw:
        raw.writer.write(target.post(bomb, "Content-Encoding: gzip"))
        status, body = await raw.answer()

    assert (status, json.loads(body)["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"name":' + b"[" * 200_000, "too_deep"),
        (b'{"name":' * 30_000, "too_deep"),
        (b'{"max_tokens":' + b"9" * 200_000 + b"}", "malformed_json"),
        (b'{"temperature":1e999999999}', "out_of_range"),
    ],
)
async def test_json_beyond_reason_is_a_bad_request(service: Service, body: bytes, code: str) -> None:
    reply = await service.own.send("POST", "/api/assistants", data=body)

    assert (reply.status, code in {issue["code"] for issue in reply.json["issues"]}) == (400, True), reply.json
