"""The commands as they are typed: what they ask the API, print, and end with."""

import json
from pathlib import Path

import pytest
from tests.unit.cli.scripted_api import ScriptedApi

from patchbay.cli import account, demo, key, log, number

ACCOUNT = {"id": "acct_1", "slug": "acme", "name": "Acme, Inc.", "created_at": "2026-02-18T14:22:31.114207Z"}
KEY = {
    "id": "key_1",
    "account_id": "acct_1",
    "name": "crm",
    "hint": "tk_live_Ab3d",
    "scopes": ["assistants:read"],
    "expires_at": None,
    "requests_per_hour": None,
    "created_at": "2026-02-18T14:22:31.114207Z",
}
NUMBER = {
    "id": "pn_1",
    "account_id": "acct_1",
    "phone_number": "+12025550143",
    "status": "active",
    "fallback": None,
    "assistant_id": None,
    "created_at": "2026-02-18T14:22:31.114207Z",
    "updated_at": "2026-02-18T14:22:31.114207Z",
}


def test_account_open_asks_for_the_slug_and_the_name(api: ScriptedApi, capsys: pytest.CaptureFixture[str]) -> None:
    """And says what to do next."""
    api.answer({"success": True, "account": ACCOUNT})

    assert account.main(["open", "acme", "--name", "Acme, Inc."]) == 0
    assert (api.seen[0].method, api.seen[0].path) == ("POST", "/api/accounts")
    assert api.seen[0].body == {"accountSlug": "acme", "name": "Acme, Inc."}
    out = capsys.readouterr().out
    assert "The account acme is open." in out
    assert "patchbay key issue --account acme" in out


