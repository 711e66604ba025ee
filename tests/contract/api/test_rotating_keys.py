"""A new key in the place of one, and what a key is told of itself."""

import secrets
from typing import Any

import pytest
from tests.contract.api.service import Caller, Reply, Service
from tests.servers import eventually


async def rotate(caller: Caller, key_id: str, headers: dict[str, str] | None = None, **fields: Any) -> Reply:
    body = {"accountSlug": "my-team", **fields}
    return await caller.send("POST", f"/api/keys/{key_id}/rotate", body, headers=headers)


async def listed(service: Service, key_id: str) -> Any:
    keys = (await service.own.send("GET", "/api/keys?limit=200")).json["keys"]
    return next(key for key in keys if key["id"] == key_id)


async def status_of(caller: Caller) -> int:
    return (await caller.send("GET", "/api/phone-numbers")).status


async def test_both_keys_are_accepted_during_the_overlap(service: Service) -> None:
    old = await service.own.issue(name="crm", scopes=["phone-numbers:read"], requestsPerHour=50, mode="test")
    reply = await rotate(service.own, old["id"], overlapSeconds=600)
    new = reply.json["key"]
    shown = await listed(service, old["id"])

    assert reply.status == 200
    assert (new["name"], new["scopes"], new["requests_per_hour"]) == ("crm", ["phone-numbers:read"], 50)
    assert new["secret"].startswith("tk_test_")
    assert new["replaces"] == {"key_id": old["id"], "expires_at": shown["expires_at"]}
    assert (shown["replaced_by"], shown["revoked_at"]) == (new["id"], None)
    assert [await status_of(service.caller(key["secret"])) for key in (old, new)] == [200, 200]


async def test_without_an_overlap_the_old_key_ends_within_a_second(service: Service) -> None:
    old = await service.own.issue()
    caller = service.caller(old["secret"])
    assert await status_of(caller) == 200
    new = (await rotate(service.own, old["id"], overlapSeconds=0)).json["key"]

    async def is_refused() -> bool:
        return await status_of(caller) == 401

    assert await eventually(is_refused, 1.0)
    assert await status_of(service.caller(new["secret"])) == 200


async def test_a_rotation_is_one_event(service: Service) -> None:
    old = await service.own.issue()
    before = await service.records()
    await rotate(service.own, old["id"])

    assert await service.records() == before + 1


async def test_a_key_may_rotate_itself_but_not_beyond_its_power(service: Service) -> None:
    soon, later = "2100-01-01T00:00:00.000000Z", "2100-01-02T00:00:00.000000Z"
    key = await service.own.issue(scopes=["keys:write"], expiresAt=soon)
    caller = service.caller(key["secret"])
    wider = await service.own.issue(scopes=["*"], expiresAt=soon)
    async with service.nothing_appended():
        longer = await rotate(caller, key["id"], expiresAt=later)
        other = await rotate(caller, wider["id"])
    own = await rotate(caller, key["id"])

    assert {(reply.status, reply.code) for reply in (longer, other)} == {(403, "beyond_own_power")}
    assert (own.status, own.json["key"]["expires_at"]) == (200, soon)


async def test_a_replaced_key_s_end_is_not_taken_for_its_power(service: Service) -> None:
    """A key that ends cannot make of a replaced one a key that does not."""
    endless = await service.own.issue(scopes=["keys:write"])
    await rotate(service.own, endless["id"], overlapSeconds=60)
    ending = await service.own.issue(scopes=["keys:write"], expiresAt="2100-01-01T00:00:00Z")
    reply = await rotate(service.caller(ending["secret"]), endless["id"])

    assert (reply.status, reply.code) == (403, "beyond_own_power")


async def test_replaced_twice_a_key_ends_at_the_earlier_end(service: Service) -> None:
    old = await service.own.issue()
    first = (await rotate(service.own, old["id"], overlapSeconds=60)).json["key"]
    second = (await rotate(service.own, old["id"], overlapSeconds=6_000)).json["key"]
    shown = await listed(service, old["id"])

    assert shown["expires_at"] == first["replaces"]["expires_at"] < second["replaces"]["expires_at"]
    assert second["expires_at"] is None


