"""Streams of events as connections: refused, kept alive, cut off, ended in time."""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from tests.contract.api.following import follow
from tests.contract.api.service import Caller, Service, is_ready, run_process
from tests.servers import eventually

from patchbay.api.feed.cursors import Cursors
from patchbay.embedded import Running
from patchbay.embedded.ports import free_port


class Copy(msgspec.Struct, frozen=True):
    """Another copy of the API, with settings of its own."""

    caller: Caller
    process: Running


@asynccontextmanager
async def another_copy(service: Service, settings: Mapping[str, str]) -> AsyncIterator[Copy]:
    port = str(free_port())
    environment = {**service.environment, "API_PORT": port, **settings}
    async with run_process(service.start, "patchbay.api", environment) as process:
        caller = service.own.at(f"http://127.0.0.1:{port}")
        await eventually(lambda: is_ready(caller), 30.0)
        yield Copy(caller, process)


@pytest.mark.parametrize(
    ("query", "issues"),
    [
        ("?lastEventId=nonsense", {("lastEventId", "malformed")}),
        ("?lastEventId=AAAA", {("lastEventId", "malformed")}),
        ("?from=yesterday", {("from", "malformed")}),
        ("?type=AssistantUpdated,Nothing", {("type", "unknown_type")}),
        ("?type=", {("type", "unknown_type")}),
        ("?types=AssistantUpdated", {("types", "unknown_parameter")}),
        (
            "?type=A&from=b&lastEventId=c",
            {("type", "unknown_type"), ("from", "malformed"), ("lastEventId", "malformed")},
        ),
        ("?lastEventId=" + Cursors("00" * 32, 2).write([1, 1]), {("lastEventId", "other_log")}),
    ],
)
async def test_what_cannot_be_followed_is_400(service: Service, query: str, issues: set[tuple[str, str]]) -> None:
    assert (await service.own.send("GET", "/api/events" + query)).issues == issues


async def test_an_id_with_positions_of_other_partitions_is_400(service: Service) -> None:
    async with follow(service.own) as following:
        place = following.last_id
    longer = await service.own.send("GET", "/api/events", headers={"Last-Event-ID": place + "AAAA"})
    shorter = await service.own.send("GET", "/api/events", headers={"Last-Event-ID": place[:-4]})

    assert longer.issues == shorter.issues == {("Last-Event-ID", "malformed")}


async def test_who_may_not_follow_is_told_so(service: Service) -> None:
    narrow = service.caller((await service.own.issue(scopes=["assistants:read"]))["secret"])
    replies = [
        await service.caller(None).send("GET", "/api/events"),
        await narrow.send("GET", "/api/events"),
        await service.own.send("GET", "/api/events?accountSlug=other-team"),
        await service.own.send("POST", "/api/events", {}),
    ]

    assert [reply.status for reply in replies] == [401, 403, 403, 405]
    assert replies[3].headers["Allow"] == "GET, HEAD"


async def test_a_key_for_events_alone_follows_them(service: Service) -> None:
    narrow = service.caller((await service.own.issue(scopes=["events:read"]))["secret"])
    async with follow(narrow) as following:
        await service.own.create()
        (told,) = await following.take(1)

    assert told.type == "AssistantCreated"


async def test_a_head_request_opens_no_stream(service: Service) -> None:
    reply = await service.own.send("HEAD", "/api/events")

    assert (reply.status, reply.headers["Content-Type"], reply.body) == (200, "text/event-stream", b"")


