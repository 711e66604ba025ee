"""Calls of the API: what is repeated, what is waited for, and how a refusal reads."""

import pytest
from tests.unit.cli.scripted_api import KEY, ScriptedApi

from patchbay.cli import calling
from patchbay.cli.calling import Api
from patchbay.cli.errors import BadUsage, Refused, Unreachable, Unsettled
from patchbay.cli.whereabouts import ApiAccess

UNKNOWN = {"success": False, "error": "It may still take effect.", "code": "outcome_unknown", "status": 503}
LOCATION = ("Location", "/api/commands/cmd_1")


def client(api: ScriptedApi) -> Api:
    return Api(ApiAccess(api.url, KEY))


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(calling, "_POLL_SECONDS", 0.001)


def test_a_write_is_repeated_under_one_idempotency_key_until_its_outcome_is_known(api: ScriptedApi) -> None:
    """So it takes effect once, however often it is sent."""
    api.answer(UNKNOWN, 503, LOCATION)
    api.answer({"success": False, "error": "Away.", "code": "unavailable", "status": 503}, 503)
    api.answer({"success": True, "account": {"slug": "acme"}})

    body = client(api).write("POST", "/api/accounts", {"accountSlug": "acme"})

    assert body["account"] == {"slug": "acme"}
    assert len({seen.headers["idempotency-key"] for seen in api.seen}) == 1
    assert [seen.body for seen in api.seen] == [{"accountSlug": "acme"}] * 3
    assert api.seen[0].headers["authorization"] == f"Bearer {KEY}"


def test_two_writes_have_two_idempotency_keys(api: ScriptedApi) -> None:
    """Else the second would be taken for a repetition of the first."""
    for _ in range(2):
        api.answer({"success": True})
        client(api).write("DELETE", "/api/keys/key_1")

    assert api.seen[0].headers["idempotency-key"] != api.seen[1].headers["idempotency-key"]


def test_a_pending_write_is_waited_for(api: ScriptedApi) -> None:
    """The result of its command is the answer that the write would have got."""
    pending = {"success": True, "pending": True, "command": {"id": "cmd_1", "status": "pending"}}
    api.answer(pending, 202, LOCATION)
    api.answer({"success": True, "command": {"status": "accepted", "waiting_for": ["routing"], "result": None}})
    api.answer({"success": True, "command": {"status": "accepted", "result": {"success": True, "id": "pn_1"}}})

    body = client(api).write("DELETE", "/api/phone-numbers/pn_1")

    assert body["id"] == "pn_1"
    assert [seen.path for seen in api.seen[1:]] == ["/api/commands/cmd_1"] * 2


def test_a_release_that_has_only_begun_is_sent_again(api: ScriptedApi) -> None:
    """It is two commands; a repetition under the same key goes on with the second."""
    api.answer({"success": True, "pending": True, "command": {"id": "cmd_1", "status": "pending"}}, 202, LOCATION)
    api.answer({"success": True, "command": {"status": "void", "waiting_for": [], "result": None}})
    api.answer({"success": True, "id": "pn_1"})

    assert client(api).write("DELETE", "/api/phone-numbers/pn_1")["id"] == "pn_1"
    assert api.seen[0].headers["idempotency-key"] == api.seen[2].headers["idempotency-key"]


def test_a_write_whose_outcome_stays_unknown_says_where_to_ask(
    api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told that it failed: it may still land."""
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.0)
    api.answer(UNKNOWN, 503, LOCATION)

    with pytest.raises(Unsettled, match=r"may still take effect: GET /api/commands/cmd_1 tells"):
        client(api).write("POST", "/api/accounts", {})


def test_a_quarantined_stream_is_not_asked_again(api: ScriptedApi) -> None:
    """It needs an operator, not patience."""
    api.answer({"success": False, "error": "This needs an operator.", "code": "quarantined", "status": 503}, 503)

    with pytest.raises(Refused, match=r"This needs an operator\.") as caught:
        client(api).write("POST", "/api/accounts", {})

    assert caught.value.code == "quarantined"
    assert len(api.seen) == 1


def test_a_refusal_names_every_issue_in_one_line(api: ScriptedApi) -> None:
    """All that was wrong is known at once."""
    issues = [
        {"path": "accountSlug", "code": "invalid_slug", "message": "A slug has letters."},
        {"path": "name", "code": "empty", "message": "This field must not be empty."},
    ]
    api.answer({"success": False, "error": "The request is invalid.", "code": "invalid", "issues": issues}, 400)

    with pytest.raises(Refused) as caught:
        client(api).write("POST", "/api/accounts", {})

    assert str(caught.value) == ("accountSlug: A slug has letters; name: This field must not be empty.")
    assert caught.value.status == 400


def test_a_refusal_says_what_to_do_where_that_is_known(api: ScriptedApi) -> None:
    """A second sentence."""
    api.answer({"success": False, "error": "Unauthorized", "code": "unauthorized", "status": 401}, 401)

    with pytest.raises(Refused, match=r"^Unauthorized\. The key is not known there: .*\.$"):
        client(api).read("/api/accounts")


def test_a_list_is_read_to_its_end(api: ScriptedApi) -> None:
    """Page after page, by the cursor."""
    api.answer({"success": True, "keys": [{"id": "a"}, {"id": "b"}], "next_cursor": "Yg"})
    api.answer({"success": True, "keys": [{"id": "c"}], "next_cursor": None})

    found = [key["id"] for key in client(api).pages("/api/keys", "keys", {"accountSlug": "my-team"})]

    assert found == ["a", "b", "c"]
    assert api.seen[1].path == "/api/keys?accountSlug=my-team&limit=200&cursor=Yg"


def test_nobody_there_is_said_with_the_address(api: ScriptedApi) -> None:
    """And what to do about it."""
    nobody = Api(ApiAccess("http://127.0.0.1:1", KEY))

    with pytest.raises(Unreachable, match=r"Nothing answers at http://127\.0\.0\.1:1 .*make run"):
        nobody.read("/api/accounts")

    assert not api.seen


def test_something_that_is_not_the_api_is_told_apart(api: ScriptedApi) -> None:
    """An HTML page of whatever listens there is no answer."""
    api.answer(b"<html>welcome</html>", 200)

    with pytest.raises(Unreachable, match="is not Patchbay's API"):
        client(api).read("/api/accounts")


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://"])
def test_an_address_that_is_none_is_wrong_usage(url: str) -> None:
    """Before anything is sent anywhere."""
    with pytest.raises(BadUsage, match="is not the address of an API"):
        Api(ApiAccess(url, KEY))
