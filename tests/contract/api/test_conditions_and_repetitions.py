"""ETag, If-Match and Idempotency-Key over HTTP."""

import asyncio
import secrets

import pytest
from tests.contract.api.service import Service


async def test_a_stale_if_match_is_told_the_version_and_what_differs(service: Service) -> None:
    assistant = await service.own.create()
    await service.own.patch(assistant["id"], temperature=0.1)
    await service.own.patch(assistant["id"], name="Other")
    await service.own.patch(assistant["id"], temperature=assistant["temperature"])
    async with service.nothing_appended():
        reply = await service.own.patch(assistant["id"], {"If-Match": '"1"'}, max_tokens=5)

    assert (reply.status, reply.code, reply.json["current_version"]) == (412, "version_mismatch", 4)
    assert reply.json["differing_fields"] == ["name"]


@pytest.mark.parametrize("if_match", ['"1"', '"7", "1"', "*"])
async def test_a_matching_if_match_lets_the_change_through(service: Service, if_match: str) -> None:
    assistant = await service.own.create()

    assert (await service.own.patch(assistant["id"], {"If-Match": if_match}, max_tokens=5)).status == 200


@pytest.mark.parametrize(("if_match", "status"), [('W/"1"', 412), ('"9"', 412), ('"x"', 412), ("1", 400), ('"1', 400)])
async def test_any_other_if_match_does_not(service: Service, if_match: str, status: int) -> None:
    assistant = await service.own.create()
    number = await service.own.register()
    path = f"/api/assistants/{assistant['id']}/telephony/phone-numbers"
    body = {"accountSlug": "my-team", "phoneNumberIds": [number["id"]]}
    async with service.nothing_appended():
        changed = await service.own.patch(assistant["id"], {"If-Match": if_match}, max_tokens=5)
        assigned = await service.own.send("PATCH", path, body, headers={"If-Match": if_match})

    assert changed.status == assigned.status == status


@pytest.mark.parametrize(
    ("if_none_match", "status"), [('"1"', 304), ('W/"1"', 304), ("*", 304), ('"2"', 200), ("x", 400)]
)
async def test_an_unchanged_assistant_is_not_sent_again(service: Service, if_none_match: str, status: int) -> None:
    assistant = await service.own.create()
    reply = await service.own.send(
        "GET", f"/api/assistants/{assistant['id']}", headers={"If-None-Match": if_none_match}
    )

    assert reply.status == status
    if status == 304:
        assert (reply.body, reply.headers["ETag"]) == (b"", '"1"')


async def test_a_repetition_has_one_effect_and_the_first_answer(service: Service) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"accountSlug": "my-team", "name": "Once"}
    first = await service.own.send("POST", "/api/assistants", body, headers=headers)
    await service.own.patch(first.json["assistant"]["id"], name="Renamed since")
    async with service.nothing_appended():
        again = await service.own.send("POST", "/api/assistants", body, headers=headers)

    assert (again.status, again.body, again.headers["ETag"]) == (200, first.body, '"1"')
    assert again.headers["Patchbay-Position"] == first.headers["Patchbay-Position"]


async def test_a_quoted_key_is_the_bare_one(service: Service) -> None:
    key = secrets.token_hex(8)
    body = {"accountSlug": "my-team", "name": "Once"}
    first = await service.own.send("POST", "/api/assistants", body, headers={"Idempotency-Key": key})
    again = await service.own.send("POST", "/api/assistants", body, headers={"Idempotency-Key": f'"{key}"'})

    assert first.body == again.body


async def test_repetitions_that_run_at_once_are_one(service: Service) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"accountSlug": "my-team", "name": "Once"}
    replies = await asyncio.gather(
        *[service.own.send("POST", "/api/assistants", body, headers=headers) for _ in range(20)]
    )

    assert {(reply.status, reply.body) for reply in replies} == {(200, replies[0].body)}


async def test_a_key_of_another_request_is_refused(service: Service) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    await service.own.send("POST", "/api/assistants", {"accountSlug": "my-team", "name": "A"}, headers=headers)
    async with service.nothing_appended():
        reply = await service.own.send(
            "POST", "/api/assistants", {"accountSlug": "my-team", "name": "B"}, headers=headers
        )

    assert (reply.status, reply.code) == (422, "idempotency_key_reused")


async def test_two_accounts_may_use_the_same_key(service: Service) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    replies = [
        await caller.send("POST", "/api/assistants", {"accountSlug": caller.slug, "name": "A"}, headers=headers)
        for caller in (service.own, service.other)
    ]

    assert [reply.status for reply in replies] == [200, 200]
    assert replies[0].json["assistant"]["id"] != replies[1].json["assistant"]["id"]


@pytest.mark.parametrize("key", ["", '""', "a b", "x" * 256, '"open', "ü"])
async def test_a_malformed_key_is_refused(service: Service, key: str) -> None:
    async with service.nothing_appended():
        reply = await service.own.send(
            "POST", "/api/assistants", {"accountSlug": "my-team", "name": "A"}, headers={"Idempotency-Key": key}
        )

    assert {path for path, _ in reply.issues} == {"Idempotency-Key"}


async def test_the_first_effect_is_told_before_if_match_is_looked_at(service: Service) -> None:
    assistant = await service.own.create()
    headers = {"Idempotency-Key": secrets.token_hex(8), "If-Match": '"1"'}
    first = await service.own.patch(assistant["id"], headers, name="Other")
    again = await service.own.patch(assistant["id"], headers, name="Other")

    assert first.status == again.status == 200
    assert first.body == again.body


async def test_a_rejected_request_is_decided_again(service: Service) -> None:
    assistant = await service.own.create()
    number = await service.own.register()
    holder = await service.own.create()
    await service.own.assign(holder["id"], number["id"])
    path = f"/api/assistants/{assistant['id']}/telephony/phone-numbers"
    body = {"accountSlug": "my-team", "phoneNumberIds": [number["id"]]}
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    refused = await service.own.send("PATCH", path, body, headers=headers)
    await service.own.assign(holder["id"])

    assert refused.status == 409
    assert (await service.own.send("PATCH", path, body, headers=headers)).status == 200


async def test_a_repeated_key_tells_no_secret_again(service: Service) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"accountSlug": "my-team", "name": "k"}
    first = await service.own.send("POST", "/api/keys", body, headers=headers)
    async with service.nothing_appended():
        again = await service.own.send("POST", "/api/keys", body, headers=headers)
    at_once = {"Idempotency-Key": secrets.token_hex(8)}
    replies = await asyncio.gather(*[service.own.send("POST", "/api/keys", body, headers=at_once) for _ in range(8)])

    shown = first.json["key"]
    assert shown.pop("secret")
    assert again.json["key"] == shown
    assert sum("secret" in reply.json["key"] for reply in replies) == 1
    assert len({reply.json["key"]["id"] for reply in replies}) == 1
