"""GET /api/audit: an account's own past, the same that a reading of the whole log gives."""

import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest_asyncio
from tests.contract.api.service import Caller, Service, fresh_account, fresh_number
from tests.system.guarantees.folding import read_log

from patchbay.api.live import LiveGenerations, read_generations
from patchbay.api.reading.audit import CHUNK_EVENTS, AuditTrail
from patchbay.api.reading.audit_sources import Wanted
from patchbay.api.reading.number_history import NumberHistory
from patchbay.api.reading.reader import Reader
from patchbay.api.reading.versions import Versions
from patchbay.assistants import ids
from patchbay.cli.audit.recalling import Recall
from patchbay.client import Patchbay
from patchbay.eventlog import open_log
from patchbay.postgres import open_pool

Entries = list[dict[str, Any]]


class Past(msgspec.Struct, frozen=True):
    """An account with a past, and who may ask for it."""

    caller: Caller
    account_id: str
    assistants: list[str]  # the last one is deleted
    number: str
    moments: list[str]  # of the first assistant's versions


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def past(service: Service) -> Any:
    """Give an account in which everything was done that can be done."""
    async with fresh_account(service) as caller:
        number = await caller.register(phone := fresh_number())
        await caller.send("DELETE", f"/api/phone-numbers/{number['id']}")
        await service.other.register(phone)  # somebody else has it for a while
        await service.other.assign((await service.other.create("Theirs"))["id"], number["id"])
        await service.other.send("DELETE", f"/api/phone-numbers/{number['id']}")
        await caller.register(phone)
        one = await caller.create("One", templateId="inbound-support")
        two, three = await caller.create("Two"), await caller.create("Three")
        path = f"/api/phone-numbers/{number['id']}"
        for fields in ({"fallback": "+4930111111"}, {"status": "suspended", "fallback": None}, {"status": "active"}):
            await service.operator.send("PATCH", path, {"accountSlug": caller.slug, **fields})
        moments = [one["updated_at"]]
        for number_of in range(70):  # more than lie between two milestones
            reply = await caller.patch(one["id"], {"Patchbay-Reason": "louder"}, temperature=number_of / 100)
            moments.append(reply.json["assistant"]["updated_at"])
        for each in (one, two, three):
            await caller.assign(each["id"], number["id"], reassign=True)
        await caller.send("POST", f"/api/assistants/{one['id']}/restore", {"accountSlug": caller.slug, "version": 3})
        await caller.send("POST", f"/api/assistants/{one['id']}/clone", {"accountSlug": caller.slug})
        await caller.send("DELETE", f"/api/assistants/{three['id']}")
        key = await caller.issue(name="short-lived")
        await caller.send("DELETE", f"/api/keys/{key['id']}")
        await caller.send("DELETE", path)
        assistants = [each["id"] for each in (one, two, three)]
        yield Past(caller, number["account_id"], assistants, number["id"], moments)


async def audit(caller: Caller, **query: object) -> Entries:
    """Return all entries, page by page, the newest first."""
    found: Entries = []
    cursor: dict[str, object] = {}
    while True:
        reply = await caller.send("GET", f"/api/audit?{urlencode({**query, **cursor})}")
        assert reply.status == 200, reply.body
        found += reply.json["audit"]
        assert reply.json["count"] == len(reply.json["audit"]) <= reply.json["limit"]
        if reply.json["next_cursor"] is None:
            return found
        cursor = {"cursor": reply.json["next_cursor"]}


async def recalled(service: Service, wanted: str, account_id: str) -> Entries:
    """Return what the log itself tells of an assistant, a number or an account, the newest first."""
    log = await read_log(service.kafka, service.topic)
    recall, told = Recall(wanted), []
    for accepted in log.accepted:
        told += [msgspec.to_builtins(entry) for entry in recall.take(accepted.envelope)]
    mine = [each for each in told if each["stream"] in (account_id, wanted) or wanted == account_id]
    return sorted(mine, key=lambda each: (each["time"], each["stream"], each["height"]), reverse=True)


def flat(entries: Entries) -> list[list[Any]]:
    """Return every change by itself, of the API's entries and of the log's."""
    rows = [
        [
            *(entry[name] for name in ("time", "type", "stream", "height", "actor", "reason", "command_id")),
            change.get("subject", entry["subject"]),
            change["field"],
            change["from"] if "from" in change else change["before"],
            change["to"] if "to" in change else change["after"],
        ]
        for entry in entries
        for change in entry["changes"]
    ]
    found: list[list[Any]] = msgspec.json.decode(msgspec.json.encode(rows))
    return sorted(found, key=str)


