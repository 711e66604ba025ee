"""`?dry_run=true` on every write: decided like the real one, and nothing is written."""

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

import pytest
from tests.contract.api.every_write import WRITES, Request, request_of
from tests.contract.api.service import Service

DRY = "?dry_run=true"
# What only the real write gives, and what it says of itself.
ONLY_REAL = {"id", "hint", "secret", "created_at", "updated_at", "revoked_at", "replaces"}


@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_a_dry_run_appends_nothing_and_tells_what_the_write_then_does(
    service: Service, method: str, path: str
) -> None:
    request = await request_of(service, method, path)
    headers = {"Idempotency-Key": secrets.token_hex(8)}

    async with service.nothing_appended():
        dry = await request.send(DRY, headers)
        again = await request.send(DRY, headers)

    assert dry.status == again.status == 200, dry.body
    assert (dry.json["success"], dry.json["dry_run"]) == (True, True)
    assert dry.json["changes"], "it would change something"
    assert shown(again.json) == shown(dry.json)
    assert await minted(service, request, dry.body) == [], "nothing that only the real one gives is made up"
    assert "ETag" not in dry.headers
    assert "Patchbay-Position" in dry.headers
    real = await request.send(headers=headers)
    assert real.status == 200, "the key stands for nothing yet"
    assert shown(dry.json) == shown(real.json)


def shown(body: Mapping[str, Any]) -> Any:
    """Return what a dry run and the real one must have in common."""
    kept = {member: value for member, value in body.items() if member not in ("dry_run", "changes", "message")}
    return {
        member: {f: v for f, v in value.items() if f not in ONLY_REAL} if isinstance(value, dict) else value
        for member, value in kept.items()
    }


async def minted(service: Service, request: Request, body: bytes) -> list[str]:
    """Return the ids and secrets in an answer that nobody has."""
    text = body.decode()
    found = re.findall(r"tk_(?:live|test)_\w+", text)
    found += [one for one in re.findall(r"key_\w{26}", text) if one not in request.path]
    for one in re.findall(r"asst_\w{26}", text):
        if (await service.own.send("GET", f"/api/assistants/{one}")).status != 200:
            found.append(one)
    return found


async def test_a_change_is_told_field_by_field(service: Service) -> None:
    assistant = await service.own.create(temperature=0.5)
    path = f"/api/assistants/{assistant['id']}"
    body = {"accountSlug": "my-team", "temperature": 1, "max_tokens": assistant["max_tokens"], "first_message": "Hi"}

    dry = (await service.own.send("PATCH", path + DRY, body)).json

    assert dry["changes"] == [
        {"field": "temperature", "from": 0.5, "to": 1.0},
        {"field": "first_message", "from": assistant["first_message"], "to": "Hi"},
    ]
    assert dry["assistant"] == assistant | {
        "temperature": 1.0,
        "first_message": "Hi",
        "version": 2,
        "updated_at": None,
    }
    assert (await service.own.send("GET", path)).json["assistant"] == assistant


async def test_what_changes_nothing_has_no_changes(service: Service) -> None:
    assistant = await service.own.create()
    body = {"accountSlug": "my-team", "name": assistant["name"]}

    dry = await service.own.send("PATCH", f"/api/assistants/{assistant['id']}{DRY}", body)

    assert dry.json == {"success": True, "dry_run": True, "changes": [], "assistant": assistant}


async def test_whoever_would_lose_a_number_is_told(service: Service) -> None:
    own = service.own
    number, holder, taker = await own.register(), await own.create(), await own.create()
    assert (await own.assign(holder["id"], number["id"])).status == 200
    body = {"accountSlug": "my-team", "phoneNumberIds": [number["id"]], "reassign": True}

    dry = await own.send("PATCH", f"/api/assistants/{taker['id']}/telephony/phone-numbers{DRY}", body)
    release = await own.send("DELETE", f"/api/phone-numbers/{number['id']}{DRY}")

    lost = {"field": "phone_number_ids", "from": [number["id"]], "to": [], "assistant_id": holder["id"]}
    assert dry.json["changes"] == [{"field": "phone_number_ids", "from": [], "to": [number["id"]]}, lost]
    assert release.json["changes"] == [lost, {"field": "account_id", "from": taker["account_id"], "to": None}]


async def test_what_would_be_refused_is_refused(service: Service) -> None:
    own = service.own
    assistant = await own.create()
    path = f"/api/assistants/{assistant['id']}"
    change = {"accountSlug": "my-team", "name": "New"}

    async with service.nothing_appended():
        assert (await own.send("PATCH", path + DRY, change, headers={"If-Match": '"7"'})).code == "version_mismatch"
        assert (await own.send("PATCH", path + DRY, {"accountSlug": "my-team", "x": 1})).issues == {
            ("x", "unknown_field")
        }
        assert (await service.other.send("DELETE", path + DRY)).code == "other_account"
        enabled = {"accountSlug": "my-team", "enabled": True}
        assert (await own.send("POST", f"{path}/telephony/inbound{DRY}", enabled)).code == "inbound_needs_number"
        assert (await own.send("POST", "/api/accounts" + DRY, {"accountSlug": "some-team"})).code == "operators_only"
        assert (await own.send("PATCH", path + "?dry_run=yes", change)).issues == {("dry_run", "malformed")}
        assert (await own.send("GET", path + DRY)).issues == {("dry_run", "unknown_parameter")}


async def test_a_dry_run_under_a_key_that_was_used_is_as_the_real_one(service: Service) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"accountSlug": "my-team", "name": "Once"}
    first = await service.own.send("POST", "/api/assistants", body, headers=headers)

    async with service.nothing_appended():
        same = await service.own.send("POST", "/api/assistants" + DRY, body, headers=headers)
        other = await service.own.send("POST", "/api/assistants" + DRY, {**body, "name": "X"}, headers=headers)

    assert same.json == {"success": True, "dry_run": True, "changes": [], "assistant": first.json["assistant"]}
    assert (other.status, other.code) == (422, "idempotency_key_reused")


async def test_what_was_answered_is_seen_by_the_next_dry_run_of_every_copy(service: Service) -> None:
    assistant = await service.own.create()
    for temperature in (0.1, 0.2, 0.3, 0.4):
        assert (await service.own.patch(assistant["id"], temperature=temperature)).status == 200
        body = {"accountSlug": "my-team", "temperature": 2}
        dry = await service.own.send("PATCH", f"/api/assistants/{assistant['id']}{DRY}", body)

        assert json.loads(dry.body)["changes"] == [{"field": "temperature", "from": temperature, "to": 2.0}]


async def test_dry_run_that_is_false_is_the_real_one(service: Service) -> None:
    assistant = await service.own.create()
    body = {"accountSlug": "my-team", "name": "Newer"}

    reply = await service.own.send("PATCH", f"/api/assistants/{assistant['id']}?dry_run=false", body)

    assert (reply.status, reply.json["assistant"]["version"]) == (200, 2)
