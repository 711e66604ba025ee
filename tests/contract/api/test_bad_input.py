"""What a client can get wrong: the status of the contract, every issue listed, nothing appended."""

import json

import pytest
from tests.contract.api.service import Service, fresh_number

CREATE = {"accountSlug": "my-team", "name": "Sales Agent"}
UNKNOWN_ASSISTANT = "asst_01jm0000000000000000000000"


def with_text(text: str) -> bytes:
    return b'{"accountSlug": "my-team", "name": "A", "system_prompt": ' + text.encode() + b"}"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b'{"accountSlug": "my-team", "name": "A"',
        b'{"accountSlug": "my-team", "name": "A"} {}',
        b'{"accountSlug": "my-team", "name": "A", "name": "B"}',
        b'{"accountSlug": "my-team", "name": "A", "temperature": NaN}',
        b'{"accountSlug": "my-team", "name": "A", "temperature": Infinity}',
        b'{"accountSlug": "my-team", "name": "\xff"}',
        b'{"accountSlug": "my-team", "name": "A", "max_tokens": ' + b"9" * 10_000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 20_000,
    ],
)
async def test_what_is_not_one_json_object_is_refused(service: Service, data: bytes) -> None:
    async with service.nothing_appended():
        reply = await service.own.send("POST", "/api/assistants", data=data)

    assert {path for path, _ in reply.issues} == {""}


