"""HTTP itself: methods, media types, sizes, connections, and what every answer carries."""

import asyncio
import json

import pytest
from tests.contract.api.service import Service
from tests.servers import eventually

BODY = {"accountSlug": "my-team", "name": "A"}


async def raw(service: Service, request: bytes, *, until_closed: bool = False) -> bytes:
    """Send bytes as they are, and return the answer's first bytes, or all that comes until the end."""
    host, _, port = service.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(10):
            writer.write(request)
            return await reader.read() if until_closed else await reader.read(65_536)
    finally:
        writer.close()


def head(service: Service, method: str, path: str, *fields: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {service.own.secret}", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/assistants", "GET, HEAD, POST"),
        ("PUT", "/api/assistants/asst_x", "DELETE, GET, HEAD, PATCH"),
        ("OPTIONS", "/api/phone-numbers", "GET, HEAD, POST"),
        ("POST", "/livez", "GET, HEAD"),
    ],
)
async def test_another_method_is_told_which_are_allowed(service: Service, method: str, path: str, allowed: str) -> None:
    reply = await service.own.send(method, path)

    assert (reply.status, reply.code, reply.headers["Allow"]) == (405, "method_not_allowed", allowed)


@pytest.mark.parametrize("path", ["/", "/api", "/api/assistants/", "/api/nothing", "/api/assistants/a/b", "/%2e%2e"])
async def test_a_path_that_is_not_there_is_not_found(service: Service, path: str) -> None:
    reply = await service.own.send("GET", path)

    assert (reply.status, reply.code) == (404, "not_found")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "", "application/json-patch+json"])
async def test_another_media_type_is_told_which_are_accepted(service: Service, kind: str) -> None:
    headers = {"Content-Type": kind}
    async with service.nothing_appended():
        created = await service.own.send("POST", "/api/assistants", BODY, headers=headers)
        changed = await service.own.send(
            "PATCH", "/api/assistants/asst_01jm0000000000000000000000", BODY, headers=headers
        )

    assert created.status == changed.status == 415
    assert created.headers["Accept"] == "application/json"
    assert changed.headers["Accept-Patch"] == "application/json, application/merge-patch+json"


async def test_a_compressed_body_is_refused(service: Service) -> None:
    async with service.nothing_appended():
        reply = await service.own.send("POST", "/api/assistants", BODY, headers={"Content-Encoding": "gzip"})

    assert reply.status == 415


async def test_a_chunked_body_over_the_limit_is_refused_before_its_end(service: Service) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    request = head(service, "POST", "/api/assistants", "Content-Type: application/json", "Transfer-Encoding: chunked")
    async with service.nothing_appended():
        answer = await raw(service, request + chunk * 5)  # and no end

    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_is_announced_too_long_is_refused_at_once(service: Service) -> None:
    request = head(service, "POST", "/api/assistants", "Content-Type: application/json", "Content-Length: 262145")
    answer = await raw(service, request)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in answer


async def test_a_body_of_exactly_the_limit_is_read(service: Service) -> None:
    body = json.dumps(BODY | {"colour": ""}).encode()
    data = body[:-2] + b"x" * (256 * 1024 - len(body)) + body[-2:]
    reply = await service.own.send("POST", "/api/assistants", data=data)

    assert len(data) == 256 * 1024
    assert reply.issues == {("colour", "unknown_field")}


async def test_a_chunked_body_within_the_limit_is_read(service: Service) -> None:
    body = json.dumps(BODY).encode()
    request = head(service, "POST", "/api/assistants", "Content-Type: application/json", "Transfer-Encoding: chunked")
    answer = await raw(service, request + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_who_waits_to_send_the_body_is_told_to_go_on(service: Service) -> None:
    body = json.dumps(BODY).encode()
    request = head(
        service,
        "POST",
        "/api/assistants",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Expect: 100-continue",
    )
    host, _, port = service.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    async with asyncio.timeout(10):
        writer.write(request)
        told = await reader.readuntil(b"\r\n\r\n")
        writer.write(body)
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "request_", [b"nonsense\r\n\r\n", b"GET /livez HTTP/1.1\r\nA b: c\r\n\r\n", b"\x16\x03\x01\r\n\r\n"]
)
async def test_what_is_no_http_is_answered_in_the_shape_of_every_error(service: Service, request_: bytes) -> None:
    answer = await raw(service, request_, until_closed=True)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "malformed_http"


async def test_a_malformed_chunk_is_answered(service: Service) -> None:
    request = head(service, "POST", "/api/assistants", "Content-Type: application/json", "Transfer-Encoding: chunked")
    async with service.nothing_appended():
        answer = await raw(service, request + b"zz\r\n{}\r\n")

    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_head_is_get_without_the_body(service: Service) -> None:
    assistant = await service.own.create()
    path = f"/api/assistants/{assistant['id']}"
    got, headed = await service.own.send("GET", path), await service.own.send("HEAD", path)

    assert (headed.status, headed.body) == (200, b"")
    assert headed.headers["Content-Length"] == got.headers["Content-Length"] == str(len(got.body))
    assert headed.headers["ETag"] == '"1"'


async def test_an_old_client_s_connection_is_closed_after_the_answer(service: Service) -> None:
    answer = await raw(service, b"GET /livez HTTP/1.0\r\n\r\n", until_closed=True)

    assert b" 200 OK\r\n" in answer
    assert b"Connection: close\r\n" in answer


async def test_requests_sent_at_once_are_answered_in_order(service: Service) -> None:
    requests = b"".join(
        head(service, "GET", path, "Connection: close" if path == "/metrics" else "Accept: */*")
        for path in ("/livez", "/api/nothing", "/metrics")
    )
    answer = await raw(service, requests, until_closed=True)

    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]


async def test_every_answer_has_a_request_id(service: Service) -> None:
    wanted = {"Request-Id": "abc-123"}
    replies = [
        await service.own.send("GET", "/livez"),
        await service.own.send("GET", "/api/nothing"),
        await service.caller(None).send("GET", "/api/phone-numbers"),
        await service.own.send("POST", "/api/assistants", BODY),
    ]
    kept = await service.own.send("GET", "/livez", headers=wanted)
    replaced = await service.own.send("GET", "/livez", headers={"Request-Id": "a b"})

    assert len({reply.headers["Request-Id"] for reply in replies}) == len(replies)
    assert kept.headers["Request-Id"] == "abc-123"
    assert replaced.headers["Request-Id"] != "a b"


async def test_a_write_goes_on_when_its_client_hangs_up(service: Service) -> None:
    """Also where it does so before its key has been looked up: the body has come by then, and is read afterwards."""
    body = json.dumps(BODY).encode()
    keys = [(await service.own.issue())["secret"] for _ in range(5)]
    before = await service.records()
    host, _, port = service.url.removeprefix("http://").partition(":")
    fields = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    for key in keys:
        _, writer = await asyncio.open_connection(host, int(port))
        request = head(service, "POST", "/api/assistants", *fields) + body
        writer.write(request.replace(str(service.own.secret).encode(), key.encode()))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def are_there() -> bool:
        return await service.records() >= before + 5

    await eventually(are_there, 30.0)


async def test_health_needs_no_key(service: Service) -> None:
    live = await service.caller(None).send("GET", "/livez")
    ready = await service.caller(None).send("GET", "/readyz")

    assert (live.json, ready.json) == ({"alive": True, "faults": {}}, {"ready": True, "faults": {}})
