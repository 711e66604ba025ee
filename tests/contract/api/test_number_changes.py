"""What becomes of calls to a number: its fallback, and whether it is suspended."""

import secrets
from typing import Any

import pytest
from tests.contract.api.service import Caller, Reply, Service, fresh_number

FALLBACK = "sip:desk@pbx.example.com;transport=tls"


async def look_up(service: Service, number: Any) -> tuple[str, str | None, str | None]:
    """Return outcome, assistant and fallback of a call to the number, as operators see them."""
    reply = await service.operator.send("GET", f"/api/routing/inbound/{number['phone_number']}")
    assert reply.status == 200
    return reply.json["outcome"], reply.json["assistant_id"], reply.json["fallback"]


async def change(
    caller: Caller, number: Any, headers: dict[str, str] | None = None, slug: str = "my-team", **fields: object
) -> Reply:
    """Change what becomes of calls to the number."""
    body = {"accountSlug": slug, **fields}
    return await caller.send("PATCH", f"/api/phone-numbers/{number['id']}", body, headers=headers)


async def test_a_fallback_is_in_force_when_its_answer_arrives(service: Service) -> None:
    number = await service.own.register()
    reply = await change(service.own, number, fallback=FALLBACK)
    read = await service.own.send("GET", f"/api/phone-numbers/{number['id']}")

    assert reply.status == 200
    assert reply.json["phone_number"] == number | {
        "fallback": FALLBACK,
        "updated_at": reply.json["phone_number"]["updated_at"],
    }
    assert reply.json["phone_number"]["updated_at"] > number["updated_at"]
    assert read.json == reply.json
    assert await look_up(service, number) == ("unassigned", None, FALLBACK)
    assert (await change(service.own, number, fallback=None)).json["phone_number"]["fallback"] is None
    assert await look_up(service, number) == ("unassigned", None, None)


async def test_a_suspended_number_is_answered_by_nobody_until_it_is_resumed(service: Service) -> None:
    assistant = await service.own.create(inbound_enabled=True)
    number = await service.own.register()
    await service.own.assign(assistant["id"], number["id"])
    await change(service.own, number, fallback="+4930999999")
    routed = await look_up(service, number)
    suspended = await change(service.operator, number, status="suspended")
    found = await look_up(service, number)
    resumed = await change(service.operator, number, status="active")

    assert routed == ("routed", assistant["id"], None)
    assert suspended.json["phone_number"] | {"updated_at": ""} == number | {
        "status": "suspended",
        "fallback": "+4930999999",
        "assistant_id": assistant["id"],
        "updated_at": "",
    }
    assert found == ("suspended", assistant["id"], "+4930999999")
    assert resumed.status == 200
    assert await look_up(service, number) == routed


async def test_only_operators_suspend_and_resume(service: Service) -> None:
    number = await service.own.register()
    async with service.nothing_appended():
        replies = [await change(service.own, number, status=status) for status in ("suspended", "active")]

    assert {(reply.status, reply.code) for reply in replies} == {(403, "operators_only")}


async def test_what_is_so_already_appends_nothing(service: Service) -> None:
    number = await service.own.register()
    first = await change(service.own, number, fallback=FALLBACK)
    async with service.nothing_appended():
        again = await change(service.own, number, fallback=FALLBACK)
        empty = await change(service.own, number)
        active = await change(service.operator, number, status="active")

    assert first.json == again.json == empty.json == active.json


async def test_a_repetition_gets_the_first_effect(service: Service) -> None:
    number = await service.own.register()
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    first = await change(service.own, number, headers, fallback=FALLBACK)
    await change(service.own, number, fallback="+4930999999")
    async with service.nothing_appended():
        again = await change(service.own, number, headers, fallback=FALLBACK)
        other = await change(service.own, number, headers, fallback=None)

    assert (again.status, again.body) == (200, first.body)
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert await look_up(service, number) == ("unassigned", None, "+4930999999")


async def test_a_number_registered_again_is_active_and_has_no_fallback(service: Service) -> None:
    number = await service.own.register()
    await change(service.operator, number, fallback=FALLBACK, status="suspended")
    await service.own.send("DELETE", f"/api/phone-numbers/{number['id']}")
    released = await look_up(service, number)
    gone = await change(service.own, number, fallback=None)
    theirs = await service.other.register(number["phone_number"])

    assert released == ("unknown_number", None, None)
    assert (gone.status, gone.code) == (404, "number_not_found")
    assert (theirs["status"], theirs["fallback"]) == ("active", None)
    assert await look_up(service, number) == ("unassigned", None, None)


@pytest.mark.parametrize(
    "fallback",
    [
        "",
        "desk",
        "4930999999",
        "tel:+4930999999",
        "sip:",
        "sip:desk@pbx.example.com?Subject=x",
        "sip:desk@pbx.example.com>,<sip:evil@example.com",
        "sip:desk@pbx.example.com\r\nX: y",
        "sip:de sk@pbx.example.com",
        "sip:desk:secret@pbx.example.com",
        "http://pbx.example.com",
        7,
        [],
    ],
)
async def test_what_cannot_be_called_is_no_fallback(service: Service, fallback: object) -> None:
    number = {"id": "pn_7zzzzzzzzzzzzzzzzzzzzzzzzz"}
    async with service.nothing_appended():
        reply = await change(service.own, number, fallback=fallback)

    code = "invalid_call_target" if isinstance(fallback, str) else "wrong_type"
    assert reply.issues == {("fallback", code)}


async def test_a_number_is_not_its_own_fallback(service: Service) -> None:
    number = await service.own.register()
    async with service.nothing_appended():
        reply = await change(service.own, number, fallback=number["phone_number"])

    assert (reply.status, reply.code) == (409, "fallback_to_itself")


async def test_another_account_s_number_is_left_alone(service: Service) -> None:
    number = await service.other.register()
    async with service.nothing_appended():
        foreign = await change(service.own, number, fallback=None)
        named = await change(service.own, number, slug="other-team", fallback=None)
        wrong = await change(service.operator, number, fallback=None)
        nobody = await change(service.own, {"id": "pn_x"}, fallback=None)

    assert [reply.status for reply in (foreign, named, wrong, nobody)] == [403, 403, 404, 404]


async def test_a_key_for_routing_looks_up_and_does_no_more(service: Service) -> None:
    number = await service.own.register()
    body = {"operators": True, "name": "carrier", "scopes": ["routing:read"]}
    issued = await service.operator.send("POST", "/api/keys", body)
    router = service.caller(issued.json["key"]["secret"])
    found = await router.send("GET", f"/api/routing/inbound/{number['phone_number']}")
    unknown = await router.send("GET", f"/api/routing/inbound/{fresh_number()}")
    refused = await change(router, number, status="suspended")

    assert (found.json["outcome"], found.json["account_id"]) == ("unassigned", number["account_id"])
    assert unknown.json["outcome"] == "unknown_number"
    assert (refused.status, refused.code) == (403, "missing_scope")