async def test_an_audit_is_what_the_log_itself_tells(service: Service, past: Past) -> None:
    """Every field before and after; of the account, of an assistant, of a number that others had in between."""
    for query, wanted in (
        ({}, past.account_id),
        *(({"assistant_id": each}, each) for each in past.assistants),
        ({"phone_number_id": past.number}, past.number),
    ):
        found = await audit(past.caller, limit=200, **query)
        expected = await recalled(service, wanted, past.account_id)
        if wanted == past.number:  # the log tells an operator the others' part as well
            expected = [each for each in expected if each["stream"] == past.account_id] + [
                each
                for each in expected
                if each["stream"] == past.number and (each["time"], each["height"]) in _places(found)
            ]
            assert [each["type"] for each in found].count("NumberRegistered") == 2

        assert flat(found) == flat(expected)
        assert [each["time"] for each in found] == sorted((each["time"] for each in found), reverse=True)
        assert all(each["actor"] and each["command_id"] for each in found)


def _places(entries: Entries) -> set[tuple[str, int]]:
    return {(each["time"], each["height"]) for each in entries}


async def test_it_tells_who_when_why_and_what(past: Past) -> None:
    newest, *_ = await audit(past.caller, assistant_id=past.assistants[0], field="temperature", limit=1)
    louder = (await audit(past.caller, assistant_id=past.assistants[0], field="temperature"))[1]

    assert newest["changes"][0]["field"] == "temperature"
    assert (louder["reason"], louder["type"], louder["time"]) == ("louder", "AssistantUpdated", past.moments[-1])
    assert louder["changes"] == [
        {"subject": past.assistants[0], "field": "temperature", "from": 0.68, "to": 0.69},
    ]


async def test_filters_leave_what_they_say_and_nothing_else(past: Past) -> None:
    whole = await audit(past.caller, limit=200)
    since, until = past.moments[10], past.moments[30]
    between = [each for each in whole if since <= each["time"] <= until]
    actors = {each["actor"] for each in whole}
    operators = [each for each in whole if each["type"] == "NumberUpdated"]
    of_one = {"assistant_id": past.assistants[0]}
    held = await audit(past.caller, field="phone_number_ids")

    assert len(between) == 21
    assert await audit(past.caller, since=since, until=until) == between
    assert await audit(past.caller, since=since, until=until, **of_one) == between
    assert len(actors) == 2  # the account's key, and the operators'
    assert await audit(past.caller, actor=operators[0]["actor"], phone_number_id=past.number) == operators
    by_key = [await audit(past.caller, actor=actor) for actor in actors]
    assert sorted(map(len, by_key)) == sorted(sum(each["actor"] == actor for each in whole) for actor in actors)
    assert await audit(past.caller, actor="key_x") == []
    assert {change["field"] for each in held for change in each["changes"]} == {"phone_number_ids"}
    # Three assignments, of which two took the number from another, its deletion with the last, and none by a creation.
    assert [len(each["changes"]) for each in held] == [1, 2, 2, 1]
    # What the number's own stream says while it was the account's: twice registered and released, three changes.
    of_number = await audit(past.caller, phone_number_id=past.number, since=whole[-1]["time"], until=whole[0]["time"])
    assert sum(each["stream"] == past.number for each in of_number) == 7


async def test_pages_join_without_a_gap_however_small_they_are(past: Past) -> None:
    for query in ({}, {"assistant_id": past.assistants[0]}, {"phone_number_id": past.number}):
        whole = await audit(past.caller, limit=200, **query)

        assert await audit(past.caller, limit=3, **query) == whole
        assert await audit(past.caller, limit=7, until=whole[2]["time"], **query) == whole[2:]


async def test_a_cursor_leads_on_in_its_own_list_only(service: Service, past: Past) -> None:
    first = await past.caller.send("GET", "/api/audit?limit=1")
    cursor = first.json["next_cursor"]
    wrong = [f"?cursor={cursor}&actor=key_x", "?cursor=bm90IG91cnM", f"?cursor={cursor}&accountSlug=other-team"]
    refused = [await past.caller.send("GET", f"/api/audit{query}") for query in wrong[:2]]
    foreign = await past.caller.send("GET", f"/api/audit{wrong[2]}")
    others = await service.other.send("GET", f"/api/audit?cursor={cursor}")

    assert [each.issues for each in (*refused, others)] == [{("cursor", "malformed")}] * 3
    assert (foreign.status, foreign.code) == (403, "other_account")


