"""The client itself: what it takes, shows and loads."""

import json
import subprocess
import sys

import msgspec
import pytest
from tests.unit.client.faulty_api import ASSISTANT, CREATED, client_of_faulty_api

from patchbay.client import InvalidRequest, Key, Patchbay, UnexpectedAnswer
from patchbay.client.retrying import Patience, RateLimit, pause_seconds, rate_limit, retry_after

LOADED = """
import json, sys
import patchbay.client
json.dump(sorted(n for n in sys.modules if n.split(".")[0] in {"aiohttp", "yarl"} or n.startswith("patchbay.")
                 and not n.startswith("patchbay.client")), sys.stdout)
"""


def test_importing_it_loads_no_http_client_and_nothing_else_of_patchbay() -> None:
    """Who calls pays, not who imports."""
    ran = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, check=True, timeout=30)  # noqa: S603 - ours

    assert json.loads(ran.stdout) == []


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://x", "http://", "http://x/?a=1"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    """Not at the first call."""
    with pytest.raises(ValueError, match="not the address of an API"):
        Patchbay(url, "tk_live_x")


def test_a_key_is_never_shown() -> None:
    """Neither the client's own nor one that was issued."""
    with pytest.raises(ValueError, match="the key is not one") as raised:
        Patchbay("http://x", "tk_live_secret\r\nX: y")
    record = b'{"id":"key_1","account_id":null,"name":"n","hint":"h","scopes":[],"expires_at":null,'
    record += b'"requests_per_hour":null,"created_at":"2026-02-18T14:22:31Z","secret":"tk_live_secret"}'

    shown = [
        str(raised.value),
        repr(Patchbay("http://x", "tk_live_secret")),
        repr(msgspec.json.decode(record, type=Key)),
    ]
    assert "secret" not in "".join(shown).replace("secret'", "")


async def test_members_of_a_later_version_are_passed_over() -> None:
    """The API may grow without breaking clients."""
    async with client_of_faulty_api() as (api, client):
        api.answer({"success": True, "assistant": {**ASSISTANT, "mood": "sunny"}, "more": 1})

        assert (await client.assistants.get("asst_1")).version == 1


async def test_warnings_come_with_the_assistant() -> None:
    """A write that succeeded may still have something to say."""
    async with client_of_faulty_api() as (api, client):
        api.answer({**CREATED, "warnings": [{"path": "model", "code": "retiring", "message": "It ends."}]})

        assert (await client.assistants.create("x")).warnings[0].code == "retiring"


async def test_every_issue_is_told() -> None:
    """In the error's sentence and one by one."""
    async with client_of_faulty_api() as (api, client):
        issues = [{"path": "temperature", "code": "out_of_range", "message": "must be at most 2"}] * 2
        api.refuse(400, "invalid_request", {"Request-Id": "req_1"}, issues=issues)

        with pytest.raises(InvalidRequest, match="temperature: must be at most 2; temperature") as raised:
            await client.assistants.create("x", temperature=9)
        assert raised.value.issues[1].code == "out_of_range"
        assert raised.value.request_id == "req_1"


async def test_an_answer_of_something_else_is_told_as_that() -> None:
    """The address may be a printer's."""
    async with client_of_faulty_api() as (api, client):
        api.answer({"hello": 1})

        with pytest.raises(UnexpectedAnswer, match="is not what Patchbay's API says"):
            await client.assistants.get("asst_1")


async def test_lists_are_walked_page_by_page() -> None:
    """And a page's cursor leads on, later or elsewhere."""
    number = {"id": "pn_1", "account_id": "a", "phone_number": "+1", "status": "active", "assistant_id": None}
    number |= {"created_at": "2026-02-18T14:22:31Z", "updated_at": "2026-02-18T14:22:31Z"}
    async with client_of_faulty_api() as (api, client):
        for cursor in ("c1", None):
            api.answer({"phone_numbers": [number, number], "count": 2, "limit": 2, "next_cursor": cursor})

        assert len([found async for found in client.phone_numbers.list(limit=2)]) == 4
        assert [seen.path.partition("?")[2] for seen in api.seen] == [
            "accountSlug=acme&limit=2",
            "accountSlug=acme&limit=2&cursor=c1",
        ]


async def test_reads_wait_for_what_was_written_where_that_is_asked_for() -> None:
    """For each of the writes: their positions are not comparable here."""
    async with client_of_faulty_api(reads_own_writes=True) as (api, client):
        api.answer(CREATED, Patchbay_Position="p1")
        api.answer(CREATED, Patchbay_Position="p2")
        api.answer(CREATED)
        await client.assistants.create("x")
        await client.assistants.create("x")
        await client.assistants.get("asst_1")

        assert api.seen[-1].headers["Patchbay-After"] == "p1,p2"
        assert client.positions == ("p1", "p2")


async def test_a_client_with_less_patience_or_a_reason_is_the_same_client() -> None:
    """It shares connections and what was learnt."""
    async with client_of_faulty_api() as (api, client):
        api.answer(CREATED, Patchbay_Position="p1")
        await client.because("spring: 20 % für alle").within(1).for_account("other").assistants.create("x")

        assert api.seen[0].headers["Patchbay-Reason"] == "spring: 20 %25 f%C3%BCr alle"
        assert api.seen[0].body["accountSlug"] == "other"
        assert client.positions == ("p1",)


def test_a_client_that_was_not_entered_says_so() -> None:
    """And one is not entered twice."""
    with pytest.raises(RuntimeError, match="enter the client first"):
        Patchbay("http://x", "tk_live_x")._connections._opened()


def test_pauses_grow_are_jittered_and_bounded() -> None:
    """What the API asks for is the least."""
    patience = Patience(first_pause_seconds=0.1, longest_pause_seconds=5.0)

    assert [pause_seconds(n, None, patience, 1.0) for n in (1, 2, 3, 99)] == [0.1, 0.2, 0.4, 5.0]
    assert pause_seconds(3, None, patience, 0.0) == 0
    assert pause_seconds(1, 7.0, patience, 0.5) == pytest.approx(7.05)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("Mon, 23 Nov 2026 10:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_spellings(text: str, seconds: float | None) -> None:
    """Seconds, or a date."""
    assert retry_after({"retry-after": text}, 1795428000.0) == seconds


def test_of_several_limits_the_tightest_counts() -> None:
    """A header may tell of an hour and of a second."""
    assert rate_limit({"ratelimit": '"hourly";r=900;t=60, "burst";r=3;t=1'}) == RateLimit(3, 1)
    assert rate_limit({"ratelimit": '"hourly"'}) is None
    assert rate_limit({}) is None