@pytest.mark.parametrize(
    ("change", "issue"),
    [
        ({"name": ""}, ("name", "empty")),
        ({"name": "   "}, ("name", "empty")),
        ({"name": "x" * 201}, ("name", "too_long")),
        ({"name": "x" * 10_000}, ("name", "too_long")),
        ({"name": None}, ("name", "not_nullable")),
        ({"name": 3}, ("name", "wrong_type")),
        ({"name": ["A"]}, ("name", "wrong_type")),
        ({"temperature": 2.01}, ("temperature", "out_of_range")),
        ({"temperature": -0.01}, ("temperature", "out_of_range")),
        ({"temperature": "0.5"}, ("temperature", "wrong_type")),
        ({"temperature": True}, ("temperature", "wrong_type")),
        ({"temperature": None}, ("temperature", "not_nullable")),
        ({"max_tokens": 0}, ("max_tokens", "out_of_range")),
        ({"max_tokens": 1.5}, ("max_tokens", "wrong_type")),
        ({"max_tokens": 10**30}, ("max_tokens", "out_of_range")),
        ({"recording_enabled": 1}, ("recording_enabled", "wrong_type")),
        ({"recording_enabled": "true"}, ("recording_enabled", "wrong_type")),
        ({"templateId": "nope"}, ("templateId", "unknown_template")),
        ({"provider": "nope"}, ("provider", "unknown_provider")),
        ({"voice_provider": "nope"}, ("voice_provider", "unknown_provider")),
        ({"transcriptor_provider": "nope"}, ("transcriptor_provider", "unknown_provider")),
        ({"transcriptor_language": "en_US_x!"}, ("transcriptor_language", "invalid_language")),
        ({"first_message": "x" * 4_001}, ("first_message", "too_long")),
        ({"system_prompt": "x" * 60_001}, ("system_prompt", "too_long")),
        ({"voice_id": "x" * 201}, ("voice_id", "too_long")),
        ({"system_prompt": "a\0b"}, ("system_prompt", "invalid_characters")),
        ({"name": "a\ud800b"}, ("name", "invalid_characters")),
        ({"system_prompt": "a\udfffb"}, ("system_prompt", "invalid_characters")),
        ({"colour": "blue"}, ("colour", "unknown_field")),
        ({"phone_number_ids": []}, ("phone_number_ids", "unknown_field")),
        ({"version": 7}, ("version", "unknown_field")),
        ({"accountSlug": 7}, ("accountSlug", "wrong_type")),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_field_that_is_wrong_is_named(
    service: Service, method: str, change: dict[str, object], issue: tuple[str, str]
) -> None:
    path = "/api/assistants" if method == "POST" else f"/api/assistants/{UNKNOWN_ASSISTANT}"
    if method == "PATCH" and "templateId" in change:
        issue = ("templateId", "unknown_field")
    async with service.nothing_appended():
        reply = await service.own.send(method, path, CREATE | change)

    assert reply.issues == {issue}


async def test_every_issue_is_listed_not_only_the_first(service: Service) -> None:
    body = {"name": "", "temperature": 3, "colour": "blue", "max_tokens": "many", "templateId": "nope"}
    async with service.nothing_appended():
        reply = await service.own.send("POST", "/api/assistants", body)

    assert {path for path, _ in reply.issues} == {
        "accountSlug",
        "name",
        "temperature",
        "colour",
        "max_tokens",
        "templateId",
    }


async def test_a_model_of_another_provider_is_named(service: Service) -> None:
    async with service.nothing_appended():
        reply = await service.own.send(
            "POST", "/api/assistants", CREATE | {"provider": "anthropic", "model": "gpt-4o-mini"}
        )

    assert reply.issues == {("model", "model_of_another_provider")}


async def test_a_model_that_contradicts_the_assistant_is_a_conflict(service: Service) -> None:
    assistant = await service.own.create(provider="anthropic")
    async with service.nothing_appended():
        reply = await service.own.patch(assistant["id"], model="gpt-4o-mini")

    assert (reply.status, reply.code) == (409, "model_of_another_provider")


async def test_a_prompt_over_the_body_s_limit_is_refused_unread(service: Service) -> None:
    async with service.nothing_appended():
        reply = await service.own.send("POST", "/api/assistants", CREATE | {"system_prompt": "x" * 300_000})

    assert (reply.status, reply.code) == (413, "body_too_large")


@pytest.mark.parametrize("path", ["asst_01jm0000000000000000000000", "asst_nope", "pn_01jm0000000000000000000000", "x"])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_an_id_that_does_not_exist_or_is_of_another_kind_is_not_found(
    service: Service, method: str, path: str
) -> None:
    async with service.nothing_appended():
        body = None if method == "GET" else {"accountSlug": "my-team", "name": "B"}
        reply = await service.own.send(method, f"/api/assistants/{path}", body)

    assert reply.status == 404
    assert path in reply.json["error"]


async def test_an_account_s_own_number_is_no_assistant(service: Service) -> None:
    number = await service.own.register()

    assert (await service.own.send("GET", f"/api/assistants/{number['id']}")).status == 404


async def test_an_assistant_of_another_account_is_forbidden(service: Service) -> None:
    foreign = await service.other.create()
    async with service.nothing_appended():
        read = await service.own.send("GET", f"/api/assistants/{foreign['id']}")
        changed = await service.own.patch(foreign["id"], name="Mine")
        assigned = await service.own.assign(foreign["id"])

    assert {reply.status for reply in (read, changed, assigned)} == {403}
    assert {reply.code for reply in (read, changed, assigned)} == {"other_account"}


@pytest.mark.parametrize("slug", ["other-team", "nobody-has-this"])
async def test_the_slug_of_another_account_is_forbidden(service: Service, slug: str) -> None:
    assistant = await service.own.create()
    body = {"accountSlug": slug, "name": "A"}
    async with service.nothing_appended():
        replies = [
            await service.own.send("POST", "/api/assistants", body),
            await service.own.send("PATCH", f"/api/assistants/{assistant['id']}", body),
            await service.own.send("POST", "/api/phone-numbers", {"accountSlug": slug, "phoneNumber": fresh_number()}),
            await service.own.send("GET", f"/api/phone-numbers?accountSlug={slug}"),
            await service.own.send("POST", "/api/keys", {"accountSlug": slug, "name": "k"}),
        ]

    assert [(reply.status, reply.code) for reply in replies] == [(403, "other_account")] * 5


async def test_the_number_of_another_account_is_as_if_it_did_not_exist(service: Service) -> None:
    assistant = await service.own.create()
    own, foreign = await service.own.register(), await service.other.register()
    unknown = "pn_7zzzzzzzzzzzzzzzzzzzzzzzzz"
    async with service.nothing_appended():
        reply = await service.own.assign(assistant["id"], own["id"], foreign["id"], unknown)

    assert (reply.status, reply.code) == (404, "number_not_found")
    assert reply.json["phone_number_ids"] == [foreign["id"], unknown]


async def test_a_number_held_by_another_assistant_is_a_conflict_unless_reassigned(service: Service) -> None:
    first, second = await service.own.create("First"), await service.own.create("Second")
    number = await service.own.register()
    await service.own.assign(first["id"], number["id"])
    async with service.nothing_appended():
        refused = await service.own.assign(second["id"], number["id"])
    moved = await service.own.assign(second["id"], number["id"], reassign=True)
    lost = await service.own.send("GET", f"/api/assistants/{first['id']}")

    assert (refused.status, refused.code, refused.json["assistant_id"]) == (409, "number_taken", first["id"])
    assert (moved.status, moved.json["assistant"]["phone_number_ids"]) == (200, [number["id"]])
    assert (lost.json["assistant"]["phone_number_ids"], lost.headers["ETag"]) == ([], '"3"')


async def test_the_same_number_twice_in_a_list_is_refused(service: Service) -> None:
    assistant = await service.own.create()
    number = await service.own.register()
    async with service.nothing_appended():
        reply = await service.own.assign(assistant["id"], number["id"], number["id"])

    assert reply.issues == {("phoneNumberIds[1]", "duplicate")}


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"phoneNumberIds": "pn_x"}, {"phoneNumberIds"}),
        ({"phoneNumberIds": None}, {"phoneNumberIds"}),
        ({"phoneNumberIds": [1, "asst_x"]}, {"phoneNumberIds[0]", "phoneNumberIds[1]"}),
        ({"phoneNumberIds": ["pn_7zzzzzzzzzzzzzzzzzzzzzzzzz"] * 1_001}, {"phoneNumberIds"}),
        ({"phoneNumberIds": [], "reassign": "yes"}, {"reassign"}),
        ({}, {"phoneNumberIds"}),
    ],
)
async def test_a_list_of_numbers_that_is_none_is_refused(
    service: Service, fields: dict[str, object], paths: set[str]
) -> None:
    assistant = await service.own.create()
    body = {"accountSlug": "my-team"} | fields
    async with service.nothing_appended():
        reply = await service.own.send("PATCH", f"/api/assistants/{assistant['id']}/telephony/phone-numbers", body)

    assert {path for path, _ in reply.issues} == paths


