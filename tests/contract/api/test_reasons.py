"""Why somebody makes a change stands in the event, and is told to whoever follows the events."""

import pytest
from tests.contract.api.following import follow
from tests.contract.api.service import Caller, Service, fresh_number

REASON = "grüße 100%"
HEADERS = {"Patchbay-Reason": "gr%C3%BC%C3%9Fe 100%25"}


async def write(caller: Caller, method: str, path: str, body: object = None) -> dict[str, dict[str, str]]:
    reply = await caller.send(method, path, body, headers=HEADERS)
    assert reply.status == 200, reply.body
    shown: dict[str, dict[str, str]] = reply.json
    return shown


async def test_every_kind_of_write_takes_its_reason_into_its_event(service: Service) -> None:
    whose = {"accountSlug": "other-team"}
    async with follow(service.other) as following:
        caller = service.other
        created = await write(caller, "POST", "/api/assistants", whose | {"name": "A"})
        path = f"/api/assistants/{created['assistant']['id']}"
        await write(caller, "PATCH", path, whose | {"temperature": 0.1})
        number = {"phoneNumber": fresh_number()}
        number_id = (await write(caller, "POST", "/api/phone-numbers", whose | number))["phone_number"]["id"]
        await write(caller, "PATCH", f"/api/phone-numbers/{number_id}", whose | {"fallback": "sip:desk@example.com"})
        await write(caller, "PATCH", f"{path}/telephony/phone-numbers", whose | {"phoneNumberIds": [number_id]})
        await write(caller, "DELETE", f"/api/phone-numbers/{number_id}")
        key_id = (await write(caller, "POST", "/api/keys", whose | {"name": "k"}))["key"]["id"]
        await write(caller, "POST", f"/api/keys/{key_id}/rotate", whose)
        await write(caller, "DELETE", f"/api/keys/{key_id}")
        events = await following.take(10)

    assert sorted(event.type for event in events) == [
        "AssistantCreated",
        "AssistantUpdated",
        "KeyIssued",
        "KeyIssued",
        "KeyRevoked",
        "NumberRegistered",
        "NumberReleased",
        "NumberUpdated",
        "NumbersAssigned",
        "NumbersAssigned",
    ]
    assert {event.data["reason"] for event in events} == {REASON}


async def test_without_a_reason_none_is_told(service: Service) -> None:
    async with follow(service.other) as following:
        await service.other.create()
        (told,) = await following.take(1)

    assert "reason" not in told.data


async def test_a_repetition_with_another_reason_is_the_same_request(service: Service) -> None:
    """The first reason stands."""
    body = {"accountSlug": "my-team", "name": "once"}
    key = {"Idempotency-Key": service.topic}
    async with follow(service.own) as following:
        first = await service.own.send("POST", "/api/assistants", body, headers=key | HEADERS)
        async with service.nothing_appended():
            again = await service.own.send("POST", "/api/assistants", body, headers=key | {"Patchbay-Reason": "other"})
        (told,) = await following.take(1)

    assert (first.status, first.body) == (again.status, again.body)
    assert told.data["reason"] == REASON


@pytest.mark.parametrize("value", ["", "%", "%FF", "x" * 201, "gr\xfc\xdfe"])
async def test_a_reason_that_cannot_be_read_is_refused(service: Service, value: str) -> None:
    async with service.nothing_appended():
        reply = await service.own.send(
            "POST", "/api/assistants", {"accountSlug": "my-team", "name": "A"}, headers={"Patchbay-Reason": value}
        )

    assert reply.issues == {("Patchbay-Reason", "malformed")}
