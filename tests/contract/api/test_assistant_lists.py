"""Lists of assistants over HTTP: every parameter, every order, and pages that hold while others write."""

import secrets
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import pytest_asyncio
from tests.contract.api.service import Caller, Reply, Service, fresh_account

SORTS = ("name", "-name", "created_at", "-created_at", "updated_at", "-updated_at")


@pytest_asyncio.fixture(loop_scope="session")
async def team(service: Service) -> AsyncIterator[Caller]:
    """Give a key of an account that is this test's alone."""
    async with fresh_account(service) as caller:
        yield caller


async def ask(caller: Caller, **query: object) -> Reply:
    return await caller.send("GET", f"/api/assistants?{urlencode({'accountSlug': caller.slug, **query})}")


async def ids_of(caller: Caller, **query: object) -> list[str]:
    reply = await ask(caller, **query)
    assert reply.status == 200, reply.body
    return [assistant["id"] for assistant in reply.json["assistants"]]


async def test_a_list_shows_whole_records_newest_first(team: Caller) -> None:
    one = await team.create("One", templateId="inbound-support")
    two = await team.create("Two", system_prompt=None)
    reply = await team.send("GET", "/api/assistants")
    read = await team.send("GET", f"/api/assistants/{one['id']}")

    assert reply.json == {"success": True, "assistants": [two, one], "count": 2, "limit": 50, "next_cursor": None}
    assert read.json["assistant"] == one
    assert list(reply.json["assistants"][1]) == list(one)


async def test_each_filter_leaves_what_fits_it(team: Caller) -> None:
    """By itself, and all of them together; what nobody has, and what is put otherwise, fits nothing."""
    other = await team.create("Other", templateId="follow-up")
    wanted = await team.create(
        "Wanted",
        templateId="inbound-support",
        provider="anthropic",
        model="claude-sonnet-4-5",
        voice_provider="elevenlabs",
        transcriptor_provider="assemblyai",
    )
    number = await team.register()
    assigned = (await team.assign(wanted["id"], number["id"])).json["assistant"]
    fits: dict[str, object] = {
        "q": "WANT",
        "type": "inbound-support",
        "provider": "anthropic",
        "model": "claude-sonnet-4-5",
        "voice_provider": "elevenlabs",
        "transcriptor_provider": "assemblyai",
        "inbound_enabled": "true",
        "phone_number_id": number["id"],
        "updated_since": assigned["updated_at"],
    }
    for name, value in fits.items():
        assert await ids_of(team, **{name: value}) == [wanted["id"]], name
    assert await ids_of(team, **fits) == [wanted["id"]]
    assert await ids_of(team, **fits | {"type": "custom"}) == []
    assert await ids_of(team, inbound_enabled="false") == [other["id"]]
    assert await ids_of(team, model="claude") == []


async def test_what_a_retired_model_breaks_is_found(team: Caller) -> None:
    """Also when it was chosen later, and not any more when another was."""
    await team.create("Lives")
    breaks = await team.create("Breaks", model="gpt-5")
    later = await team.create("Later")
    mended = await team.create("Mended", model="gpt-5")
    await team.patch(later["id"], model="gpt-5")
    await team.patch(mended["id"], model="gpt-6-luna")

    assert await ids_of(team, provider="openai", model="gpt-5", sort="name") == [breaks["id"], later["id"]]


async def test_q_is_part_of_a_name_whatever_its_case_or_an_id(team: Caller) -> None:
    one = await team.create("Straße 100%_\\ Süd")
    two = await team.create("Other")
    for part in ("STRASSE", "100%", "%_\\", "su\u0308d", "", one["name"]):
        assert one["id"] in await ids_of(team, q=part), part
    assert await ids_of(team, q="Str_") == []
    assert await ids_of(team, q=two["id"]) == [two["id"]]
    assert await ids_of(team, q=two["id"][:-1]) == []
    assert await ids_of(team, q=two["id"], type="follow-up") == []


