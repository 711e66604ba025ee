"""Every edit of an assistant is a version: who, when, which fields, and what it was by then."""

import secrets
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from tests.contract.api.service import Caller, Reply, Service


def path_of(assistant: Any, *more: str) -> str:
    return "/".join((f"/api/assistants/{assistant['id']}", *more))


async def versions_of(caller: Caller, assistant: Any, query: str = "") -> Any:
    """Return the versions of a page, as they come."""
    reply = await caller.send("GET", path_of(assistant, "versions") + query)
    assert reply.status == 200, reply.body
    return reply.json["versions"]


async def lived(service: Service) -> tuple[Any, list[Reply]]:
    """Return an assistant with five versions, and what GET answered after each."""
    own = service.own
    number = await own.register()
    assistant = await own.create(temperature=0.5)
    answers = [await own.send("GET", path_of(assistant))]
    reason = {"Patchbay-Reason": "Shorter greeting"}
    for change in (
        own.patch(assistant["id"], reason, first_message="Hi", temperature=0.6),
        own.assign(assistant["id"], number["id"]),
        own.patch(assistant["id"], system_prompt=None),
        own.assign((await own.create())["id"], number["id"], reassign=True),
    ):
        assert (await change).status == 200
        answers.append(await own.send("GET", path_of(assistant)))
    return assistant, answers


async def test_the_versions_say_who_changed_what_when_and_why(service: Service) -> None:
    """The newest first."""
    assistant, answers = await lived(service)
    key = next(k for k in (await service.own.send("GET", "/api/keys")).json["keys"] if k["revoked_at"] is None)
    versions = await versions_of(service.own, assistant)

    assert [v["version"] for v in versions] == [5, 4, 3, 2, 1]
    assert [v["time"] for v in versions] == [a.json["assistant"]["updated_at"] for a in reversed(answers)]
    assert [v["type"] for v in versions] == [
        "NumbersAssigned",
        "AssistantUpdated",
        "NumbersAssigned",
        "AssistantUpdated",
        "AssistantCreated",
    ]
    assert [v["changed_fields"] for v in versions[:4]] == [
        ["phone_number_ids"],
        ["system_prompt"],
        ["phone_number_ids"],
        ["temperature", "first_message"],
    ]
    assert "voice_id" in versions[4]["changed_fields"]
    assert [v["reason"] for v in versions] == [None, None, None, "Shorter greeting", None]
    assert {v["actor"][:4] for v in versions} == {key["id"][:4]}
    assert len({v["command_id"] for v in versions}) == 5
    assert {v["restored_from"] for v in versions} == {None}


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_pages_of_versions_join_without_a_gap(service: Service, order: str) -> None:
    assistant, _ = await lived(service)
    found: list[int] = []
    query = f"?order={order}&limit=2"
    cursor = ""
    while True:
        page = (await service.own.send("GET", path_of(assistant, "versions") + query + cursor)).json
        found += [version["version"] for version in page["versions"]]
        assert (page["count"], page["limit"]) == (len(page["versions"]), 2)
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    skipped = await versions_of(service.own, assistant, f"?order={order}&offset=3")

    assert found == ([1, 2, 3, 4, 5] if order == "oldest" else [5, 4, 3, 2, 1])
    assert [version["version"] for version in skipped] == found[3:]


async def test_a_version_and_its_time_give_what_get_answered_then(service: Service) -> None:
    """Byte for byte, ETag included; just before its time, the version before."""
    assistant, answers = await lived(service)
    for number, answer in enumerate(answers, 1):
        time = answer.json["assistant"]["updated_at"]
        for path in (
            path_of(assistant, "versions", str(number)),
            *(path_of(assistant) + f"?at={p}" for p in (number, time)),
        ):
            read = await service.own.send("GET", path)

            assert (read.status, read.body, read.headers["ETag"]) == (200, answer.body, f'"{number}"'), path
            same = await service.own.send("GET", path, headers={"If-None-Match": f'"{number}"'})
            assert (same.status, same.body) == (304, b"")
    for before, after in pairwise(answers):
        read = await service.own.send("GET", path_of(assistant) + f"?at={just_before(after)}")

        assert read.body == before.body


def just_before(answer: Reply) -> str:
    """Return a time one microsecond before an assistant's newest version."""
    time = datetime.fromisoformat(answer.json["assistant"]["updated_at"]) - timedelta(microseconds=1)
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


