"""Keys: who is let in, and for what."""

import asyncio
import time

import pytest
from tests.contract.api.service import OPERATOR_SECRET, Service
from tests.servers import eventually


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer nope",
        "Bearer tk_live_00000000000000000000000000000000",
        "Bearer " + "x" * 5_000,
        "Basic dXNlcjpwYXNz",
        "Bearer \xff\xfe",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/api/assistants"), ("GET", "/api/assistants/asst_x"), ("DELETE", "/api/keys/key_x")]
)
async def test_without_a_key_that_is_known_nobody_is_let_in(
    service: Service, authorization: str | None, method: str, path: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    body = {"accountSlug": "my-team", "name": "A"} if method == "POST" else None
    async with service.nothing_appended():
        reply = await service.caller(None).send(method, path, body, headers=headers)

    assert (reply.status, reply.json["error"], reply.code) == (401, "Unauthorized", "unauthorized")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


async def test_the_scheme_s_case_does_not_matter(service: Service) -> None:
    reply = await service.caller(None).send(
        "GET", "/api/phone-numbers", headers={"Authorization": f"bEARER {service.own.secret}"}
    )

    assert reply.status == 200


async def test_a_revoked_key_is_refused_within_a_second(service: Service) -> None:
    key = await service.own.issue()
    caller = service.caller(key["secret"])
    assert (await caller.send("GET", "/api/phone-numbers")).status == 200
    revoked = await service.own.send("DELETE", f"/api/keys/{key['id']}")
    since = time.monotonic()

    async def is_refused() -> bool:
        return (await caller.send("GET", "/api/phone-numbers")).status == 401

    await eventually(is_refused, 1.0)

    assert revoked.status == 200
    assert time.monotonic() - since <= 1.0
    async with service.nothing_appended():
        assert (await caller.send("POST", "/api/assistants", {"accountSlug": "my-team", "name": "A"})).status == 401


async def test_revoking_twice_changes_nothing(service: Service) -> None:
    key = await service.own.issue()
    first = await service.own.send("DELETE", f"/api/keys/{key['id']}")
    async with service.nothing_appended():
        second = await service.own.send("DELETE", f"/api/keys/{key['id']}")

    assert first.json == second.json


async def test_an_expired_key_is_refused(service: Service) -> None:
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    key = await service.own.issue(expiresAt=soon)
    caller = service.caller(key["secret"])
    assert (await caller.send("GET", "/api/phone-numbers")).status == 200

    async def is_refused() -> bool:
        return (await caller.send("GET", "/api/phone-numbers")).status == 401

    assert await eventually(is_refused, 4.0)


@pytest.mark.parametrize("expires_at", ["2020-01-01T00:00:00Z", "tomorrow", 7, "2027-01-01T00:00:00"])
async def test_a_key_cannot_be_issued_for_the_past(service: Service, expires_at: object) -> None:
    async with service.nothing_appended():
        reply = await service.own.send(
            "POST", "/api/keys", {"accountSlug": "my-team", "name": "k", "expiresAt": expires_at}
        )

    assert {path for path, _ in reply.issues} == {"expiresAt"}


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (["assistants:read"], "POST", "/api/assistants", 403),
        (["assistants:read"], "GET", "/api/assistants/asst_01jm0000000000000000000000", 404),
        (["assistants:write"], "GET", "/api/assistants/asst_01jm0000000000000000000000", 403),
        (["assistants:*"], "GET", "/api/assistants/asst_01jm0000000000000000000000", 404),
        (["assistants:*"], "GET", "/api/phone-numbers", 403),
        (["phone-numbers:read"], "GET", "/api/phone-numbers", 200),
        (["phone-numbers:read"], "DELETE", "/api/phone-numbers/pn_01jm0000000000000000000000", 403),
        (["*"], "GET", "/api/accounts", 403),
        (["*"], "POST", "/api/accounts", 403),
        (["keys:read"], "GET", "/api/keys", 200),
        (["keys:read"], "POST", "/api/keys", 403),
    ],
)
async def test_a_key_may_do_what_its_scopes_say(
    service: Service, scopes: list[str], method: str, path: str, status: int
) -> None:
    caller = service.caller((await service.own.issue(scopes=scopes))["secret"])
    body = {"accountSlug": "my-team", "name": "A"} if method == "POST" else None

    assert (await caller.send(method, path, body)).status == status


async def test_a_key_issues_none_that_can_do_more_than_itself(service: Service) -> None:
    caller = service.caller((await service.own.issue(scopes=["keys:write", "assistants:read"]))["secret"])
    body = {"accountSlug": "my-team", "name": "k", "requestsPerHour": None}
    async with service.nothing_appended():
        refused = await caller.send("POST", "/api/keys", body | {"scopes": ["*"]})
    issued = await caller.send("POST", "/api/keys", body | {"scopes": ["assistants:read"]})

    assert (refused.status, refused.code) == (403, "beyond_own_power")
    assert issued.status == 200