async def test_updated_since_tells_what_changed_from_that_moment_on(team: Caller) -> None:
    """The moment itself belongs to it, whichever offset it is written with."""
    await team.create("Before")
    one = await team.create("One")
    two = await team.create("Two")
    changed = (await team.patch(one["id"], name="One again")).json["assistant"]
    moment = datetime.fromisoformat(two["updated_at"]).astimezone(timezone(timedelta(hours=2))).isoformat()

    assert await ids_of(team, updated_since=moment, sort="updated_at") == [two["id"], one["id"]]
    assert await ids_of(team, updated_since=changed["updated_at"]) == [one["id"]]
    assert await ids_of(team, updated_since="2999-01-01T00:00:00Z") == []


@pytest.mark.parametrize("sort", SORTS)
async def test_a_list_is_in_the_order_that_was_asked_for(team: Caller, sort: str) -> None:
    names = ("b", "A", "a", "B", "\u00c4", "c")
    created = [(await team.create(name))["id"] for name in names]
    updated = [created[2], created[0], created[5]]
    for assistant_id in updated:
        await team.patch(assistant_id, temperature=0.1)
    orders = {
        "name": [created[n] for n in (1, 2, 0, 3, 5, 4)],
        "created_at": created,
        "updated_at": [each for each in created if each not in updated] + updated,
    }
    expected = orders[sort.removeprefix("-")]

    assert await ids_of(team, sort=sort) == (expected[::-1] if sort.startswith("-") else expected)
    assert await ids_of(team, sort=sort, limit=2, offset=3) == (expected[::-1] if sort[0] == "-" else expected)[3:5]


async def test_a_deleted_assistant_is_in_no_list(team: Caller) -> None:
    kept, gone = await team.create("Kept"), await team.create("Gone")
    number = await team.register()
    await team.assign(gone["id"], number["id"])
    assert (await team.send("DELETE", f"/api/assistants/{gone['id']}", {"accountSlug": team.slug})).status == 200

    assert await ids_of(team) == [kept["id"]]
    assert await ids_of(team, q=gone["id"]) == await ids_of(team, phone_number_id=number["id"]) == []


@pytest.mark.parametrize(
    ("query", "issues"),
    [
        ("sort=created", {("sort", "unknown_value")}),
        ("sort=-name,created_at&limit=0", {("sort", "unknown_value"), ("limit", "out_of_range")}),
        ("type=sales&provider=nobody", {("type", "unknown_value"), ("provider", "unknown_provider")}),
        ("voice_provider=openai", {("voice_provider", "unknown_provider")}),
        ("transcriptor_provider=x", {("transcriptor_provider", "unknown_provider")}),
        ("model=", {("model", "empty")}),
        ("inbound_enabled=1", {("inbound_enabled", "wrong_type")}),
        ("phone_number_id=%2B4930", {("phone_number_id", "invalid_id")}),
        ("updated_since=2026-11-23", {("updated_since", "invalid_time")}),
        ("q=" + "x" * 201, {("q", "too_long")}),
        ("limit=201&offset=10001", {("limit", "out_of_range"), ("offset", "out_of_range")}),
        ("cursor=AAAA", {("cursor", "malformed")}),
        ("page=2&voiceProvider=x", {("page", "unknown_parameter"), ("voiceProvider", "unknown_parameter")}),
        ("sort=name&sort=name", {("sort", "duplicate_parameter")}),
    ],
)
async def test_a_parameter_that_cannot_be_is_refused_and_named(
    service: Service, query: str, issues: set[tuple[str, str]]
) -> None:
    assert (await service.own.send("GET", f"/api/assistants?{query}")).issues == issues


