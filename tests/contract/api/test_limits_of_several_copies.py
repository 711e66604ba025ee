"""A key's limit holds over all copies of the API, survives their restarts, and tells when the key was last used."""

import asyncio
import secrets
import time
from pathlib import Path
from typing import Any

import pytest
from tests.contract.api.copies import Copy, another_copy
from tests.contract.api.service import Caller, Service
from tests.servers import eventually

from patchbay.postgres import open_connection

SHARED_SECONDS = 10.0  # it takes less than one; a busy machine is no fault


async def remaining(caller: Caller) -> int:
    """Use one request, and return how many are left."""
    reply = await caller.send("GET", "/api/phone-numbers?limit=1")
    assert reply.status in (200, 429), reply.body
    return int(reply.headers["RateLimit"].split(";r=")[1].split(";")[0])


async def hears(caller: Caller, used: int, limit: int) -> int:
    """Return how often it was asked until the copy knew of so many used requests, those of asking aside."""
    asked = 0

    async def knows() -> bool:
        nonlocal asked
        asked += 1
        return limit - await remaining(caller) - asked >= used

    assert await eventually(knows, SHARED_SECONDS)
    return asked


async def use_up(caller: Caller, times: int) -> None:
    replies = await asyncio.gather(*(caller.send("GET", "/api/phone-numbers?limit=1") for _ in range(times)))
    assert {reply.status for reply in replies} == {200}


async def test_what_is_used_at_one_copy_is_used_at_all(service: Service, second: Copy) -> None:
    """Both together let through what the limit says, and not one more."""
    limit = 100
    key = await service.own.issue(requestsPerHour=limit)
    here = service.caller(key["secret"])
    there = here.at(second.url)
    await use_up(here, 30)
    asked = await hears(there, 30, limit)
    await use_up(there, limit - 30 - asked)

    assert (await there.send("GET", "/api/phone-numbers?limit=1")).status == 429
    assert await eventually(lambda: recorded(service, key["id"], limit), SHARED_SECONDS)
    await hears(here, 70, limit)


async def test_a_copy_that_starts_anew_still_knows_what_was_used(service: Service, tmp_path: Path) -> None:
    """Also what was used at nobody but itself."""
    limit = 1_000
    key = await service.own.issue(requestsPerHour=limit)
    async with another_copy(service, tmp_path / "first.log") as copy:
        await use_up(service.caller(key["secret"]).at(copy.url), 30)
        await eventually(lambda: recorded(service, key["id"], 30), SHARED_SECONDS)
    async with another_copy(service, tmp_path / "second.log") as copy:
        again = service.caller(key["secret"]).at(copy.url)

        assert await hears(again, 30, limit)


async def test_a_copy_that_was_cut_off_hears_what_it_missed(service: Service, second: Copy) -> None:
    limit = 1_000
    key = await service.own.issue(requestsPerHour=limit)
    here = service.caller(key["secret"])
    async with open_connection(service.environment["DATABASE_URL"], name="test") as connection:
        cut = await connection.fetchval(
            """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'patchbay listen patchbay_usage'"""
        )
    await use_up(here, 50)

    assert cut >= 3  # two copies and the projector
    assert await hears(here.at(second.url), 50, limit)
    assert await eventually(lambda: recorded(service, key["id"], 50), 2 * SHARED_SECONDS)


async def test_what_anybody_notifies_does_no_harm(service: Service, second: Copy) -> None:
    key = await service.own.issue(requestsPerHour=100)
    payloads = [
        "x",
        "{",
        '{"ask":true}',
        '{"copy":"0","counts":[]}',
        "[" * 4_000,
        '{"copy":"0123456789abcdef","counts":[1]}',
    ]
    async with open_connection(service.environment["DATABASE_URL"], name="test") as connection:
        for payload in payloads:
            await connection.execute("SELECT pg_notify('patchbay_usage', $1)", payload)

    await use_up(service.caller(key["secret"]), 5)
    assert await hears(service.caller(key["secret"]).at(second.url), 5, 100)


@pytest.mark.parametrize("limit", [100, None])
async def test_a_key_s_last_use_is_told(service: Service, second: Copy, limit: int | None) -> None:
    key = await service.own.issue(requestsPerHour=limit)
    before = time.time()
    unused = await last_used(service, key["id"])
    await use_up(service.caller(key["secret"]).at(second.url), 1)

    async def is_told() -> bool:
        return await last_used(service, key["id"]) is not None

    assert unused is None
    assert await eventually(is_told, SHARED_SECONDS)
    told = await last_used(service, key["id"])
    assert told.endswith(".000000Z")
    assert told >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before - 1))


