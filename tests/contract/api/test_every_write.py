"""What holds for every write that the API knows: conditions, and repetitions."""

import secrets
from collections.abc import Mapping
from typing import Any

import asyncpg
import pytest
from tests.contract.api.every_write import WRITES, Request, request_of
from tests.contract.api.service import Service

# Everything else is about what has no version.
ABOUT_ASSISTANTS = {("PUT", "/api/assistants/by-name/{name}")} | {
    write for write in WRITES if write[1].startswith("/api/assistants/{assistantId}")
}


@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_no_write_goes_on_at_another_version(service: Service, method: str, path: str) -> None:
    request = await request_of(service, method, path)

    async with service.nothing_appended():
        refused = await request.send(headers={"If-Match": '"99"'})
        malformed = await request.send(headers={"If-Match": "99"})

    assert refused.status == 412
    assert malformed.status == (400 if (method, path) in ABOUT_ASSISTANTS else 412)
    assert (refused.code == "no_version") == ((method, path) not in ABOUT_ASSISTANTS)
    assert (await request.send()).status == 200, "it left nothing"


@pytest.mark.parametrize(("method", "path"), sorted(ABOUT_ASSISTANTS - {("PUT", "/api/assistants/by-name/{name}")}))
async def test_every_write_about_an_assistant_goes_on_at_its_version(service: Service, method: str, path: str) -> None:
    request = await request_of(service, method, path)
    assistant = "/".join(request.path.split("/")[:4])
    etag = (await service.own.send("GET", assistant)).headers["ETag"]

    assert (await request.send(headers={"If-Match": f'"98", {etag}'})).status == 200


@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_a_repetition_of_any_write_has_one_effect_and_the_first_answer(
    service: Service, method: str, path: str
) -> None:
    request = await request_of(service, method, path)
    headers = {"Idempotency-Key": secrets.token_hex(8)}

    first = await request.send(headers=headers)
    async with service.nothing_appended():
        again = await request.send(headers=headers)
        stale = await request.send(headers=headers | ({"If-Match": '"99"'} if is_versioned(method, path) else {}))
        other = await another(request, first.json).send(headers=headers)

    assert first.status == again.status == stale.status == 200, first.body
    assert without_secret(again.json) == without_secret(stale.json) == without_secret(first.json)
    assert "secret" not in again.json.get("key", {})
    assert again.headers["Patchbay-Position"], "it tells where the first one's effect is"
    assert again.headers.get("ETag") == first.headers.get("ETag")
    assert (other.status, other.code) == (422, "idempotency_key_reused")


def is_versioned(method: str, path: str) -> bool:
    """True if `If-Match` can hold for this write. A key is looked up before it."""
    return (method, path) in ABOUT_ASSISTANTS


def another(request: Request, answer: Mapping[str, Any]) -> Request:
    """Return another request that is decided in the same stream; in a stream beside it a key may be another's."""
    if request.path.startswith("/api/accounts"):
        return Request(request.caller, "POST", "/api/accounts", {**(request.body or {}), "name": "Another"})
    if "phone_number" in answer:
        path = f"/api/phone-numbers/{answer['phone_number']['id']}"
        return Request(request.caller, "PATCH", path, {"accountSlug": "my-team", "fallback": "sip:other@example.org"})
    return Request(request.caller, "POST", "/api/assistants", {"accountSlug": "my-team", "name": "Another"})


def without_secret(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a body without what is shown once."""
    return {
        member: {f: v for f, v in value.items() if f != "secret"} if isinstance(value, dict) else value
        for member, value in body.items()
    }


async def test_a_release_that_is_half_done_says_so_and_a_repetition_goes_on(service: Service) -> None:
    own = service.own
    number, assistant = await own.register(), await own.create(inbound_enabled=True)
    assert (await own.assign(assistant["id"], number["id"])).status == 200
    path = f"/api/phone-numbers/{number['id']}"
    database = await asyncpg.connect(service.environment["DATABASE_URL"])
    try:
        await database.execute(
            "INSERT INTO read_model_1.quarantine (stream, from_height, reason, since) VALUES ($1, 2, 'test', now())",
            number["id"],
        )
        half = await own.send("DELETE", path, headers={"Idempotency-Key": "half-" + path[-8:]})
        await database.execute("DELETE FROM read_model_1.quarantine WHERE stream = $1", number["id"])
    finally:
        await database.close()
    routed = await own.send("GET", f"/api/routing/inbound/{number['phone_number']}")

    assert (half.status, half.code) == (503, "unfinished")
    assert "was taken off its assistant" in half.json["error"]
    assert "Retry-After" in half.headers
    assert routed.json["outcome"] == "unassigned"
    assert (await own.send("DELETE", path, headers={"Idempotency-Key": "half-" + path[-8:]})).status == 200
    assert (await own.send("GET", path)).status == 404
