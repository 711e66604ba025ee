"""The way back to an earlier configuration: a new version that names the old one."""

import secrets
from typing import Any

from tests.contract.api.service import Caller, Reply, Service

OWN = ("id", "account_id", "phone_number_ids", "version", "created_at", "updated_at")


async def restore(
    caller: Caller, assistant: Any, version: object, headers: dict[str, str] | None = None, slug: str = "my-team"
) -> Reply:
    """Ask for an earlier configuration."""
    body = {"accountSlug": slug, "version": version}
    return await caller.send("POST", f"/api/assistants/{assistant['id']}/restore", body, headers=headers)


async def changed(service: Service) -> Any:
    """Return an assistant as it was created; by now it has another voice, another model, and a number."""
    number = await service.own.register()
    assistant = await service.own.create(provider="anthropic", first_message="Hello", inbound_enabled=True)
    for change in (
        service.own.patch(assistant["id"], provider="google", voice_provider="elevenlabs", first_message=None),
        service.own.patch(assistant["id"], inbound_enabled=False, name="Later"),
        service.own.assign(assistant["id"], number["id"]),
    ):
        assert (await change).status == 200
    return assistant


def configuration(assistant: Any) -> Any:
    return {name: value for name, value in assistant.items() if name not in OWN}


async def test_an_earlier_configuration_is_in_force_again_and_the_numbers_stay(service: Service) -> None:
    """Calls are routed by it when the answer arrives."""
    assistant = await changed(service)
    reply = await restore(service.own, assistant, 1, {"Patchbay-Reason": "it was better"})
    after = reply.json["assistant"]
    (number_id,) = after["phone_number_ids"]
    number = (await service.own.send("GET", f"/api/phone-numbers/{number_id}")).json["phone_number"]["phone_number"]
    routed = await service.own.send("GET", f"/api/routing/inbound/{number}")
    newest = (await service.own.send("GET", f"/api/assistants/{assistant['id']}/versions?limit=1")).json["versions"][0]

    assert (reply.status, reply.headers["ETag"], after["version"]) == (200, '"5"', 5)
    assert configuration(after) == configuration(assistant)
    assert (routed.json["outcome"], routed.json["assistant"]) == ("routed", after)
    assert (newest["restored_from"], newest["type"], newest["reason"]) == (1, "AssistantUpdated", "it was better")
    assert set(newest["changed_fields"]) >= {"provider", "model", "voice_provider", "voice_id", "name"}
    assert "transcriptor_model" not in newest["changed_fields"]


async def test_restoring_what_is_so_already_appends_nothing(service: Service) -> None:
    assistant = await service.own.create()
    number = await service.own.register()
    assert (await service.own.assign(assistant["id"], number["id"])).status == 200
    async with service.nothing_appended():
        replies = [await restore(service.own, assistant, version) for version in (1, 2)]

    assert [(reply.status, reply.headers["ETag"]) for reply in replies] == [(200, '"2"')] * 2


async def test_a_restoration_can_be_restored(service: Service) -> None:
    assistant = await changed(service)
    before = (await service.own.send("GET", f"/api/assistants/{assistant['id']}")).json["assistant"]
    await restore(service.own, assistant, 1)
    back = await restore(service.own, assistant, 4)

    assert configuration(back.json["assistant"]) == configuration(before)
    assert back.json["assistant"]["version"] == 6


async def test_a_restoration_goes_on_only_at_the_version_that_the_client_knows(service: Service) -> None:
    assistant = await changed(service)
    async with service.nothing_appended():
        stale = await restore(service.own, assistant, 1, {"If-Match": '"3"'})

    assert (stale.status, stale.code, stale.json["current_version"]) == (412, "version_mismatch", 4)
    assert stale.json["differing_fields"] == ["phone_number_ids"]
    assert (await restore(service.own, assistant, 1, {"If-Match": '"4"'})).status == 200


async def test_a_repeated_restoration_gets_the_first_effect(service: Service) -> None:
    assistant = await changed(service)
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    first = await restore(service.own, assistant, 1, headers)
    assert (await service.own.patch(assistant["id"], name="Later still")).status == 200
    async with service.nothing_appended():
        again = await restore(service.own, assistant, 1, headers)
        other = await restore(service.own, assistant, 2, headers)

    assert (again.status, again.body, again.headers["ETag"]) == (200, first.body, first.headers["ETag"])
    assert (other.status, other.code) == (422, "idempotency_key_reused")


async def test_what_cannot_be_restored_is_refused(service: Service) -> None:
    assistant, gone = await service.own.create(), await service.own.create()
    assert (await service.own.send("DELETE", f"/api/assistants/{gone['id']}")).status == 200
    async with service.nothing_appended():
        future = await restore(service.own, assistant, 2)
        deletion = await restore(service.own, gone, 2)
        deleted = await restore(service.own, gone, 1)
        nobody = await restore(service.own, {"id": "asst_01jm5yq3v9f1c8z4t2w7x0k6bn"}, 1)
        other_slug = await restore(service.operator, assistant, 1, slug="other-team")
        wrong = [await restore(service.own, assistant, version) for version in (0, -1, 1.5, "1", None, 10**12, True)]

    assert [(reply.status, reply.code) for reply in (future, deletion)] == [(404, "version_not_found")] * 2
    assert future.json["version"] == 2
    assert (deleted.status, deleted.code) == (404, "assistant_not_found")
    assert (nobody.status, other_slug.status) == (404, 404)
    assert {path for reply in wrong for path, _ in reply.issues} == {"version"}
