"""Copying assistants, and switching their calls on and off."""

import json
import secrets
from typing import Any

import pytest
from tests.contract.api.service import Service

EVERY_FIELD: dict[str, Any] = {
    "first_message": "Hi {{contact.first_name}}",
    "system_prompt": "Be kind.",
    "provider": "anthropic",
    "model": "claude-made-up-1",
    "temperature": 1.25,
    "max_tokens": 77,
    "voice_provider": "elevenlabs",
    "voice_model": "a-voice-model",
    "voice_id": "v1",
    "voice_name": "Vera",
    "transcriptor_provider": "assemblyai",
    "transcriptor_model": "a-transcriptor",
    "transcriptor_language": "de-AT",
    "recording_enabled": True,
    "inbound_enabled": True,
    "outbound_enabled": True,
}
GIVEN_BY_EVENTS = {"id", "version", "created_at", "updated_at", "phone_number_ids", "name"}


async def test_a_creation_takes_every_field_that_a_change_takes(service: Service) -> None:
    created = await service.own.create("Whole", **EVERY_FIELD)
    changed = await service.own.patch((await service.own.create("Bare"))["id"], name="Whole", **EVERY_FIELD)

    assert {field: created[field] for field in EVERY_FIELD} == EVERY_FIELD
    assert changed.json["assistant"] | {f: created[f] for f in GIVEN_BY_EVENTS} == created
    assert (await service.own.send("GET", f"/api/assistants/{created['id']}")).json["assistant"] == created


async def test_a_copy_is_configured_like_its_model_and_has_no_number(service: Service) -> None:
    own = service.own
    model = await own.create("Model", **EVERY_FIELD, templateId="follow-up")
    assert (await own.assign(model["id"], (await own.register())["id"])).status == 200
    path = f"/api/assistants/{model['id']}/clone"

    reply = await own.send("POST", path, {"accountSlug": "my-team"})
    copy = reply.json["assistant"]

    assert reply.status == 200
    assert reply.headers["ETag"] == '"1"'
    assert copy["id"] != model["id"]
    assert (copy["name"], copy["phone_number_ids"], copy["version"]) == ("Model (Copy)", [], 1)
    assert {f: v for f, v in copy.items() if f not in GIVEN_BY_EVENTS} == {
        f: v for f, v in model.items() if f not in GIVEN_BY_EVENTS
    }
    assert (await own.send("GET", f"/api/assistants/{copy['id']}")).json["assistant"] == copy
    named = await own.send("POST", path, {"accountSlug": "my-team", "name": " Another "})
    assert named.json["assistant"]["name"] == "Another"


async def test_the_name_of_a_copy_keeps_to_the_limit(service: Service) -> None:
    model = await service.own.create("x" * 200)

    copy = await service.own.send("POST", f"/api/assistants/{model['id']}/clone", {"accountSlug": "my-team"})

    assert copy.json["assistant"]["name"] == "x" * 193 + " (Copy)"


async def test_a_copy_that_is_asked_for_again_is_the_same(service: Service) -> None:
    model = await service.own.create()
    path, body = f"/api/assistants/{model['id']}/clone", {"accountSlug": "my-team"}
    headers = {"Idempotency-Key": secrets.token_hex(8)}

    first = await service.own.send("POST", path, body, headers=headers)
    again = await service.own.send("POST", path, body, headers=headers)

    assert first.body == again.body


async def test_what_is_not_there_or_not_ones_own_or_has_moved_on_is_not_copied(service: Service) -> None:
    model = await service.own.create()
    path = f"/api/assistants/{model['id']}/clone"
    nobody = f"/api/assistants/asst_{'0' * 26}/clone"

    async with service.nothing_appended():
        assert (await service.own.send("POST", nobody, {"accountSlug": "my-team"})).code == "assistant_not_found"
        assert (await service.other.send("POST", path, {"accountSlug": "other-team"})).code == "other_account"
        assert (await service.own.send("POST", path, {"accountSlug": "my-team", "nam": "x"})).issues == {
            ("nam", "unknown_field")
        }
        moved = await service.own.send("POST", path, {"accountSlug": "my-team"}, headers={"If-Match": '"7"'})
        assert (moved.status, moved.json["current_version"]) == (412, 1)