async def last_used(service: Service, key_id: str) -> Any:
    keys = (await service.own.send("GET", "/api/keys?limit=200")).json["keys"]
    return next(key["last_used_at"] for key in keys if key["id"] == key_id)


async def recorded(service: Service, key_id: str, amount: int) -> bool:
    """True once so much stands in the table."""
    async with open_connection(service.environment["DATABASE_URL"], name="test") as connection:
        found = await connection.fetchval("SELECT sum(amount) FROM usage.counts WHERE id = $1", key_id)
    return (found or 0) >= amount


async def test_an_account_writes_no_more_than_it_may_whichever_copy_it_meets(service: Service, tmp_path: Path) -> None:
    """What is refused or changes nothing does not count, and reading goes on."""
    slug = f"limited-{secrets.token_hex(4)}"
    assert (await service.operator.send("POST", "/api/accounts", {"accountSlug": slug})).status == 200
    operator = Caller(service.operator.session, service.url, service.operator.secret, slug)
    key = await operator.issue()
    settings = {"ACCOUNT_WRITES_PER_HOUR": "6", "ACCOUNT_WRITE_BYTES_PER_HOUR": "1000000"}
    async with (
        another_copy(service, tmp_path / "1.log", **settings) as one,
        another_copy(service, tmp_path / "2.log", **settings) as two,
    ):
        here = Caller(service.operator.session, one.url, key["secret"], slug)
        there = here.at(two.url)
        assistant = await here.create()
        for _ in range(10):
            assert (await here.patch(assistant["id"], name=assistant["name"])).status == 200
            assert (await here.patch(assistant["id"], nothing=1)).status == 400
        for number in range(4):
            assert (await here.patch(assistant["id"], name=f"name {number}")).status == 200
        key_of_the_last = {"Idempotency-Key": f"last-{slug}"}
        last = await here.patch(assistant["id"], key_of_the_last, name="the last")
        refused = await here.patch(assistant["id"], name="one too many")
        repeated = await here.patch(assistant["id"], key_of_the_last, name="the last")
        another = await here.patch(assistant["id"], key_of_the_last, name="one too many")
        new = await here.patch(assistant["id"], {"Idempotency-Key": f"new-{slug}"}, name="one too many")

        async def cannot_write() -> bool:
            return (await there.patch(assistant["id"], name=f"name {secrets.token_hex(4)}")).status == 429

        assert (refused.status, refused.code) == (429, "write_limited")
        assert (last.status, repeated.status, repeated.body) == (200, 200, last.body)  # 429 would say it was not done
        assert (another.status, new.status) == (422, 429)
        assert 0 < int(refused.headers["Retry-After"]) <= 3_600 + 120 + 1
        assert await eventually(cannot_write, SHARED_SECONDS)
        assert (await there.send("GET", f"/api/assistants/{assistant['id']}")).status == 200
        assert (await operator.at(one.url).patch(assistant["id"], name="by an operator")).status == 200


async def test_a_release_that_meets_the_limit_half_way_says_so(service: Service, tmp_path: Path) -> None:
    slug = f"limited-{secrets.token_hex(4)}"
    assert (await service.operator.send("POST", "/api/accounts", {"accountSlug": slug})).status == 200
    operator = Caller(service.operator.session, service.url, service.operator.secret, slug)
    key, number = await operator.issue(), await operator.register()
    async with another_copy(service, tmp_path / "1.log", ACCOUNT_WRITES_PER_HOUR="3") as one:
        here = Caller(service.operator.session, one.url, key["secret"], slug)
        assistant = await here.create()
        path = f"/api/assistants/{assistant['id']}/telephony/phone-numbers"
        assert (await here.send("PATCH", path, {"accountSlug": slug, "phoneNumberIds": [number["id"]]})).status == 200
        cut = await here.send("DELETE", f"/api/phone-numbers/{number['id']}")
        left = await here.send("GET", path)
        done = await operator.at(one.url).send("DELETE", f"/api/phone-numbers/{number['id']}")

    assert (cut.status, cut.code) == (503, "unfinished")
    assert left.json["phoneNumberIds"] == []
    assert done.status == 200
