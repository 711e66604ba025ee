"""What request bodies may hold: every issue is named, nothing is dropped."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.assistants.builders import LOG

from patchbay.assistants import ids
from patchbay.assistants.catalogue import merge, shipped_catalogue
from patchbay.assistants.errors import InvalidBody
from patchbay.assistants.events import AssistantUpdated
from patchbay.assistants.validation import (
    changes_of,
    check_account,
    check_assign,
    check_create,
    check_key,
    check_number,
    check_register,
    check_update,
)

Check = Callable[[dict[str, Any]], object]


def issues(check: Check, body: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidBody) as invalid:
        check(body)
    for issue in invalid.value.issues:
        issue.path.encode()  # can be sent back
        assert issue.message.endswith(".")
    return [(issue.path, issue.code) for issue in invalid.value.issues]


def creation(**fields: Any) -> dict[str, Any]:
    return {"accountSlug": "my-team", "name": "Sales Agent", **fields}


def change(**fields: Any) -> dict[str, Any]:
    return {"accountSlug": "my-team", **fields}


def test_a_creation_needs_a_name_and_an_account_and_nothing_else() -> None:
    body = check_create(creation())

    assert (body.account_slug, body.name, body.template_id, body.fields) == ("my-team", "Sales Agent", "custom", {})
    assert issues(check_create, {}) == [("accountSlug", "required"), ("name", "required")]


def test_a_creation_takes_any_field_of_a_change() -> None:
    body = check_create(creation(templateId="follow-up", temperature=1, system_prompt=None, inbound_enabled=True))

    assert body.template_id == "follow-up"
    assert body.fields == {"temperature": 1.0, "system_prompt": None, "inbound_enabled": True}
    assert changes_of("asst_x", body.fields) == AssistantUpdated(
        assistant_id="asst_x", temperature=1.0, system_prompt=None, inbound_enabled=True
    )


def test_a_whole_number_may_be_written_with_a_fraction_of_nothing() -> None:
    """JSON knows one kind of number: a client that writes 1024.0 means 1024."""
    kept = check_update({"accountSlug": "my-team", "max_tokens": 1024.0}).fields["max_tokens"]

    assert (kept, type(kept)) == (1024, int)


def test_every_issue_is_named_not_only_the_first() -> None:
    assert issues(
        check_create,
        {"name": 7, "temperature": 2.01, "max_tokens": 0, "templateId": "sales", "nonsense": 1, "model": None},
    ) == [
        ("name", "wrong_type"),
        ("temperature", "out_of_range"),
        ("max_tokens", "out_of_range"),
        ("templateId", "unknown_template"),
        ("nonsense", "unknown_field"),
        ("model", "not_nullable"),
        ("accountSlug", "required"),
    ]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "", "empty"),
        ("name", " \t\n ", "empty"),
        ("name", "x" * 201, "too_long"),
        ("name", "x" * 10_000, "too_long"),
        ("name", "a\nb", "invalid_characters"),
        ("name", "a\x00b", "invalid_characters"),
        ("name", "a\u2028b", "invalid_characters"),
        ("name", "\ud800", "invalid_characters"),
        ("name", None, "not_nullable"),
        ("name", ["x"], "wrong_type"),
        ("first_message", "x" * 4_001, "too_long"),
        ("first_message", "a\x00", "invalid_characters"),
        ("first_message", 1, "wrong_type"),
        ("system_prompt", "x" * 60_001, "too_long"),
        ("system_prompt", "\udfff", "invalid_characters"),
        ("system_prompt", {}, "wrong_type"),
        ("provider", "mistral", "unknown_provider"),
        ("provider", "OpenAI", "unknown_provider"),
        ("provider", None, "not_nullable"),
        ("provider", ["openai"], "wrong_type"),
        ("model", "", "empty"),
        ("model", "x" * 201, "too_long"),
        ("model", "a\x7f", "invalid_characters"),
        ("temperature", 2.01, "out_of_range"),
        ("temperature", -0.1, "out_of_range"),
        ("temperature", float("inf"), "out_of_range"),
        ("temperature", float("nan"), "out_of_range"),
        ("temperature", 10**4_000, "out_of_range"),
        ("temperature", "0.7", "wrong_type"),
        ("temperature", True, "wrong_type"),
        ("temperature", None, "not_nullable"),
        ("max_tokens", 0, "out_of_range"),
        ("max_tokens", 10**4_000, "out_of_range"),
        ("max_tokens", 1024.5, "wrong_type"),
        ("max_tokens", 1e300, "out_of_range"),
        ("max_tokens", True, "wrong_type"),
        ("max_tokens", "1024", "wrong_type"),
        ("max_tokens", None, "not_nullable"),
        ("voice_provider", "openai", "unknown_provider"),
        ("voice_model", "x" * 201, "too_long"),
        ("voice_id", "a\nb", "invalid_characters"),
        ("voice_name", 3, "wrong_type"),
        ("transcriptor_provider", "whisper", "unknown_provider"),
        ("transcriptor_model", None, "not_nullable"),
        ("transcriptor_language", "en_US_x!", "invalid_language"),
        ("transcriptor_language", "en_US", "invalid_language"),
        ("transcriptor_language", "", "invalid_language"),
        ("transcriptor_language", "english", "invalid_language"),
        ("transcriptor_language", "zz", "invalid_language"),
        ("transcriptor_language", "en-" + "x" * 300, "invalid_language"),
        ("transcriptor_language", "en-x-mine", "invalid_language"),
        ("transcriptor_language", "x-mine", "invalid_language"),
        ("transcriptor_language", "en-XX-US", "invalid_language"),
        ("transcriptor_language", "en-\u00fcs", "invalid_language"),
        ("transcriptor_language", None, "not_nullable"),
        ("recording_enabled", 1, "wrong_type"),
        ("inbound_enabled", "true", "wrong_type"),
        ("outbound_enabled", None, "not_nullable"),
        ("id", "asst_x", "unknown_field"),
        ("phone_number_ids", [], "unknown_field"),
        ("templateId", "custom", "unknown_field"),
        ("", 1, "unknown_field"),
        ("accountSlug", "My-Team", "invalid_slug"),
        ("accountSlug", "ab", "invalid_slug"),
        ("accountSlug", "a" * 41, "invalid_slug"),
        ("accountSlug", "a--b", "invalid_slug"),
        ("accountSlug", "-ab", "invalid_slug"),
        ("accountSlug", "abc\n", "invalid_slug"),
        ("accountSlug", None, "not_nullable"),
    ],
)
def test_a_wrong_value_is_one_issue_at_its_field(field: str, value: object, code: str) -> None:
    assert issues(check_update, change(**{field: value})) == [(field, code)]


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("name", "  Sales  Agent ", "Sales  Agent"),
        ("name", "x" * 200, "x" * 200),
        ("name", "Zoë 🙂", "Zoë 🙂"),
        ("first_message", "x" * 4_000, "x" * 4_000),
        ("first_message", "", ""),
        ("first_message", None, None),
        ("system_prompt", " a\n\tb ", " a\n\tb "),
        ("system_prompt", "x" * 60_000, "x" * 60_000),
        ("system_prompt", None, None),
        ("voice_model", None, None),
        ("voice_id", None, None),
        ("voice_name", None, None),
        ("temperature", 0, 0.0),
        ("temperature", 2, 2.0),
        ("max_tokens", 1, 1),
        ("model", "gpt-7", "gpt-7"),
        ("transcriptor_language", "en-us", "en-US"),
        ("transcriptor_language", "de", "de"),
        ("transcriptor_language", "SR-latn-rs", "sr-Latn-RS"),
        ("transcriptor_language", "es-419", "es-419"),
        ("transcriptor_language", "de-CH-1996", "de-CH-1996"),
        ("transcriptor_language", "zh-cmn-Hans-CN", "zh-cmn-Hans-CN"),
        ("transcriptor_language", "yue", "yue"),
        ("recording_enabled", True, True),
    ],
)
def test_a_right_value_is_kept(field: str, value: object, kept: object) -> None:
    values = check_update(change(**{field: value})).fields

    assert values == {field: kept}
    assert type(values[field]) is type(kept)


def test_a_change_of_nothing_is_allowed() -> None:
    assert check_update(change()).fields == {}


def test_a_model_and_a_provider_that_contradict_each_other_are_wrong_whatever_the_state() -> None:
    assert issues(check_update, change(provider="openai", model="claude-haiku-4-5")) == [
        ("model", "model_of_another_provider")
    ]
    assert issues(
        check_create, creation(voice_provider="cartesia", voice_model="eleven_v3", model="claude-haiku-4-5")
    ) == [("model", "model_of_another_provider"), ("voice_model", "model_of_another_provider")]


def test_a_model_alone_is_judged_against_the_state_and_not_here() -> None:
    assert check_update(change(model="claude-haiku-4-5")).fields == {"model": "claude-haiku-4-5"}


def test_a_provider_nobody_knows_is_the_only_issue_of_its_pair() -> None:
    assert issues(check_create, creation(provider="mistral", model="claude-haiku-4-5")) == [
        ("provider", "unknown_provider")
    ]


def test_a_provider_of_a_further_catalogue_file_is_known() -> None:
    catalogue = merge(
        shipped_catalogue(), b'{"providers": {"mistral": {"default_model": "ministral", "models": {"ministral": {}}}}}'
    )

    assert check_update(change(provider="mistral"), catalogue).fields == {"provider": "mistral"}


ONE = ids.number_id(LOG, "+14155550101")
TWO = ids.number_id(LOG, "+14155550102")


def test_an_assignment_is_a_list_of_numbers_in_order() -> None:
    body = check_assign(change(phoneNumberIds=[TWO, ONE], reassign=True))

    assert (body.number_ids, body.reassign) == ((TWO, ONE), True)
    assert check_assign(change(phoneNumberIds=[])).number_ids == ()
    assert check_assign(change(phoneNumberIds=[])).reassign is False


def test_every_wrong_number_of_an_assignment_is_named_by_its_place() -> None:
    assert issues(check_assign, change(phoneNumberIds=[ONE, "asst_x", ONE, 3, None])) == [
        ("phoneNumberIds[1]", "invalid_id"),
        ("phoneNumberIds[2]", "duplicate"),
        ("phoneNumberIds[3]", "wrong_type"),
        ("phoneNumberIds[4]", "not_nullable"),
    ]


def test_an_assignment_without_a_list_or_with_too_long_a_one_is_wrong() -> None:
    many = [ids.number_id(LOG, str(number)) for number in range(1_001)]

    assert issues(check_assign, {}) == [("accountSlug", "required"), ("phoneNumberIds", "required")]
    assert issues(check_assign, change(phoneNumberIds="pn_x")) == [("phoneNumberIds", "wrong_type")]
    assert issues(check_assign, change(phoneNumberIds=None)) == [("phoneNumberIds", "not_nullable")]
    assert issues(check_assign, change(phoneNumberIds=many)) == [("phoneNumberIds", "too_many")]
    assert len(check_assign(change(phoneNumberIds=many[:1_000])).number_ids) == 1_000
    assert issues(check_assign, change(phoneNumberIds=[], reassign=1, force=True)) == [
        ("reassign", "wrong_type"),
        ("force", "unknown_field"),
    ]


@pytest.mark.parametrize("text", ["+14155550100", "+1 (415) 555-0100", "+1.415.555.0100", " +14155550100 "])
def test_a_phone_number_is_kept_as_e164(text: str) -> None:
    assert check_register(change(phoneNumber=text)).phone_number == "+14155550100"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "4155550100",
        "+1",
        "+1415555010",
        "+141555501000000000",
        "+999123456789",
        "+1-800-FLOWERS",
        "+14155550100 ext. 5",
        "+14155550100;ext=5",
        "+١٤١٥٥٥٥٠١٠٠",
        "+1\x0014155550100",
        "tel:+14155550100",
    ],
)
def test_what_is_no_phone_number_is_an_issue(value: str) -> None:
    assert issues(check_register, change(phoneNumber=value)) == [("phoneNumber", "invalid_phone_number")]


def test_a_phone_number_that_is_a_number_of_json_is_an_issue() -> None:
    assert issues(check_register, change(phoneNumber=14155550100)) == [("phoneNumber", "wrong_type")]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("+1 (415) 555-0100", "+14155550100"),
        ("sip:pbx.example.com", "sip:pbx.example.com"),
        ("SIPS:desk@PBX.example.com:5061", "sips:desk@PBX.example.com:5061"),
        ("sip:+14155550100@192.0.2.7;user=phone", "sip:+14155550100@192.0.2.7;user=phone"),
        ("sip:a.b-c_d!e~f*g@[2001:db8::1]:5060;transport=tcp", "sip:a.b-c_d!e~f*g@[2001:db8::1]:5060;transport=tcp"),
        (None, None),
    ],
)
def test_a_fallback_is_a_phone_number_or_a_sip_uri(text: str | None, kept: str | None) -> None:
    assert check_number(change(fallback=text)).fields == {"fallback": kept}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "+1",
        "4155550100",
        "tel:+14155550100",
        "sip:",
        "sip:@pbx.example.com",
        "sip:desk@",
        "sip:desk@pbx..example.com",
        "sip:desk@-pbx.example.com",
        "sip:desk@pbx.example.com.",
        "sip:desk@pbx_1.example.com",
        "sip:desk@256.1.1.1",
        "sip:desk@1.2.3",
        "sip:desk@[::g]",
        "sip:desk@[fe80::1%eth0]",
        "sip:desk@pbx.example.com:0",
        "sip:desk@pbx.example.com:65536",
        "sip:desk:secret@pbx.example.com",
        "sip:desk@pbx.example.com?Subject=x",
        "sip:desk@pbx.example.com;x=y",
        "sip:desk@pbx.example.com;transport=tcp;transport=udp",
        "sip:desk@pbx.example.com>",
        "<sip:desk@pbx.example.com>",
        '"Desk" <sip:desk@pbx.example.com>',
        "sip:desk@pbx.example.com,sip:b@example.com",
        "sip:desk@pbx.example.com\n",
        "sip:desk@pbx.example.com\r\nVia: x",
        " sip:desk@pbx.example.com",
        "sip:de sk@pbx.example.com",
        "sip:d%0d%0ask@pbx.example.com",
        "sip:desk@b\u00fccher.example",
        "sip:d\u00ebsk@pbx.example.com",
        "sip:desk@" + "a" * 64 + ".example",
        "sip:desk@" + "a." * 90 + "example",
        "\u017fip:desk@pbx.example.com",
        "sip:desk@pbx.example.com\x00",
    ],
)
def test_what_cannot_be_called_is_no_fallback(value: str) -> None:
    assert issues(check_number, change(fallback=value)) == [("fallback", "invalid_call_target")]


def test_a_change_of_a_number_names_every_issue() -> None:
    assert check_number(change(status="suspended")).fields == {"status": "suspended"}
    assert check_number(change()).fields == {}
    assert issues(check_number, {"fallback": 1, "status": "gone", "x": 1}) == [
        ("fallback", "wrong_type"),
        ("status", "unknown_value"),
        ("x", "unknown_field"),
        ("accountSlug", "required"),
    ]
    assert issues(check_number, change(status=None)) == [("status", "not_nullable")]


def test_an_account_without_a_name_is_named_as_its_slug() -> None:
    assert check_account({"accountSlug": "my-team"}).name == "my-team"
    assert check_account({"accountSlug": "my-team", "name": " My Team "}).name == "My Team"
    assert issues(check_account, {"name": ""}) == [("name", "empty"), ("accountSlug", "required")]


def test_a_key_may_do_everything_a_thousand_times_an_hour_unless_said_otherwise() -> None:
    body = check_key(change(name="CI"))

    assert (body.account_slug, body.mode, body.scopes) == ("my-team", "live", ("*",))
    assert (body.expires_at, body.requests_per_hour) == (None, 1_000)


def test_what_a_key_is_given_is_kept() -> None:
    body = check_key(
        change(
            name="CI",
            mode="test",
            scopes=["assistants:read", "routing:*"],
            expiresAt="2027-01-31T12:00:00+02:00",
            requestsPerHour=None,
        )
    )

    assert (body.mode, body.scopes) == ("test", ("assistants:read", "routing:*"))
    assert (body.expires_at, body.requests_per_hour) == ("2027-01-31T10:00:00.000000Z", None)


def test_a_key_is_for_an_account_or_says_that_it_is_the_operators() -> None:
    assert issues(check_key, {"name": "CI"}) == [("accountSlug", "required")]
    assert issues(check_key, change(name="CI", operators=True)) == [("accountSlug", "contradiction")]
    assert check_key({"name": "CI", "operators": True}).account_slug is None


def test_every_issue_of_a_key_is_named() -> None:
    assert issues(
        check_key,
        change(
            name="CI",
            mode="prod",
            expiresAt="2027-01-31",
            requestsPerHour=0,
            scopes=["*", "assistants:delete", "*", 1],
            operators=1,
        ),
    ) == [
        ("mode", "unknown_value"),
        ("expiresAt", "invalid_time"),
        ("requestsPerHour", "out_of_range"),
        ("operators", "wrong_type"),
        ("scopes[1]", "unknown_scope"),
        ("scopes[2]", "duplicate"),
        ("scopes[3]", "wrong_type"),
    ]
    assert issues(check_key, change(name="CI", scopes=[])) == [("scopes", "empty")]
    assert issues(check_key, change(name="CI", scopes="*")) == [("scopes", "wrong_type")]


@pytest.mark.parametrize(
    "value", ["", "soon", "2027-01-31T12:00:00", "9999-12-31T23:59:59-12:00", "2027-13-01T00:00:00Z", 5]
)
def test_a_time_needs_its_offset_and_must_exist(value: object) -> None:
    ((path, _),) = issues(check_key, change(name="CI", expiresAt=value))

    assert path == "expiresAt"


def test_a_time_of_an_early_year_has_its_27_characters() -> None:
    assert check_key(change(name="CI", expiresAt="0900-01-01T00:00:00Z")).expires_at == "0900-01-01T00:00:00.000000Z"
