"""Saying what the assistant of a name is to be."""

import asyncio
import secrets
from typing import Any
from urllib.parse import quote

from tests.contract.api.service import Caller, Reply, Service


async def declare(caller: Caller, name: str, headers: dict[str, str] | None = None, /, **fields: Any) -> Reply:
    """Declare an assistant of the caller's account."""
    path = f"/api/assistants/by-name/{quote(name, safe='')}"
    return await caller.send("PUT", path, {"accountSlug": caller.slug, **fields}, headers=headers)


def fresh(prefix: str = "Agent") -> str:
    return f"{prefix} {secrets.token_hex(6)}"


async def test_a_declaration_creates_then_changes_then_does_nothing(service: Service) -> None:
    own, name = service.own, fresh("Größe 1/2 %41")

    made = await declare(own, name, templateId="follow-up", temperature=0.2)
    changed = await declare(own, name, templateId="follow-up", temperature=0.3)
    async with service.nothing_appended():
        same = await declare(own, name, temperature=0.3)

    assert (made.status, changed.status, same.status) == (200, 200, 200)
    record = made.json["assistant"]
    assert (record["name"], record["type"], record["temperature"], record["version"]) == (name, "follow-up", 0.2, 1)
    assert changed.json["assistant"]["id"] == record["id"]
    assert (changed.json["assistant"]["temperature"], changed.headers["ETag"]) == (0.3, '"2"')
    assert same.json["assistant"] == changed.json["assistant"]
    assert (await own.send("GET", f"/api/assistants/{record['id']}")).json["assistant"] == same.json["assistant"]


async def test_twenty_declarations_at_once_make_one_assistant(service: Service) -> None:
    names = [fresh() for _ in range(5)]

    replies = await asyncio.gather(
        *(declare(service.own, name, max_tokens=7, inbound_enabled=True) for _ in range(20) for name in names)
    )

    assert {reply.status for reply in replies} == {200}
    made = {(reply.json["assistant"]["name"], reply.json["assistant"]["id"]) for reply in replies}
    assert sorted(name for name, _ in made) == sorted(names)
    assert {reply.json["assistant"]["version"] for reply in replies} == {1}


async def test_two_of_the_same_name_are_told_apart_by_nobody(service: Service) -> None:
    own, name = service.own, fresh()
    ids = sorted([(await own.create(name))["id"], (await own.create(name))["id"]])
    await own.create(name.upper())

    async with service.nothing_appended():
        refused = await declare(own, name, temperature=0.3)

    assert (refused.status, refused.code, refused.json["assistant_ids"]) == (409, "ambiguous_name", ids)
    assert all(one in refused.json["error"] for one in ids)
    assert (await own.send("DELETE", f"/api/assistants/{ids[0]}")).status == 200
    assert (await declare(own, name)).json["assistant"]["id"] == ids[1]
    assert (await own.patch(ids[1], name=fresh())).status == 200
    assert (await declare(own, name)).json["assistant"]["id"] not in ids


async def test_a_name_is_an_accounts_own(service: Service) -> None:
    name = fresh()

    one, other = await declare(service.own, name), await declare(service.other, name)

    assert one.json["assistant"]["id"] != other.json["assistant"]["id"]


async def test_conditions_of_a_declaration(service: Service) -> None:
    own, name = service.own, fresh()

    nothing = await declare(own, name, {"If-Match": '"1"'})
    made = await declare(own, name, {"If-None-Match": "*"})
    again = await declare(own, name, {"If-None-Match": "*"}, temperature=0.9)
    stale = await declare(own, name, {"If-Match": '"7"'}, temperature=0.9)
    current = await declare(own, name, {"If-Match": '"1"'}, temperature=0.9)

    assert (nothing.status, nothing.code) == (412, "nothing_to_match")
    assert made.status == 200
    assert (again.status, again.code, again.json["assistant_id"]) == (412, "name_in_use", made.json["assistant"]["id"])
    assert (stale.status, stale.code) == (412, "version_mismatch")
    assert (current.status, current.headers["ETag"]) == (200, '"2"')
    assert (await declare(own, name, {"If-None-Match": '"1"'})).issues == {("If-None-Match", "malformed")}


async def test_what_a_declaration_says_wrongly_is_told(service: Service) -> None:
    own, name = service.own, fresh()
    made = await declare(own, name, templateId="custom")

    async with service.nothing_appended():
        assert (await declare(own, name, templateId="follow-up")).code == "type_differs"
        assert (await declare(own, "x" * 201, name="y", templateId="z", temperature=9)).issues == {
            ("name", "too_long"),
            ("name", "contradiction"),
            ("templateId", "unknown_template"),
            ("temperature", "out_of_range"),
        }
        assert (await own.send("PUT", "/api/assistants/by-name/%ff", {"accountSlug": "my-team"})).issues == {
            ("name", "invalid_characters")
        }
        body = {"accountSlug": "my-team"}
        assert (await service.other.send("PUT", "/api/assistants/by-name/A", body)).code == "other_account"
        assert (await own.send("PUT", "/api/assistants/by-name/", body)).status == 404
        assert (await own.send("GET", "/api/assistants/by-name/A")).status == 405

    assert made.json["assistant"]["version"] == 1