async def test_a_repetition_gets_the_first_key_without_its_secret(service: Service) -> None:
    old = await service.own.issue()
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    first = (await rotate(service.own, old["id"], headers)).json["key"]
    async with service.nothing_appended():
        again = (await rotate(service.own, old["id"], headers)).json["key"]

    assert again == {name: value for name, value in first.items() if name != "secret"}


async def test_a_key_that_is_not_in_force_or_not_there_is_not_replaced(service: Service) -> None:
    revoked, theirs = await service.own.issue(), await service.other.issue()
    await service.own.send("DELETE", f"/api/keys/{revoked['id']}")
    async with service.nothing_appended():
        replies = [
            await rotate(service.own, revoked["id"]),
            await rotate(service.own, theirs["id"]),
            await rotate(service.own, "key_01jm0000000000000000000000"),
            await rotate(service.own, "tk_live_0000"),
            await service.operator.send("POST", f"/api/keys/{theirs['id']}/rotate", {"operators": True}),
        ]

    assert [(reply.status, reply.code) for reply in replies] == [
        (409, "key_not_in_force"),
        (403, "other_account"),
        (404, "not_found"),
        (404, "not_found"),
        (403, "other_account"),
    ]
    assert b"tk_live_0000" not in replies[3].body


@pytest.mark.parametrize(
    ("fields", "issue"),
    [
        ({"overlapSeconds": -1}, ("overlapSeconds", "out_of_range")),
        ({"overlapSeconds": 604_801}, ("overlapSeconds", "out_of_range")),
        ({"overlapSeconds": "60"}, ("overlapSeconds", "wrong_type")),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, ("expiresAt", "in_the_past")),
        ({"scopes": ["*"]}, ("scopes", "unknown_field")),
        ({"operators": True}, ("accountSlug", "contradiction")),
    ],
)
async def test_what_a_rotation_cannot_be_is_told(
    service: Service, fields: dict[str, Any], issue: tuple[str, str]
) -> None:
    key = await service.own.issue()
    async with service.nothing_appended():
        assert (await rotate(service.own, key["id"], **fields)).issues == {issue}


async def test_an_operators_key_is_replaced_and_revokes_itself(service: Service) -> None:
    body = {"name": "ops", "operators": True, "requestsPerHour": None}
    old = (await service.operator.send("POST", "/api/keys", body)).json["key"]
    reply = await service.operator.send("POST", f"/api/keys/{old['id']}/rotate", {"operators": True})
    new = reply.json["key"]
    revoked = await service.caller(new["secret"]).send("DELETE", f"/api/keys/{new['id']}")

    assert (reply.status, new["account_id"], new["name"]) == (200, None, "ops")
    assert revoked.status == 200


async def test_a_key_is_told_what_it_is_and_whose(service: Service) -> None:
    key = await service.own.issue(name="who am I", scopes=["account:read", "keys:read"], requestsPerHour=9)
    before = (await service.own.send("GET", "/api/account")).json["account"]
    await service.own.create()
    await service.own.register()
    reply = await service.caller(key["secret"]).send("GET", "/api/account")
    account = reply.json["account"]

    assert reply.json["key"] == {
        "id": key["id"],
        "name": "who am I",
        "scopes": ["account:read", "keys:read"],
        "expires_at": None,
        "requests_per_hour": 9,
    }
    assert (account["slug"], account["name"]) == ("my-team", "My-Team")
    assert account["assistants"] == before["assistants"] + 1
    assert account["phone_numbers"] == before["phone_numbers"] + 1


async def test_an_operator_s_key_is_told_of_the_account_that_it_names(service: Service) -> None:
    replies = [
        await service.operator.send("GET", path)
        for path in ("/api/account", "/api/account?accountSlug=other-team", "/api/account?accountSlug=not-opened")
    ]

    assert [reply.status for reply in replies] == [200, 200, 404]
    assert replies[0].json["account"] is None
    assert replies[0].json["key"]["id"] == "operator"
    assert replies[1].json["account"]["slug"] == "other-team"
    assert (await service.own.send("GET", "/api/account?accountSlug=other-team")).status == 403