async def test_two_versions_are_compared_field_by_field(service: Service) -> None:
    assistant, answers = await lived(service)
    shown = [answer.json["assistant"] for answer in answers]
    times = [one["updated_at"] for one in shown]
    diff = await service.own.send("GET", path_of(assistant, "diff") + f"?from=1&to={times[2]}")
    back = await service.own.send("GET", path_of(assistant, "diff") + f"?from={times[2]}&to=1")
    newest = await service.own.send("GET", path_of(assistant, "diff"))

    assert diff.json == {
        "success": True,
        "assistant_id": assistant["id"],
        "from": {"version": 1, "time": times[0]},
        "to": {"version": 3, "time": times[2]},
        "changes": [
            {"field": name, "from": shown[0][name], "to": shown[2][name]}
            for name in ("temperature", "first_message", "phone_number_ids")
        ],
    }
    assert [change["to"] for change in back.json["changes"]] == [change["from"] for change in diff.json["changes"]]
    assert (newest.json["from"]["version"], newest.json["to"]["version"]) == (4, 5)
    assert [change["field"] for change in newest.json["changes"]] == ["phone_number_ids"]


async def test_points_that_cannot_be_asked_for_are_named(service: Service) -> None:
    assistant = await service.own.create()
    wrong = {
        "": "invalid_time",
        "0": "out_of_range",
        "-1": "invalid_time",
        "yesterday": "invalid_time",
        "2026-02-18T14:22:31": "invalid_time",
        "2999-01-01T00:00:00Z": "in_the_future",
        "9999-12-31T23:59:59.999999Z": "in_the_future",
        "1999-01-01T00:00:00Z": "before_the_log",
        "0001-01-01T00:00:00Z": "before_the_log",
    }
    for text, code in wrong.items():
        read = await service.own.send("GET", path_of(assistant) + f"?at={text}")
        compared = await service.own.send("GET", path_of(assistant, "diff") + f"?from={text}&to={text}")

        assert read.issues == {("at", code)}, text
        assert {each for _, each in compared.issues} == {code}
    for query in ("?order=sideways", "?cursor=bmV3ZXN0OjA", "?limit=0", "?at=1"):
        assert (await service.own.send("GET", path_of(assistant, "versions") + query)).status == 400
    cursor = (await service.own.send("GET", path_of((await lived(service))[0], "versions") + "?limit=1")).json[
        "next_cursor"
    ]
    other = await service.own.send("GET", path_of(assistant, "versions") + f"?order=oldest&cursor={cursor}")
    assert other.issues == {("cursor", "malformed")}


async def test_versions_that_never_were_are_not_there(service: Service) -> None:
    first = await service.own.create()
    assistant = await service.own.create()
    before = first["created_at"]
    for version in ("2", "0", "01", "x", "-1", "9999999999", "99999999999999999999", "%00"):
        assert (await service.own.send("GET", path_of(assistant, "versions", version))).status == 404, version
    for query in (f"?at={before}", "?at=2", "?at=999999999999999999999"):
        reply = await service.own.send("GET", path_of(assistant) + query)
        assert (reply.status, reply.code) == (404, "not_found"), query


async def test_another_account_s_past_is_its_own(service: Service) -> None:
    assistant = await service.other.create()
    body = {"accountSlug": "my-team", "version": 1}
    for reply in [
        *[
            await service.own.send("GET", path_of(assistant) + more)
            for more in ("/versions", "/versions/1", "?at=1", "/diff")
        ],
        await service.own.send("POST", path_of(assistant, "restore"), body),
    ]:
        assert (reply.status, reply.code) == (403, "other_account")
    for more in ("/versions", "/versions/1", "?at=1", "/diff?from=1"):
        assert (await service.operator.send("GET", path_of(assistant) + more)).status == 200
        nobody = await service.own.send("GET", "/api/assistants/asst_01jm5yq3v9f1c8z4t2w7x0k6bn" + more)
        assert nobody.status == 404
    reader = service.caller((await service.own.issue(scopes=["phone-numbers:*"]))["secret"])
    refused = await reader.send("GET", path_of(assistant, "versions"))
    assert (refused.status, refused.code) == (403, "missing_scope")


async def test_the_past_of_a_deleted_assistant_stays_readable(service: Service) -> None:
    assistant, answers = await lived(service)
    deleted = await service.own.send("DELETE", path_of(assistant), headers={"Idempotency-Key": secrets.token_hex(8)})
    newest = (await versions_of(service.own, assistant))[0]
    before = await service.own.send("GET", path_of(assistant) + f"?at={answers[4].json['assistant']['updated_at']}")

    assert deleted.status == 200
    assert (newest["version"], newest["type"]) == (6, "AssistantDeleted")
    assert before.body == answers[4].body
    assert (await service.own.send("GET", path_of(assistant, "versions", "5"))).body == answers[4].body
    assert (await service.own.send("GET", path_of(assistant, "diff") + "?from=1&to=5")).status == 200
    for more in ("", "?at=6", f"?at={newest['time']}", "/versions/6", "/diff"):
        assert (await service.own.send("GET", path_of(assistant) + more)).status == 404, more
    assert (await service.other.send("GET", path_of(assistant, "versions"))).status == 403