async def test_a_cursor_leads_on_in_its_own_list_only(service: Service, team: Caller) -> None:
    """Not with other filters, another order, another account, beside an offset, or changed; another limit will do."""
    for name in ("a", "b", "c"):
        await team.create(name)
    cursor = (await ask(team, sort="name", q="", limit=1)).json["next_cursor"]
    assert [each["name"] for each in (await ask(team, sort="name", limit=5, cursor=cursor)).json["assistants"]] == [
        "b",
        "c",
    ]
    changed = cursor[:-2] + ("B" if cursor[-2] == "A" else "A") + cursor[-1]
    refused = [
        await ask(team, sort="-name", cursor=cursor),
        await ask(team, cursor=cursor),
        await ask(team, sort="name", q="a", cursor=cursor),
        await ask(team, sort="name", type="custom", cursor=cursor),
        await ask(service.own, sort="name", cursor=cursor),
        await ask(team, sort="name", cursor=changed),
    ]
    both = await ask(team, sort="name", cursor=cursor, offset=1)

    assert [reply.issues for reply in refused] == [{("cursor", "malformed")}] * len(refused)
    assert both.issues == {("offset", "not_with_cursor")}


async def test_a_list_is_the_account_s_own(service: Service, team: Caller) -> None:
    mine = await team.create()
    number = await service.other.register()
    stranger = await service.own.create()
    operator = Caller(team.session, team.url, service.operator.secret, team.slug)
    unnamed = await service.operator.send("GET", "/api/assistants")
    unheard_of = await service.operator.send("GET", "/api/assistants?accountSlug=unheard-of")
    writer = await operator.issue(scopes=["assistants:write"])
    lacking = await service.caller(writer["secret"]).send("GET", "/api/assistants")

    assert await ids_of(team, q=stranger["id"]) == await ids_of(team, phone_number_id=number["id"]) == []
    assert await ids_of(operator) == [mine["id"]]
    assert (unnamed.issues, unheard_of.status) == ({("accountSlug", "required")}, 404)
    assert (lacking.status, lacking.code) == (403, "missing_scope")
    refused = await team.send("GET", "/api/assistants?accountSlug=my-team")
    assert (refused.status, refused.code) == (403, "other_account")


async def test_the_widest_name_has_a_cursor_too(team: Caller) -> None:
    """Two hundred characters that become three of four bytes each."""
    name = "\U0001d160" * 200
    made = {(await team.create(name))["id"] for _ in range(2)}
    first = (await ask(team, sort="name", limit=1)).json
    second = await team.send(
        "GET", f"/api/assistants?sort=name&limit=1&cursor={quote(first['next_cursor'])}&accountSlug={team.slug}"
    )

    assert {first["assistants"][0]["id"], second.json["assistants"][0]["id"]} == made
    assert await ids_of(team, q=name[:100]) != []


async def pages(team: Caller, disturb: Any, **query: object) -> list[str]:
    """Return the ids of a whole list, with something written between any two pages."""
    seen: list[str] = []
    reply = (await ask(team, **query)).json
    while True:
        seen += [assistant["id"] for assistant in reply["assistants"]]
        if reply["next_cursor"] is None:
            return seen
        await disturb()
        reply = (await ask(team, **query, cursor=reply["next_cursor"])).json


async def test_pages_show_each_unchanged_assistant_exactly_once(team: Caller) -> None:
    """In every order, whatever is created, changed and deleted between them."""
    random = Random(5)
    names = ("alpha", "Beta", "beta", "gamma")
    still = [(await team.create(random.choice(names)))["id"] for _ in range(14)]
    moving = [(await team.create(random.choice(names)))["id"] for _ in range(6)]

    async def disturb() -> None:
        for _ in range(2):
            assistant_id = random.choice(moving)
            match random.randrange(4):
                case 0:
                    moving.append((await team.create(random.choice(names)))["id"])
                case 1 if len(moving) > 2:
                    moving.remove(assistant_id)
                    await team.send("DELETE", f"/api/assistants/{assistant_id}", {"accountSlug": team.slug})
                case _:
                    await team.patch(assistant_id, name=f"{random.choice(names)} {secrets.token_hex(1)}")

    for sort in SORTS:
        before = [each for each in await ids_of(team, sort=sort, limit=200) if each in still]
        seen = await pages(team, disturb, sort=sort, limit=random.choice((2, 3, 5)))

        assert [each for each in seen if each in still] == before, sort
        assert sorted(before) == sorted(still)
