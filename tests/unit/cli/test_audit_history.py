"""`patchbay audit history`, `show` and `route`."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.audit.exports import PARTITIONS, begun_of, write
from tests.unit.cli.scripted_api import ScriptedApi
from tests.unit.projection.chains import Written, assistant_created, assistant_id, numbers_assigned

from patchbay.assistants.events import AssistantDeleted, AssistantUpdated, KeyIssued, NumberReleased
from patchbay.audit import ExportWriter, begin_export
from patchbay.cli.__main__ import dispatch
from patchbay.cli.audit.words import word_diff
from patchbay.eventlog import MemoryLog

PHONE = "+15550001"
ONE, TWO = assistant_id(1), assistant_id(2)
PROMPT = (
    "You are a friendly assistant of Acme, and you never promise what the catalogue does not hold. Be brief. Say Hi."
)


@pytest.fixture
def written(nowhere: Path) -> Written:
    """Give a log with a moving number, and its export in `backup`."""
    log = MemoryLog(PARTITIONS)
    written = Written(log)
    account, other = written.account("acme"), written.account("other")
    number = written.number(PHONE)
    written.opened("acme")
    written.opened("other")
    written.registered(PHONE, account)
    for assistant in (ONE, TWO):
        written.seal(account, assistant_created(assistant, account))
    lost = written.seal(account, AssistantUpdated(assistant_id=ONE, system_prompt=PROMPT))
    written.put(lost)  # void: it comes twice
    written.seal(
        account, AssistantUpdated(assistant_id=ONE, system_prompt=PROMPT.replace("brief", "kind"), temperature=0.2)
    )
    written.seal(account, numbers_assigned(ONE, (number, 1)))
    written.seal(account, numbers_assigned(TWO, (number, 1), taken_from=(ONE,)))
    written.seal(account, AssistantDeleted(assistant_id=TWO, number_ids=(number,)))
    written.seal(
        account,
        KeyIssued(
            key_id="key_x",
            account_id=account,
            secret_sha256="ab" * 32,
            name="crm",
            hint="tk",
            scopes=("*",),
            expires_at=None,
            requests_per_hour=None,
        ),
    )
    written.seal(number, NumberReleased(number_id=number, account_id=account))
    written.registered(PHONE, other)
    ends = [len(log.records(partition)) for partition in range(PARTITIONS)]
    with ExportWriter(folder := nowhere / "backup", begin_export(folder, begun_of(log, ends))) as writer:
        for partition in range(PARTITIONS):
            write(writer, log.records(partition))
            writer.end_partition()
        writer.finish()
    return written


def history(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert dispatch(["audit", "history", *arguments, "--from", "backup", "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def changes(entries: list[dict[str, Any]]) -> list[dict[str, tuple[Any, Any]]]:
    return [{each["field"]: (each["before"], each["after"]) for each in entry["changes"]} for entry in entries]


@pytest.mark.usefixtures("written")
def test_an_assistants_history_has_each_field_before_and_after(capsys: pytest.CaptureFixture[str]) -> None:
    """What another assistant took from it as well; void records are no history."""
    found = history(capsys, ONE)
    told = changes(found)

    assert [entry["type"] for entry in found] == [
        "AssistantCreated",
        "AssistantUpdated",
        "AssistantUpdated",
        "NumbersAssigned",
        "NumbersAssigned",
    ]
    assert told[1] == {"system_prompt": ("Be kind.", PROMPT)}
    assert told[2]["temperature"] == (0.7, 0.2)
    assert told[4] == {"phone_number_ids": (told[3]["phone_number_ids"][1], [])}
    assert {entry["actor"] for entry in found} == {"key_test"}


def test_a_numbers_history_tells_owners_and_holders(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    account, other = written.account("acme"), written.account("other")
    found = changes(history(capsys, PHONE))

    assert [entry["assistant_id"] for entry in found if "assistant_id" in entry] == [
        (None, ONE),
        (ONE, TWO),
        (TWO, None),
    ]
    assert [entry["account_id"] for entry in found if "account_id" in entry] == [
        (None, account),
        (account, None),
        (None, other),
    ]


@pytest.mark.usefixtures("written")
def test_an_accounts_history_has_its_assistants_keys_and_numbers_and_no_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of a number, what happened while it was the account's."""
    found = history(capsys, "acme")

    assert {entry["type"] for entry in found} == {
        "AccountOpened",
        "AssistantCreated",
        "AssistantUpdated",
        "AssistantDeleted",
        "NumbersAssigned",
        "KeyIssued",
        "NumberRegistered",
        "NumberReleased",
    }
    assert sum(entry["type"] == "NumberRegistered" for entry in found) == 1
    assert "ab" * 32 not in json.dumps(found)


@pytest.mark.usefixtures("written")
def test_it_is_cut_down_to_a_time_a_field_or_an_actor(capsys: pytest.CaptureFixture[str]) -> None:
    whole = history(capsys, ONE)

    assert [entry["changes"][0]["after"] for entry in history(capsys, ONE, "--field", "temperature")] == [0.7, 0.2]
    assert history(capsys, ONE, "--since", whole[2]["time"]) == whole[2:]
    assert history(capsys, ONE, "--until", whole[2]["time"]) == whole[:3]
    assert history(capsys, ONE, "--actor", "key_other") == []


@pytest.mark.usefixtures("written")
def test_people_see_long_texts_word_by_word(capsys: pytest.CaptureFixture[str]) -> None:
    dispatch(["audit", "history", ONE, "--from", "backup", "--field", "system_prompt"])
    told = capsys.readouterr().out

    assert " … the catalogue does not hold. Be [-brief.-]{+kind.+} Say Hi." in told
    assert "AssistantUpdated" in told
    assert "by key_test" in told


def test_a_diff_shows_no_control_characters_and_stays_fast() -> None:
    assert word_diff("a \x1b[31mb", "a c", in_colour=False) == "a [-\\x1b[31mb-]{+c+}"
    long = "".join(f"line {number}\n" for number in range(12_000))
    assert word_diff(long, f"{long}another\n", in_colour=False).endswith("{+another\\n+}")


@pytest.mark.usefixtures("nowhere")
def test_what_is_no_time_is_said_to_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["audit", "history", ONE, "--since", "yesterday", "--from", "backup"]) == 2
    assert "'yesterday' is no time" in capsys.readouterr().err


def test_the_past_is_asked_of_the_api(api: ScriptedApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.answer({"success": True, "assistant": {"id": ONE, "name": "Then"}})
    route = {"phone_number": PHONE, "outcome": "routed", "fallback": None, "account_id": "acct_x", "assistant_id": ONE}
    api.answer({"success": True, **route, "assistant": {"id": ONE, "name": "Then"}})

    assert dispatch(["audit", "show", ONE, "--at", "3"]) == 0
    assert dispatch(["audit", "route", PHONE, "--at", "2026-11-23T12:00:00Z"]) == 0
    told = capsys.readouterr().out
    assert [seen.path for seen in api.seen] == [
        f"/api/assistants/{ONE}?at=3",
        "/api/routing/inbound/%2B15550001?at=2026-11-23T12%3A00%3A00Z",
    ]
    assert told.count("Then") == 2