async def test_curl_shows_events_at_once(service: Service) -> None:
    process = await asyncio.create_subprocess_exec(
        "curl", "-sN", service.url + "/api/events", "-H", f"Authorization: Bearer {service.own.secret}",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(10):
            retry, place, empty = [await process.stdout.readline() for _ in range(3)]
            assistant = await service.own.create()
            lines = [await process.stdout.readline() for _ in range(4)]
    finally:
        process.terminate()
        await process.communicate()

    assert (retry, place[:4], empty) == (b"retry: 1000\n", b"id: ", b"\n")
    assert (lines[0][:4], lines[1], lines[3]) == (b"id: ", b"event: AssistantCreated\n", b"\n")
    assert json.loads(lines[2].removeprefix(b"data: "))["subject"] == assistant["id"]


async def test_old_clients_get_a_stream_that_ends_with_the_connection(service: Service) -> None:
    """HTTP/1.0 knows no chunks."""
    host, _, port = service.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /api/events HTTP/1.0\r\nAuthorization: Bearer {service.own.secret}\r\n\r\n".encode())
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        begun = await reader.readuntil(b"\n\n")
        await service.own.create()
        told = await reader.readuntil(b"\n\n")
    writer.close()
    await writer.wait_closed()

    assert b"Transfer-Encoding" not in head
    assert begun.startswith(b"retry: 1000\nid: ")
    assert b"\nevent: AssistantCreated\ndata: {" in told


async def test_a_silent_stream_says_that_it_is_alive_and_how_far_it_has_come(service: Service) -> None:
    settings = {"EVENT_HEARTBEAT_SECONDS": "0.2"}
    async with another_copy(service, settings) as copy, follow(copy.caller, "?type=KeyRevoked") as following:
        place = following.last_id
        await copy.caller.create(name="passed over")
        reading = asyncio.create_task(following.end(60))
        await eventually(lambda: following.last_id != place and len(following.comments) > 2)
        reading.cancel()
        await asyncio.wait([reading])
        after = following.last_id
        async with follow(copy.caller, last_id=after) as resumed:
            created = await copy.caller.create(name="told")
            (told,) = await resumed.take(1)

    assert set(following.comments) == {"heartbeat"}
    assert told.data["subject"] == created["id"]


async def test_a_slow_reader_is_cut_off_and_can_resume(service: Service) -> None:
    """It loses nothing: it goes on behind the last event that it has read."""
    settings = {"EVENT_BUFFER_BYTES": "65536"}
    async with another_copy(service, settings) as copy, follow(copy.caller) as slow:
        assistant = await copy.caller.create()
        patched = 0
        deadline = time.monotonic() + 60

        async def streams() -> bytes:
            metrics = (await copy.caller.send("GET", "/metrics")).body
            return next(line for line in metrics.splitlines() if line.startswith(b"patchbay_event_streams "))

        while not (await streams()).endswith(b" 0.0"):
            assert time.monotonic() < deadline, "it was never cut off"
            for _ in range(10):
                patched += 1
                reply = await copy.caller.patch(assistant["id"], system_prompt=f"{patched:05d}" + "x" * 59_000)
                assert reply.status == 200
        before = await slow.end()
        place = slow.last_id
        scraped = (await copy.caller.send("GET", "/metrics")).body
        assert b'patchbay_event_streams_ended_total{reason="slow"} 1.0' in scraped
        async with follow(copy.caller, last_id=place) as resumed:
            after = await resumed.take(patched + 1 - len(before), 30)

    told = [event.data["data"] for event in before + after]
    assert 0 < len(before) < patched
    assert [data["system_prompt"][:5] for data in told[1:]] == [f"{n:05d}" for n in range(1, patched + 1)]


@pytest.mark.parametrize("from_", ["now", "beginning"])
async def test_a_revoked_key_s_stream_ends_within_about_a_second(service: Service, from_: str) -> None:
    key = await service.own.issue(scopes=["events:read"])
    async with follow(service.caller(key["secret"]), f"?from={from_}") as following, follow(service.own) as other:
        reading = asyncio.create_task(following.end())
        await service.own.send("DELETE", f"/api/keys/{key['id']}")
        began = time.monotonic()
        await reading
        took = time.monotonic() - began
        await service.own.create(name="afterwards")
        assert [event.type for event in await other.take(2)] == ["KeyRevoked", "AssistantCreated"]

    assert following.comments == ["the key is no longer in force"]
    assert took < 2


async def test_an_expired_key_s_stream_ends(service: Service) -> None:
    expires_at = datetime.now(UTC) + timedelta(seconds=3)
    key = await service.own.issue(
        scopes=["events:read"], expiresAt=expires_at.isoformat(timespec="microseconds")[:26] + "Z"
    )
    async with follow(service.caller(key["secret"])) as following:
        await following.end()
    ended_at = datetime.now(UTC)

    assert timedelta() <= ended_at - expires_at < timedelta(seconds=2)


async def test_a_key_has_so_many_streams_and_a_copy_too(service: Service) -> None:
    settings = {"EVENT_STREAMS_PER_KEY": "2", "EVENT_STREAMS": "3"}
    another = service.caller((await service.own.issue())["secret"])
    async with another_copy(service, settings) as copy:
        mine, other = copy.caller, another.at(copy.caller.url)
        async with follow(mine), follow(mine), follow(other):
            of_key = await mine.send("GET", "/api/events")
            of_copy = await other.send("GET", "/api/events")

        async def is_free() -> bool:
            with contextlib.suppress(AssertionError):
                async with follow(mine), follow(mine):
                    return True
            return False

        await eventually(is_free)

    assert (of_key.status, of_key.code, of_key.headers["Retry-After"]) == (429, "too_many_streams", "5")
    assert (of_copy.status, of_copy.code, of_copy.headers["Retry-After"]) == (503, "no_more_streams", "5")


async def test_a_copy_that_stops_ends_its_streams_at_once(service: Service) -> None:
    """Whoever followed goes on at another copy."""
    async with another_copy(service, {}) as copy, follow(copy.caller) as following:
        os.kill(copy.process.pid, signal.SIGTERM)
        began = time.monotonic()
        await following.end()
        exit_code = await asyncio.wait_for(copy.process.wait(), 15)
        took = time.monotonic() - began
        created = await service.own.create()
        async with follow(service.own, last_id=following.last_id) as resumed:
            (told,) = await resumed.take(1)

    assert following.comments == ["this copy stops; go on with Last-Event-ID"]
    assert (exit_code, told.data["subject"]) == (0, created["id"])
    assert took < 4
