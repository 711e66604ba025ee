"""Deleting an assistant."""

import secrets

from tests.contract.api.service import Service


async def test_an_assistant_that_was_deleted_is_not_there_and_its_number_rings_for_nobody(service: Service) -> None:
    own = service.own
    number = await own.register()
    assistant = await own.create(inbound_enabled=True)
    assert (await own.assign(assistant["id"], number["id"])).status == 200
    path = f"/api/assistants/{assistant['id']}"

    reply = await own.send("DELETE", f"{path}?accountSlug=my-team")

    assert reply.status == 200
    assert reply.json == {"success": True, "message": "The assistant is deleted.", "id": assistant["id"]}
    assert "Patchbay-Position" in reply.headers
    routed = await own.send("GET", f"/api/routing/inbound/{number['phone_number']}")
    assert (routed.json["outcome"], routed.json["assistant_id"]) == ("unassigned", None)
    assert (await own.send("GET", path)).status == 404
    freed = await own.send("GET", f"/api/phone-numbers/{number['id']}")
    assert freed.json["phone_number"]["assistant_id"] is None
    heir = await own.create(inbound_enabled=True)
    assert (await own.assign(heir["id"], number["id"])).status == 200, "it is held by nobody, so nothing is reassigned"


async def test_nothing_can_be_done_to_what_was_deleted(service: Service) -> None:
    own = service.own
    assistant = await own.create()
    path = f"/api/assistants/{assistant['id']}"
    assert (await own.send("DELETE", path)).status == 200

    async with service.nothing_appended():
        for reply in (
            await own.send("DELETE", path),
            await own.patch(assistant["id"], name="New"),
            await own.assign(assistant["id"]),
        ):
            assert (reply.status, reply.code) == (404, "assistant_not_found")


async def test_a_deletion_that_is_sent_again_has_the_first_ones_answer(service: Service) -> None:
    assistant = await service.own.create()
    path = f"/api/assistants/{assistant['id']}"
    headers = {"Idempotency-Key": secrets.token_hex(8)}

    first = await service.own.send("DELETE", path, headers=headers)
    async with service.nothing_appended():
        again = await service.own.send("DELETE", path, headers=headers)

    assert (first.status, again.status) == (200, 200)
    assert again.body == first.body


async def test_a_deletion_goes_on_only_at_the_version_that_was_read(service: Service) -> None:
    own = service.own
    assistant = await own.create()
    assert (await own.patch(assistant["id"], name="New")).status == 200
    path = f"/api/assistants/{assistant['id']}"

    refused = await own.send("DELETE", path, headers={"If-Match": '"1"'})

    assert (refused.status, refused.code) == (412, "version_mismatch")
    assert (refused.json["current_version"], refused.json["differing_fields"]) == (2, ["name"])
    assert (await own.send("DELETE", path, headers={"If-Match": '"2"'})).status == 200


async def test_who_may_delete_is_told_apart(service: Service) -> None:
    assistant = await service.own.create()
    path = f"/api/assistants/{assistant['id']}"
    reader = service.caller((await service.own.issue(scopes=["assistants:read"]))["secret"])

    async with service.nothing_appended():
        assert (await service.other.send("DELETE", path)).code == "other_account"
        assert (await service.other.send("DELETE", f"{path}?accountSlug=my-team")).code == "other_account"
        assert (await reader.send("DELETE", path)).code == "missing_scope"
        assert (await service.operator.send("DELETE", path)).issues == {("accountSlug", "required")}
        assert (await service.own.send("DELETE", "/api/assistants/asst_1")).code == "not_found"

    assert (await service.operator.send("DELETE", f"{path}?accountSlug=my-team")).status == 200


async def test_a_number_that_is_taken_is_told_with_the_name_of_its_holder(service: Service) -> None:
    own = service.own
    number, holder, other = await own.register(), await own.create("Holder"), await own.create()
    assert (await own.assign(holder["id"], number["id"])).status == 200

    refused = await own.assign(other["id"], number["id"])

    assert refused.code == "number_taken"
    assert refused.json["taken"] == [
        {"phone_number_id": number["id"], "assistant_id": holder["id"], "assistant_name": "Holder"}
    ]
    assert "'Holder'" in refused.json["error"]