async def test_an_account_sees_nothing_of_another_s_past(service: Service, past: Past) -> None:
    """Not by its slug, an assistant's id or a number's; nor of the time when somebody else had its number."""
    theirs = await service.other.register()
    queries = {
        f"accountSlug={past.caller.slug}": (403, "other_account"),
        f"assistant_id={past.assistants[0]}": (403, "other_account"),
        f"phone_number_id={theirs['id']}": (403, "other_account"),
        "phone_number_id=pn_7zzzzzzzzzzzzzzzzzzzzzzzzz": (404, "not_found"),
        "assistant_id=asst_01jm0000000000000000000001": (404, "not_found"),
    }
    for query, refusal in queries.items():
        asking = past.caller if query.startswith("phone") else service.other
        reply = await asking.send("GET", f"/api/audit?{query}")
        assert (reply.status, reply.code) == refusal, query
    log_id = (await open_log(service.kafka, service.topic)).log_id
    stranger = ids.account_id(log_id, "other-team")
    mine = await audit(past.caller, limit=200)
    shared = await audit(service.other, phone_number_id=past.number)

    assert stranger not in str(mine)
    assert {each["stream"] for each in mine} == {past.account_id, past.number}
    assert {each["type"] for each in shared} == {"NumberReleased", "NumberRegistered", "NumbersAssigned"}
    assert past.account_id not in str(shared)


async def test_operators_name_the_account_that_they_ask_about(service: Service, past: Past) -> None:
    whole = await audit(past.caller)
    unnamed = await service.operator.send("GET", "/api/audit")
    nobody_s = await service.operator.send("GET", "/api/audit?accountSlug=nobody-there")
    other_s = await service.operator.send("GET", f"/api/audit?accountSlug=my-team&assistant_id={past.assistants[0]}")

    assert await audit(service.operator, accountSlug=past.caller.slug) == whole
    assert unnamed.issues == {("accountSlug", "required")}
    assert (nobody_s.status, other_s.status) == (404, 404)


async def test_it_takes_the_scope_audit_read_and_no_other(service: Service, past: Past) -> None:
    reader = service.caller((await past.caller.issue(scopes=["audit:read"]))["secret"], past.caller.slug)
    other = service.caller((await past.caller.issue(scopes=["assistants:*", "keys:*"]))["secret"], past.caller.slug)

    assert (await reader.send("GET", "/api/audit?limit=1")).status == 200
    assert (await reader.send("GET", "/api/assistants")).status == 403
    assert (await other.send("GET", "/api/audit")).code == "missing_scope"


async def test_what_is_asked_wrongly_is_named(past: Past) -> None:
    one = past.assistants[0]
    query = {"since": "yesterday", "field": "mood", "assistant_id": one, "phone_number_id": past.number, "limit": "0"}
    reply = await past.caller.send("GET", f"/api/audit?{urlencode(query)}")
    unknown = await past.caller.send("GET", "/api/audit?offset=1")

    assert {path for path, _ in reply.issues} == {"since", "field", "phone_number_id", "limit"}
    assert unknown.status == 400


async def test_no_secret_is_in_it(past: Past) -> None:
    whole = await audit(past.caller, limit=200)
    fields = {change["field"] for entry in whole for change in entry["changes"]}
    digest = hashlib.sha256((past.caller.secret or "").encode()).hexdigest()

    assert {"hint", "scopes", "revoked"} <= fields
    assert not [field for field in fields if field.startswith("secret")]
    assert digest not in str(whole)
    assert (past.caller.secret or "") not in str(whole)


async def test_a_page_ends_where_much_was_looked_at_in_vain(service: Service, past: Past) -> None:
    """Few of a million events may be wanted: a page costs no more for that, and its cursor goes on."""
    whole = await audit(past.caller, limit=200)
    expected = [each for each in whole if each["type"] == "AccountOpened"]
    async with open_pool(
        service.environment["DATABASE_URL"],
        name="test",
        min_connections=1,
        max_connections=1,
        command_timeout_seconds=10.0,
    ) as pool:
        reader = Reader(pool, LiveGenerations(pool, await read_generations(pool)))
        trail = AuditTrail(reader, Versions(reader), NumberHistory(reader), looked_at_events=CHUNK_EVENTS)
        wanted = Wanted(account_id=past.account_id, field="slug")
        pages = [await trail.page(wanted, wanted.begin, 10)]
        while (last := pages[-1].last) is not None:
            pages.append(await trail.page(wanted, last, 10))

    assert len(pages) == -(-len(whole) // CHUNK_EVENTS)
    assert [len(page.entries) for page in pages] == [0] * (len(pages) - 1) + [1]
    assert [json.loads(content)["time"] for content in pages[-1].entries] == [expected[0]["time"]]


async def test_the_client_walks_through_it(service: Service, past: Past) -> None:
    async with Patchbay(service.url, past.caller.secret or "", account=past.caller.slug) as client:
        found = await client.audit.list(assistant_id=past.assistants[0], field="temperature", limit=20).all()

        assert len(found) == 72
        assert [(each.before, each.after) for each in found[1].changes] == [(0.68, 0.69)]
        assert found[1].reason == "louder"
