"""The catalogue over HTTP, and the warnings that follow from it."""

import pytest
from tests.contract.api.service import Service

from patchbay.assistants.scopes import SCOPES


async def test_the_catalogue_tells_what_a_request_may_name(service: Service) -> None:
    reply = await service.own.send("GET", "/api/catalogue")
    catalogue = reply.json["catalogue"]
    openai = catalogue["providers"][0]
    models = {model["id"]: model for model in openai["models"]}
    cartesia = catalogue["voice_providers"][0]

    assert [provider["id"] for provider in catalogue["providers"]] == [
        "openai",
        "anthropic",
        "google",
        "deepseek",
        "qwen",
    ]
    assert [provider["id"] for provider in catalogue["transcriptor_providers"]] == ["deepgram", "assemblyai"]
    assert (models["gpt-4o-mini"]["shutdown"], models["gpt-4o-mini"]["replacement"]) == ("2027-01-14", "gpt-6-luna")
    assert models["gpt-4o-mini"]["status"] in ("retiring", "retired")
    assert models[openai["default_model"]]["status"] == "available"
    assert cartesia["default_voice"] in {voice["id"] for voice in cartesia["voices"]}
    assert (openai["default_voice"], openai["voices"]) == (None, [])
    assert set(catalogue["scopes"]) == SCOPES


async def test_an_assistant_begins_with_its_template_s_defaults(service: Service) -> None:
    catalogue = (await service.own.send("GET", "/api/catalogue")).json["catalogue"]

    for template in catalogue["templates"]:
        assistant = await service.own.create("A", templateId=template["id"])
        assert template["defaults"].items() <= assistant.items()


async def test_the_limits_are_those_that_hold(service: Service) -> None:
    limits = (await service.own.send("GET", "/api/catalogue")).json["catalogue"]["limits"]
    assistant = await service.own.create("x" * limits["name_characters"])
    at_most = {
        "name": "x" * limits["name_characters"],
        "first_message": "x" * limits["first_message_characters"],
        "system_prompt": "x" * limits["system_prompt_characters"],
        "voice_name": "x" * limits["text_characters"],
    }
    too_much: dict[str, object] = {name: text + "x" for name, text in at_most.items()}
    too_much |= {name: limits[name]["most"] + 1 for name in ("temperature", "max_tokens")}

    assert (await service.own.patch(assistant["id"], None, **at_most)).status == 200
    assert {path for path, _ in (await service.own.patch(assistant["id"], None, **too_much)).issues} == too_much.keys()
    assert (await service.own.send("GET", f"/api/assistants?limit={limits['page']['most'] + 1}")).status == 400
    assert (await service.own.send("GET", f"/api/assistants?offset={limits['page_offset']['most']}")).status == 200


async def test_the_catalogue_is_for_every_key_and_sent_once(service: Service) -> None:
    """Whatever the key's scopes; to nobody without one."""
    key = await service.own.issue(scopes=["events:read"])
    first = await service.caller(key["secret"]).send("GET", "/api/catalogue")
    headers = {"If-None-Match": first.headers["ETag"]}
    again = await service.own.send("GET", "/api/catalogue", headers=headers)
    unknown = await service.own.send("GET", "/api/catalogue?provider=openai")

    assert (first.status, again.status, again.body) == (200, 304, b"")
    assert (await service.caller(None).send("GET", "/api/catalogue")).status == 401
    assert unknown.issues == {("provider", "unknown_parameter")}


@pytest.mark.parametrize(
    ("field", "model", "provider"),
    [("model", "gpt-5", "openai"), ("model", "claude-sonnet-4-5", "anthropic"), ("model", "gemini-2.5-pro", "google")],
)
async def test_a_retiring_model_is_taken_with_a_warning(
    service: Service, field: str, model: str, provider: str
) -> None:
    """By every write that leaves the assistant with it; and no more once there is another."""
    body = {"accountSlug": "my-team", "name": "A", "provider": provider, field: model}
    created = await service.own.send("POST", "/api/assistants", body)
    assistant_id = created.json["assistant"]["id"]
    repeated = {"Idempotency-Key": f"warned {assistant_id}".replace(" ", "-")}
    changed = await service.own.patch(assistant_id, repeated, name="B")
    again = await service.own.patch(assistant_id, repeated, name="B")
    unchanged = await service.own.patch(assistant_id, name="B")
    path = f"/api/assistants/{assistant_id}/telephony"
    without = {"accountSlug": "my-team", "phoneNumberIds": []}
    assigned = await service.own.send("PATCH", f"{path}/phone-numbers", without)
    switched = await service.own.send("POST", f"{path}/outbound", {"accountSlug": "my-team", "enabled": False})
    cured = await service.own.patch(assistant_id, provider="openai", model="gpt-6-luna")

    for reply in (created, changed, unchanged, assigned, switched):
        assert reply.status == 200
        assert [(each["path"], each["code"]) for each in reply.json["warnings"]] == [(field, "retiring_model")]
        assert model in reply.json["warnings"][0]["message"]
    assert again.body == changed.body
    assert "warnings" not in cured.json
