"""Phone numbers over HTTP: registered, listed, released, and had by somebody else afterwards."""

import secrets
from typing import Any

from tests.contract.api.service import Service, fresh_number


async def look_up(service: Service, number: Any) -> Any:
    """Return what becomes of a call to the number, as operators see it."""
    reply = await service.operator.send("GET", f"/api/routing/inbound/{number['phone_number']}")
    assert reply.status == 200
    return reply.json


async def test_a_number_is_kept_in_its_canonical_form(service: Service) -> None:
    number = fresh_number()
    written = f"{number[:3]} {number[3:5]} {number[5:]}"
    record = await service.own.register(written)

    assert record["phone_number"] == number
    assert list(record) == [
        "id",
        "account_id",
        "phone_number",
        "status",
        "fallback",
        "assistant_id",
        "created_at",
        "updated_at",
    ]


async def test_the_account_s_own_number_is_shown_unchanged(service: Service) -> None:
    assistant = await service.own.create()
    number = await service.own.register()
    await service.own.assign(assistant["id"], number["id"])
    async with service.nothing_appended():
        again = await service.own.register(number["phone_number"])

    assert again == number | {"assistant_id": assistant["id"]}


async def test_another_account_s_number_is_a_conflict(service: Service) -> None:
    number = await service.other.register()
    async with service.nothing_appended():
        reply = await service.own.send(
            "POST", "/api/phone-numbers", {"accountSlug": "my-team", "phoneNumber": number["phone_number"]}
        )

    assert (reply.status, reply.code) == (409, "number_owned_elsewhere")


async def test_numbers_are_listed_by_pages(service: Service) -> None:
    registered = {(await service.own.register())["id"] for _ in range(5)}
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await service.own.send("GET", f"/api/phone-numbers?limit=2{cursor}")).json
        assert page["count"] == len(page["phone_numbers"]) <= page["limit"] == 2
        seen += [number["id"] for number in page["phone_numbers"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    skipped = (await service.own.send("GET", "/api/phone-numbers?limit=200&offset=2")).json

    assert registered <= set(seen)
    assert len(seen) == len(set(seen))
    assert [number["id"] for number in skipped["phone_numbers"]] == seen[2:202]


async def test_an_operator_lists_the_numbers_of_the_account_that_it_names(service: Service) -> None:
    number = await service.own.register()
    named = await service.operator.send("GET", "/api/phone-numbers?accountSlug=my-team&limit=200")
    unnamed = await service.operator.send("GET", "/api/phone-numbers")

    assert number["id"] in {each["id"] for each in named.json["phone_numbers"]}
    assert unnamed.issues == {("accountSlug", "required")}


async def test_a_released_number_is_taken_off_its_assistant_and_gone(service: Service) -> None:
    assistant = await service.own.create(inbound_enabled=True)
    kept, number = await service.own.register(), await service.own.register()
    await service.own.assign(assistant["id"], kept["id"], number["id"])
    released = await service.own.send("DELETE", f"/api/phone-numbers/{number['id']}")
    after = await service.own.send("GET", f"/api/assistants/{assistant['id']}")

    assert (released.status, released.json["id"]) == (200, number["id"])
    assert after.json["assistant"]["phone_number_ids"] == [kept["id"]]
    assert (await service.own.send("GET", f"/api/phone-numbers/{number['id']}")).status == 404
    assert (await look_up(service, number))["outcome"] == "unknown_number"
    async with service.nothing_appended():
        assert (await service.own.send("DELETE", f"/api/phone-numbers/{number['id']}")).status == 404


async def test_a_released_number_registered_again_is_unassigned(service: Service) -> None:
    assistant = await service.own.create(inbound_enabled=True)
    number = await service.own.register()
    await service.own.assign(assistant["id"], number["id"])
    await service.own.send("DELETE", f"/api/phone-numbers/{number['id']}")
    theirs = await service.other.register(number["phone_number"])
    routed = await service.other.send("GET", f"/api/routing/inbound/{number['phone_number']}")

    assert (theirs["id"], theirs["account_id"]) == (number["id"], theirs["account_id"])
    assert (theirs["assistant_id"], theirs["created_at"] > number["created_at"]) == (None, True)
    assert (routed.json["outcome"], routed.json["assistant"]) == ("unassigned", None)
    assert (await service.own.send("GET", f"/api/phone-numbers/{number['id']}")).status == 403


async def test_a_repeated_release_touches_nothing_that_came_after(service: Service) -> None:
    assistant = await service.own.create()
    number = await service.own.register()
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    path = f"/api/phone-numbers/{number['id']}"
    first = await service.own.send("DELETE", path, headers=headers)
    gone = await service.own.send("DELETE", path, headers=headers)
    await service.own.register(number["phone_number"])
    await service.own.assign(assistant["id"], number["id"])
    async with service.nothing_appended():
        again = await service.own.send("DELETE", path, headers=headers)
    kept = await service.own.send("GET", f"/api/assistants/{assistant['id']}")

    assert {(reply.status, reply.body) for reply in (first, gone, again)} == {(200, first.body)}
    assert kept.json["assistant"]["phone_number_ids"] == [number["id"]]


async def test_a_number_of_another_account_is_forbidden(service: Service) -> None:
    number = await service.other.register()
    async with service.nothing_appended():
        replies = [await service.own.send(method, f"/api/phone-numbers/{number['id']}") for method in ("GET", "DELETE")]

    assert [reply.status for reply in replies] == [403, 403]


async def test_what_is_no_number_s_id_is_not_found(service: Service) -> None:
    for number_id in ("pn_7zzzzzzzzzzzzzzzzzzzzzzzzz", "pn_x", "asst_01jm0000000000000000000000", "%00", "%ff"):
        for method in ("GET", "DELETE"):
            reply = await service.own.send(method, f"/api/phone-numbers/{number_id}")

            assert reply.status == 404


async def test_the_look_up_wants_a_phone_number(service: Service) -> None:
    refused = await service.own.send("GET", "/api/routing/inbound/nobody")
    unknown = await service.own.send("GET", f"/api/routing/inbound/{fresh_number()}")

    assert refused.issues == {("e164", "invalid_phone_number")}
    assert (unknown.status, unknown.json["outcome"]) == (200, "unknown_number")
    assert {unknown.json[member] for member in ("fallback", "account_id", "assistant_id", "assistant")} == {None}


async def test_the_look_up_takes_a_number_as_people_write_it(service: Service) -> None:
    """With blanks, dashes, brackets and a prefix that E.164 does not have; what only looks like a number is refused."""
    number = (await service.own.register())["phone_number"]
    begin, end = number[3:6], number[6:]
    written = [number, f"%20{number}", f"+49%20{begin}-{end}", f"+49%20({begin})%20{end}", f"+490{begin}{end}"]
    replies = [await service.own.send("GET", f"/api/routing/inbound/{each}") for each in written]
    refused = [await service.own.send("GET", f"/api/routing/inbound/{each}") for each in ("+12345", "+999123456789")]

    assert {(reply.json["phone_number"], reply.json["outcome"]) for reply in replies} == {(number, "unassigned")}
    assert [reply.issues for reply in refused] == 2 * [{("e164", "invalid_phone_number")}]