def test_a_list_is_a_table_for_people_and_lines_for_programs(
    api: ScriptedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same records, one JSON object a line with --json."""
    for _ in range(2):
        api.answer({"success": True, "accounts": [ACCOUNT, ACCOUNT], "next_cursor": None})

    assert account.main(["list"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert account.main(["list", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert table[0].split() == ["slug", "name", "id", "created", "at"]
    assert table[1] == "acme  Acme, Inc.  acct_1  2026-02-18T14:22:31.114207Z"
    assert [json.loads(line) for line in lines] == [ACCOUNT, ACCOUNT]


def test_key_issue_sends_what_was_asked_for_and_shows_the_secret(
    api: ScriptedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each option has its member of the body."""
    api.answer({"success": True, "key": {**KEY, "secret": "tk_test_shown_once"}})
    typed = "issue --account acme --name crm --scope assistants:read --scope keys:read --test --requests-per-hour none"

    assert key.main([*typed.split(), "--expires-at", "2027-01-31T12:00:00Z"]) == 0
    assert api.seen[0].body == {
        "accountSlug": "acme",
        "name": "crm",
        "mode": "test",
        "scopes": ["assistants:read", "keys:read"],
        "expiresAt": "2027-01-31T12:00:00Z",
        "requestsPerHour": None,
    }
    assert "\n  tk_test_shown_once\n" in capsys.readouterr().out


def test_key_issue_for_operators_names_no_account(api: ScriptedApi, capsys: pytest.CaptureFixture[str]) -> None:
    """A key of the operators belongs to none."""
    api.answer({"success": True, "key": {**KEY, "account_id": None, "secret": "tk_live_s"}})

    assert key.main(["issue", "--operator", "--name", "ops", "--requests-per-hour", "5", "--json"]) == 0
    assert api.seen[0].body == {"operators": True, "name": "ops", "mode": "live", "requestsPerHour": 5}
    assert json.loads(capsys.readouterr().out)["secret"] == "tk_live_s"


def test_a_secret_that_got_lost_is_told_with_what_to_do(api: ScriptedApi, capsys: pytest.CaptureFixture[str]) -> None:
    """It is shown once; a repetition gets the key without it."""
    api.answer({"success": True, "key": KEY})

    assert key.main(["issue", "--account", "acme", "--name", "crm"]) == 1
    assert "`patchbay key revoke key_1`" in capsys.readouterr().err


def test_key_list_asks_for_one_account_or_for_the_operators(api: ScriptedApi) -> None:
    """Whose keys they are stands in the query."""
    for _ in range(2):
        api.answer({"success": True, "keys": [], "next_cursor": None})

    assert key.main(["list", "--account", "acme"]) == 0
    assert key.main(["list", "--operator"]) == 0
    assert [seen.path for seen in api.seen] == ["/api/keys?accountSlug=acme&limit=200", "/api/keys?limit=200"]


def test_key_revoke_deletes_by_id(api: ScriptedApi, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever was typed stays within one segment of the path."""
    api.answer({"success": True, "key": {"id": "key_1", "revoked_at": "2026-02-18T14:22:31.114207Z"}})

    assert key.main(["revoke", "key_1/../x"]) == 0
    assert (api.seen[0].method, api.seen[0].path) == ("DELETE", "/api/keys/key_1%2F..%2Fx")
    assert "revoked since 2026-02-18T14:22:31.114207Z" in capsys.readouterr().out


def test_number_register_and_list_name_the_account(api: ScriptedApi, capsys: pytest.CaptureFixture[str]) -> None:
    """An unassigned number shows a hyphen."""
    api.answer({"success": True, "phone_number": NUMBER})
    api.answer({"success": True, "phone_numbers": [NUMBER], "next_cursor": None})

    assert number.main(["register", "+12025550143", "--account", "acme"]) == 0
    assert api.seen[0].body == {"accountSlug": "acme", "phoneNumber": "+12025550143"}
    assert "+12025550143 belongs to acme." in capsys.readouterr().out
    assert number.main(["list", "--account", "acme"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:4] == ["+12025550143", "active", "-", "pn_1"]


def test_number_release_finds_the_number_by_itself(api: ScriptedApi, capsys: pytest.CaptureFixture[str]) -> None:
    """People know numbers, not ids."""
    api.answer({"success": True, "phone_numbers": [NUMBER], "next_cursor": None})
    api.answer({"success": True, "message": "The number is released.", "id": "pn_1"})

    assert number.main(["release", "+1 202 555 0143", "--account", "acme", "--json"]) == 0
    assert (api.seen[1].method, api.seen[1].path) == ("DELETE", "/api/phone-numbers/pn_1")
    assert json.loads(capsys.readouterr().out) == {"id": "pn_1", "released": True}


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        (["fallback", "+12025550143", "+12025550199"], {"fallback": "+12025550199"}),
        (["fallback", "+12025550143", "none"], {"fallback": None}),
        (["suspend", "+12025550143"], {"status": "suspended"}),
        (["resume", "+12025550143"], {"status": "active"}),
    ],
)
def test_what_becomes_of_calls_to_a_number_is_one_command(
    api: ScriptedApi, capsys: pytest.CaptureFixture[str], typed: list[str], asked: dict[str, str | None]
) -> None:
    """It changes the number that people know, and shows the record."""
    api.answer({"success": True, "phone_numbers": [NUMBER], "next_cursor": None})
    api.answer({"success": True, "phone_number": NUMBER | asked})

    assert number.main([*typed, "--account", "acme"]) == 0
    assert (api.seen[1].method, api.seen[1].path) == ("PATCH", "/api/phone-numbers/pn_1")
    assert api.seen[1].body == {"accountSlug": "acme", **asked}
    assert "+12025550143 is changed." in capsys.readouterr().out


def test_a_number_named_by_its_id_is_not_searched_for(api: ScriptedApi) -> None:
    """The id says it all."""
    api.answer({"success": True, "phone_number": NUMBER})

    assert number.main(["suspend", "pn_1", "--account", "acme", "--json"]) == 0
    assert [seen.method for seen in api.seen] == ["PATCH"]


def test_number_release_of_an_unknown_number_deletes_nothing(
    api: ScriptedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says so."""
    api.answer({"success": True, "phone_numbers": [NUMBER], "next_cursor": None})

    assert number.main(["release", "+12025550199", "--account", "acme"]) == 1
    assert "has no phone number +12025550199" in capsys.readouterr().err
    assert len(api.seen) == 1


def test_an_error_is_one_line_and_with_json_one_object(api: ScriptedApi, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, so that what is piped stays clean."""
    for _ in range(2):
        api.answer({"success": False, "error": "There is no key key_9.", "code": "not_found", "status": 404}, 404)

    assert key.main(["revoke", "key_9"]) == 1
    first = capsys.readouterr()
    assert key.main(["revoke", "key_9", "--json"]) == 1
    second = capsys.readouterr()

    assert (first.out, first.err) == ("", "patchbay: There is no key key_9.\n")
    assert json.loads(second.err) == {"error": "There is no key key_9.", "code": "not_found"}


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("command", "typed"),
    [
        (account, ["list"]),
        (key, ["list", "--operator"]),
        (number, ["list", "--account", "x"]),
        (log, ["tail"]),
        (demo, []),
    ],
)
def test_without_a_running_patchbay_every_command_says_so(
    command: object, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, one sentence, no traceback."""
    assert command.main(typed) == 1  # type: ignore[attr-defined]
    assert capsys.readouterr().err == (
        "patchbay: There is no .patchbay/endpoints.json: start Patchbay with `make run`, "
        "or say with --data-dir where its state is.\n"
    )


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    "typed",
    [[], ["open"], ["open", "acme", "--nope"], ["close", "acme"]],
)
def test_wrong_usage_ends_with_2_and_says_where_to_learn_more(
    typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One line."""
    with pytest.raises(SystemExit) as ended:
        account.main(typed)

    err = capsys.readouterr().err
    assert ended.value.code == 2
    assert "--help` shows an example" in err
    assert err.count("\n") == 1


def test_a_data_dir_is_found_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The name stands in the error, so that a typing mistake is seen."""
    assert account.main(["list", "--data-dir", str(tmp_path / "other")]) == 1
    assert f"There is no {tmp_path}/other/endpoints.json" in capsys.readouterr().err


def test_key_rotate_asks_for_a_new_key_in_the_place_of_one(
    api: ScriptedApi, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says until when the old one is accepted."""
    replaces = {"key_id": "key_0", "expires_at": "2026-02-18T15:22:31.114207Z"}
    api.answer({"success": True, "key": {**KEY, "replaces": replaces, "secret": "tk_live_shown_once"}})

    assert key.main(["rotate", "key_0", "--account", "acme", "--overlap-seconds", "60"]) == 0
    assert (api.seen[0].method, api.seen[0].path) == ("POST", "/api/keys/key_0/rotate")
    assert api.seen[0].body == {"accountSlug": "acme", "overlapSeconds": 60}
    shown = capsys.readouterr().out
    assert "tk_live_shown_once" in shown
    assert "key_0 is accepted until 2026-02-18T15:22:31.114207Z" in shown