async def test_the_numbers_of_an_assistant_read_as_their_assignment_answered(service: Service) -> None:
    own = service.own
    assistant, number = await own.create(), await own.register()
    assigned = await own.assign(assistant["id"], number["id"])
    path = f"/api/assistants/{assistant['id']}/telephony/phone-numbers"

    read = await own.send("GET", path)

    assert read.json == assigned.json
    assert read.headers["ETag"] == assigned.headers["ETag"] == '"2"'
    assert (await own.send("GET", path, headers={"If-None-Match": '"2"'})).status == 304
    assert (await service.other.send("GET", path)).code == "other_account"
    assert (await own.send("GET", path.replace(assistant["id"], "asst_1"))).code == "not_found"


async def test_an_assistant_answers_calls_only_with_a_number_that_they_can_come_to(service: Service) -> None:
    own = service.own
    assistant, number = await own.create(), await own.register()
    path = f"/api/assistants/{assistant['id']}/telephony/inbound"
    on, off = ({"accountSlug": "my-team", "enabled": is_enabled} for is_enabled in (True, False))
    status = {"accountSlug": "my-team", "status": "suspended"}

    async with service.nothing_appended():
        refused = await own.send("POST", path, on)
        assert (refused.status, refused.code) == (409, "inbound_needs_number")
        assert "telephony/phone-numbers" in refused.json["error"]
        assert (await own.send("POST", path, off)).json["assistant"] == assistant
    await own.assign(assistant["id"], number["id"])
    assert (await service.operator.send("PATCH", f"/api/phone-numbers/{number['id']}", status)).status == 200
    assert "no active one among its 1" in (await own.send("POST", path, on)).json["error"]
    status["status"] = "active"
    assert (await service.operator.send("PATCH", f"/api/phone-numbers/{number['id']}", status)).status == 200

    switched = await own.send("POST", path, on)

    assert switched.status == 200
    assert (switched.json["assistant"]["inbound_enabled"], switched.headers["ETag"]) == (True, '"3"')
    routed = await own.send("GET", f"/api/routing/inbound/{number['phone_number']}")
    assert (routed.json["outcome"], routed.json["assistant_id"]) == ("routed", assistant["id"])
    async with service.nothing_appended():
        assert (await own.send("POST", path, on)).json["assistant"] == switched.json["assistant"]
    assert (await own.send("POST", path, off)).json["assistant"]["inbound_enabled"] is False
    routed = await own.send("GET", f"/api/routing/inbound/{number['phone_number']}")
    assert routed.json["outcome"] == "inbound_disabled"


async def test_calls_of_an_assistants_own_are_switched_without_a_number(service: Service) -> None:
    assistant = await service.own.create()
    path = f"/api/assistants/{assistant['id']}/telephony/outbound"

    on = await service.own.send("POST", path, {"accountSlug": "my-team", "enabled": True})
    stale = await service.own.send(
        "POST", path, {"accountSlug": "my-team", "enabled": False}, headers={"If-Match": '"1"'}
    )

    assert (on.status, on.json["assistant"]["outbound_enabled"], on.json["assistant"]["version"]) == (200, True, 2)
    assert (stale.status, stale.json["differing_fields"]) == (412, ["outbound_enabled"])


@pytest.mark.parametrize("switch", ["inbound", "outbound"])
async def test_a_switch_says_what_it_lacks(service: Service, switch: str) -> None:
    assistant = await service.own.create()
    path = f"/api/assistants/{assistant['id']}/telephony/{switch}"

    assert (await service.own.send("POST", path, {"enabled": "yes"})).issues == {
        ("accountSlug", "required"),
        ("enabled", "wrong_type"),
    }
    assert (await service.own.send("POST", path, {"accountSlug": "my-team"})).issues == {("enabled", "required")}
    assert (await service.other.send("POST", path, {"accountSlug": "other-team", "enabled": True})).code == (
        "other_account"
    )


async def test_the_event_of_a_copy_names_its_model(service: Service) -> None:
    model = await service.own.create()
    renamed = await service.own.patch(model["id"], name="Newer")
    assert renamed.status == 200
    copy = await service.own.send("POST", f"/api/assistants/{model['id']}/clone", {"accountSlug": "my-team"})

    async with service.own.session.get(
        service.url + "/api/events?from=beginning&type=AssistantCreated",
        headers={"Authorization": f"Bearer {service.own.secret}"},
    ) as stream:
        async for line in stream.content:
            if line.startswith(b"data: ") and copy.json["assistant"]["id"].encode() in line:
                event = json.loads(line.removeprefix(b"data: "))
                break

    assert event["data"]["cloned_from"] == {"assistant_id": model["id"], "version": 2}