@pytest.mark.parametrize("number", ["", "12", "+", "+1", "0301234567", "+49 30 x", "+999999999999999999", 7, None])
async def test_what_is_no_phone_number_is_refused(service: Service, number: object) -> None:
    async with service.nothing_appended():
        reply = await service.own.send("POST", "/api/phone-numbers", {"accountSlug": "my-team", "phoneNumber": number})

    assert {path for path, _ in reply.issues} == {"phoneNumber"}


async def test_a_lone_surrogate_in_a_member_s_name_is_answered(service: Service) -> None:
    data = json.dumps(CREATE | {"a\ud800": 1}).encode()
    async with service.nothing_appended():
        reply = await service.own.send("POST", "/api/assistants", data=data)

    assert {code for _, code in reply.issues} == {"unknown_field"}


async def test_texts_of_all_planes_come_back_as_they_went(service: Service) -> None:
    text = "Grüße 😀 \u2028 ひ \u00ad"

    assert (await service.own.create(system_prompt=text))["system_prompt"] == text


@pytest.mark.parametrize("query", ["?colour=blue", "?limit=0", "?limit=x", "?cursor=%00", "?limit=1&limit=2", "?%ff=1"])
async def test_a_query_that_is_wrong_is_refused(service: Service, query: str) -> None:
    reply = await service.own.send("GET", "/api/phone-numbers" + query)

    assert (reply.status, reply.code) == (400, "invalid_request")