async def test_an_account_s_key_issues_none_for_operators(service: Service) -> None:
    async with service.nothing_appended():
        reply = await service.own.send("POST", "/api/keys", {"name": "k", "operators": True})

    assert (reply.status, reply.code) == (403, "operators_only")


async def test_an_operator_s_key_can_be_issued_used_and_revoked(service: Service) -> None:
    body = {"name": "ops", "operators": True, "requestsPerHour": None}
    key = (await service.operator.send("POST", "/api/keys", body)).json["key"]
    caller = service.caller(key["secret"])
    accounts = await caller.send("GET", "/api/accounts")
    listed = await service.operator.send("GET", "/api/keys?limit=200")
    revoked = await service.operator.send("DELETE", f"/api/keys/{key['id']}")

    assert key["account_id"] is None
    assert {account["slug"] for account in accounts.json["accounts"]} >= {"my-team", "other-team"}
    assert key["id"] in {each["id"] for each in listed.json["keys"]}
    assert revoked.status == 200
    assert (await service.own.send("DELETE", f"/api/keys/{key['id']}")).status == 403


async def test_a_key_of_another_account_cannot_be_revoked_or_seen(service: Service) -> None:
    key = await service.other.issue()
    async with service.nothing_appended():
        revoked = await service.own.send("DELETE", f"/api/keys/{key['id']}")
    listed = await service.own.send("GET", "/api/keys?limit=200")

    assert revoked.status == 403
    assert key["id"] not in {each["id"] for each in listed.json["keys"]}


async def test_a_secret_is_shown_once_and_kept_nowhere(service: Service) -> None:
    key = await service.own.issue(mode="test")
    listed = await service.own.send("GET", "/api/keys?limit=200")

    assert key["secret"].startswith("tk_test_")
    assert key["secret"].encode() not in listed.body
    assert key["hint"] == key["secret"][: len(key["hint"])]


async def test_a_key_has_an_hourly_limit_that_it_is_told_of(service: Service) -> None:
    key = await service.own.issue(requestsPerHour=3)
    caller = service.caller(key["secret"])
    replies = [await caller.send("GET", "/api/phone-numbers") for _ in range(4)]

    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert [reply.headers["RateLimit"].split(";")[1] for reply in replies] == ["r=2", "r=1", "r=0", "r=0"]
    assert {reply.headers["RateLimit-Policy"] for reply in replies} == {'"hourly";q=3;w=3600'}
    assert (replies[3].code, int(replies[3].headers["Retry-After"]) > 0) == ("rate_limited", True)


async def test_a_key_without_a_limit_is_told_of_none(service: Service) -> None:
    assert "RateLimit" not in (await service.own.send("GET", "/api/phone-numbers")).headers


async def test_a_key_has_a_thousand_requests_an_hour_unless_said_otherwise(service: Service) -> None:
    reply = await service.own.send("POST", "/api/keys", {"accountSlug": "my-team", "name": "k"})

    assert reply.json["key"]["requests_per_hour"] == 1_000


async def test_opening_an_account_again_changes_nothing(service: Service) -> None:
    async with service.nothing_appended():
        again = await service.operator.send("POST", "/api/accounts", {"accountSlug": "my-team", "name": "My-Team"})
        renamed = await service.operator.send("POST", "/api/accounts", {"accountSlug": "my-team", "name": "Other"})

    assert (again.status, again.json["account"]["slug"]) == (200, "my-team")
    assert renamed.status == 409


async def test_an_account_that_nobody_has_opened_is_not_found(service: Service) -> None:
    body = {"accountSlug": "not-opened", "name": "A"}
    async with service.nothing_appended():
        replies = await asyncio.gather(
            service.operator.send("POST", "/api/assistants", body),
            service.operator.send("POST", "/api/keys", body),
            service.operator.send(
                "POST", "/api/phone-numbers", {"accountSlug": "not-opened", "phoneNumber": "+4930123456"}
            ),
            service.operator.send("GET", "/api/phone-numbers?accountSlug=not-opened"),
        )

    assert {(reply.status, reply.code) for reply in replies} == {(404, "account_not_opened")}


async def test_nothing_secret_is_told_by_the_metrics(service: Service) -> None:
    reply = await service.caller(None).send("GET", "/metrics")

    assert reply.status == 200
    assert b"patchbay_requests_total" in reply.body
    assert OPERATOR_SECRET.encode() not in reply.body
