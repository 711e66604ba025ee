"""The commands against a running Patchbay, as they are typed."""

import asyncio
import json
import re
import signal
import subprocess
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from itertools import pairwise
from typing import Any

import pytest
from tests.servers import eventually
from tests.system.typing_commands import environ, working_directory
from tests.system.up import Up

from patchbay.cli.calling import Api
from patchbay.cli.whereabouts import ApiAccess


async def patchbay(home: Up, *typed: str, code: int = 0, **variables: str) -> str:
    """Return what a command prints, on standard error if it is to fail."""
    process = await asyncio.create_subprocess_exec(
        "patchbay", *typed, cwd=working_directory(home), env=environ(**variables), stdout=PIPE, stderr=PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == code, (out + err).decode()
    return (err if code else out).decode()


async def records(home: Up, *typed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (await patchbay(home, *typed, "--json")).splitlines()]


@asynccontextmanager
async def following(home: Up, *typed: str) -> AsyncIterator[Process]:
    """Run `patchbay log tail` meanwhile."""
    process = await asyncio.create_subprocess_exec(
        *("patchbay", "log", "tail", *typed), cwd=working_directory(home), env=environ(), stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def line_of(process: Process, pattern: str) -> str:
    """Return the next line that the pattern is found in."""
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while line := (await process.stdout.readline()).decode():
            if re.search(pattern, line):
                return line
    pytest.fail(f"the log ended without {pattern}")


async def test_an_account_with_its_key_and_number_is_opened_used_and_taken_back(home: Up) -> None:
    """The whole life, by commands alone."""
    (account,) = await records(home, "account", "open", "globex", "--name", "Globex")
    (key,) = await records(
        home, "key", "issue", "--account", "globex", "--name", "crm", "--scope", "phone-numbers:read"
    )
    (number,) = await records(home, "number", "register", "+12025550171", "--account", "globex")

    assert account["slug"] == "globex"
    assert number["account_id"] == key["account_id"] == account["id"]
    assert account in await records(home, "account", "list")
    assert [found["id"] for found in await records(home, "key", "list", "--account", "globex")] == [key["id"]]
    assert await records(home, "number", "list", "--account", "globex") == [number]

    as_its_client = {"PATCHBAY_API": home.endpoints["api"], "PATCHBAY_OPERATOR_KEY": key["secret"]}
    assert "+12025550171" in await patchbay(home, "number", "list", "--account", "globex", **as_its_client)
    assert "scope" in await patchbay(
        home, "number", "release", number["id"], "--account", "globex", code=1, **as_its_client
    )

    await patchbay(home, "number", "release", "+12025550171", "--account", "globex")
    await patchbay(home, "key", "revoke", key["id"])

    assert await records(home, "number", "list", "--account", "globex") == []
    (revoked,) = await records(home, "key", "list", "--account", "globex")
    assert revoked["revoked_at"] is not None


async def test_doing_it_again_changes_nothing(home: Up) -> None:
    """Opening, registering, revoking: scripts may repeat them."""
    first = await records(home, "account", "open", "initech")
    second = await records(home, "account", "open", "initech")

    assert first == second
    assert await records(home, "number", "register", "+12025550172") == await records(
        home, "number", "register", "+12025550172"
    )


async def test_the_doctor_finds_what_runs_here_well(home: Up) -> None:
    """What `patchbay up` wrote down is enough to look at all of it."""
    found = await records(home, "doctor")

    looked_at = {finding["check"] for finding in found}

    assert looked_at >= {"api", "log", "database", "read_model_lag", "routing_lag", "disk"}
    assert all(finding["is_well"] for finding in found)


async def test_operators_issue_keys_for_operators(home: Up) -> None:
    """The new one may do what the first may."""
    (key,) = await records(home, "key", "issue", "--operator", "--name", "ops", "--requests-per-hour", "none")
    as_it = {"PATCHBAY_API": home.endpoints["api"], "PATCHBAY_OPERATOR_KEY": key["secret"]}

    assert "my-team" in await patchbay(home, "account", "list", **as_it)
    assert key["id"] in await patchbay(home, "key", "list", "--operator")
    await patchbay(home, "key", "revoke", key["id"])

    api = Api(ApiAccess(home.endpoints["api"], key["secret"]))
    await eventually(lambda: api.call("GET", "/api/accounts").status == HTTPStatus.UNAUTHORIZED, deadline_seconds=1.0)
    assert "The key is not known there" in await patchbay(home, "account", "list", code=1, **as_it)


async def test_a_refusal_is_one_line_with_exit_code_1(home: Up) -> None:
    """What the API says, and nothing else."""
    told = await patchbay(home, "account", "open", "Not A Slug", code=1)

    assert told.count("\n") == 1
    assert told.startswith("patchbay: accountSlug: ")
    assert "Traceback" not in told


async def test_tail_follows_what_happens_and_ends_on_ctrl_c_with_0(home: Up) -> None:
    """From the end on: what was before is judged, not shown."""
    async with following(home, "--type", "AccountOpened") as tail:
        opened = asyncio.create_task(open_accounts_until_told(home, "hooli"))
        line = await line_of(tail, r"hooli-\d+")
        opened.cancel()

        assert " AccountOpened " in line
        assert " accepted " in line
        assert "my-team" not in line
        tail.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(tail.communicate(), 10)
        assert tail.returncode == 0, err
        assert "Traceback" not in (out + err).decode()


async def open_accounts_until_told(home: Up, prefix: str) -> None:
    """Nobody knows when the tail has found the end: something new happens until it shows."""
    for number in range(100):
        await patchbay(home, "account", "open", f"{prefix}-{number}")


async def test_tail_from_the_beginning_shows_every_record_with_its_verdict(home: Up) -> None:
    """As JSON: what a program needs to verify a chain by itself."""
    shown = await records(home, "log", "tail", "--from", "beginning", "--no-follow")
    events = [record for record in shown if record["verdict"] != "foreign"]
    account = [event for event in events if event["stream"] == home.endpoints["account_id"]]

    assert {event["verdict"] for event in events} <= {"accepted", "void"}
    assert [event["height"] for event in account if event["verdict"] == "accepted"] == list(range(1, len(account) + 1))
    assert (account[0]["type"], account[0]["data"]["slug"]) == ("AccountOpened", "my-team")
    assert all(later["predecessor"] == earlier["digest"] for earlier, later in pairwise(account))
    manifests = [record for record in shown if record.get("reason") == "manifest"]
    assert sorted(record["partition"] for record in manifests) == [0, 1, 2, 3]


async def test_tail_shows_one_stream_by_the_end_of_its_id(home: Up) -> None:
    """As the lines show it."""
    account = home.endpoints["account_id"]
    told = await patchbay(home, "log", "tail", "--from", "beginning", "--no-follow", "--stream", account[-6:], "--full")

    assert {line.split()[2] for line in told.splitlines()} == {account}


async def test_a_reader_that_has_seen_enough_is_no_error(home: Up) -> None:
    """`patchbay log tail | head`."""
    ran = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-c", "set -o pipefail; patchbay log tail --from beginning | head -1"],
        cwd=working_directory(home), env=environ(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("\n") == 1


async def test_the_demo_shows_the_four_calls_and_all_that_follows(home: Up) -> None:
    """Again and again: it gives its number back to itself."""
    await patchbay(home, "demo")
    told = await patchbay(home, "demo")

    for shown in ("POST /api/assistants", "→ 304 Not Modified", 'If-Match: "1"', "telephony/phone-numbers"):
        assert shown in told
    for shown in ("ce_type", "NumbersAssigned", "ce_predecessor", "ce_digest", "routing.inbound", "→ 409 Conflict"):
        assert shown in told
    assert "/api/routing/inbound/%2B12025550142" in told
    assert "an earlier demo" in told


async def test_the_demo_tells_programs_the_same(home: Up) -> None:
    """One JSON object a line."""
    shown = await records(home, "demo")
    statuses = [scene["answer"]["status"] for scene in shown if "answer" in scene]
    look_ups = [scene["answer"]["body"] for scene in shown if "inbound" in scene.get("request", {}).get("path", "")]
    rows = [scene["facts"] for scene in shown if "outcome" in scene.get("facts", {})]

    assert statuses.count(409) == 1
    assert set(statuses) == {200, 304, 409}
    assert [look_up["outcome"] for look_up in look_ups] == ["routed", "routed"]
    assert [row["assistant"] for row in rows] == [look_up["assistant_id"] for look_up in look_ups]
    assert look_ups[0]["assistant_id"] != look_ups[1]["assistant_id"]
    assert sum("ce_digest" in scene.get("facts", {}) for scene in shown) == 3
