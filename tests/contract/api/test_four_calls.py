"""The four calls everything stands on, as existing clients use them."""

import pytest
from tests.contract.api.service import Service

RECORD = [
    "id",
    "account_id",
    "name",
    "type",
    "model",
    "provider",
    "temperature",
    "max_tokens",
    "first_message",
    "system_prompt",
    "voice_provider",
    "voice_model",
    "voice_id",
    "voice_name",
    "transcriptor_provider",
    "transcriptor_model",
    "transcriptor_language",
    "recording_enabled",
    "inbound_enabled",
    "outbound_enabled",
    "phone_number_ids",
    "version",
    "created_at",
    "updated_at",
]


@pytest.mark.parametrize("template", ["outbound-setter", "inbound-support", "follow-up", "custom"])
async def test_an_assistant_is_created_from_a_template_and_read_at_once(service: Service, template: str) -> None:
    body = {"accountSlug": "my-team", "name": "  Sales Agent ", "templateId": template}
    created = await service.own.send("POST", "/api/assistants", body)
    assistant = created.json["assistant"]
    read = await service.own.send("GET", f"/api/assistants/{assistant['id']}")

    assert created.status == read.status == 200
    assert list(assistant) == RECORD
    assert (assistant["name"], assistant["type"], assistant["version"]) == ("Sales Agent", template, 1)
    assert created.headers["ETag"] == read.headers["ETag"] == '"1"'
    assert read.json == {"success": True, "assistant": assistant}


async def test_the_template_is_custom_unless_named_and_fields_lie_over_it(service: Service) -> None:
    assistant = await service.own.create(temperature=2.0, transcriptor_language="de-de", first_message=None)

    assert (assistant["type"], assistant["temperature"], assistant["transcriptor_language"]) == ("custom", 2.0, "de-DE")


async def test_a_change_holds_what_it_names_and_keeps_the_rest(service: Service) -> None:
    assistant = await service.own.create()
    changed = await service.own.patch(assistant["id"], temperature=0.1, first_message="Hello")
    after = changed.json["assistant"]

    assert (changed.status, changed.headers["ETag"]) == (200, '"2"')
    assert {name for name in RECORD if after[name] != assistant[name]} == {
        "temperature",
        "first_message",
        "version",
        "updated_at",
    }
    assert (await service.own.send("GET", f"/api/assistants/{assistant['id']}")).json["assistant"] == after


async def test_null_clears_a_text_that_may_be_empty(service: Service) -> None:
    assistant = await service.own.create(first_message="Hello")

    assert (await service.own.patch(assistant["id"], first_message=None)).json["assistant"]["first_message"] is None


async def test_a_change_that_changes_nothing_appends_nothing(service: Service) -> None:
    assistant = await service.own.create()
    async with service.nothing_appended():
        reply = await service.own.patch(assistant["id"], name=assistant["name"])

    assert (reply.status, reply.headers["ETag"], reply.json["assistant"]) == (200, '"1"', assistant)


async def test_merge_patch_is_accepted(service: Service) -> None:
    assistant = await service.own.create()
    headers = {"Content-Type": "application/merge-patch+json; charset=utf-8"}

    assert (await service.own.patch(assistant["id"], headers, name="Other")).json["assistant"]["name"] == "Other"


async def test_another_voice_provider_brings_its_own_voice(service: Service) -> None:
    assistant = await service.own.create()
    after = (await service.own.patch(assistant["id"], voice_provider="elevenlabs")).json["assistant"]

    assert after["voice_provider"] == "elevenlabs"
    assert (after["voice_model"], after["voice_id"]) != (assistant["voice_model"], assistant["voice_id"])


async def test_numbers_are_assigned_as_a_whole_and_routed_at_once(service: Service) -> None:
    assistant = await service.own.create(inbound_enabled=True)
    numbers = [await service.own.register() for _ in range(2)]
    ids = [number["id"] for number in numbers]
    reply = await service.own.assign(assistant["id"], *ids)
    routed = await service.own.send("GET", f"/api/routing/inbound/{numbers[0]['phone_number']}")

    assert (reply.status, reply.headers["ETag"], reply.json["phoneNumberIds"]) == (200, '"2"', ids)
    assert reply.json["message"]
    assert reply.json["assistant"]["phone_number_ids"] == ids
    assert (routed.json["outcome"], routed.json["assistant"]) == ("routed", reply.json["assistant"])

    emptied = await service.own.assign(assistant["id"])
    routed = await service.own.send("GET", f"/api/routing/inbound/{numbers[0]['phone_number']}")

    assert emptied.json["assistant"]["phone_number_ids"] == []
    assert (routed.json["outcome"], routed.json["assistant"]) == ("unassigned", None)


async def test_the_look_up_says_why_nobody_answers(service: Service) -> None:
    assistant = await service.own.create()
    number = await service.own.register()
    await service.own.assign(assistant["id"], number["id"])
    path = "/api/routing/inbound/" + number["phone_number"].replace("+", "%2B")
    silent = await service.own.send("GET", path)
    await service.own.patch(assistant["id"], inbound_enabled=True)

    assert (silent.json["outcome"], silent.json["assistant_id"]) == ("inbound_disabled", assistant["id"])
    assert (await service.own.send("GET", path)).json["outcome"] == "routed"
    assert (await service.other.send("GET", path)).json["outcome"] == "unknown_number"
    assert (await service.operator.send("GET", path)).json["assistant_id"] == assistant["id"]


async def test_malformed_variables_are_stored_and_reported(service: Service) -> None:
    body = {"accountSlug": "my-team", "name": "A", "system_prompt": "Hi {{contact.first name}}"}
    reply = await service.own.send("POST", "/api/assistants", body)

    assert reply.json["assistant"]["system_prompt"] == "Hi {{contact.first name}}"
    assert [warning["path"] for warning in reply.json["warnings"]] == ["system_prompt"]
