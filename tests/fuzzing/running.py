"""Thousands of requests that Schemathesis makes from docs/openapi.yaml, against a service that runs."""

import asyncio
import json
import os
import secrets
import sys
from asyncio.subprocess import DEVNULL
from pathlib import Path
from typing import Any, Final

import msgspec
from schemas.generate import OPENAPI
from tests.contract.api.service import Caller, Service, fresh_number
from tests.fuzzing import facts

from patchbay.api.tokens import CommandToken, Tokens
from patchbay.api.writing.outcomes import CommandReference
from patchbay.eventlog import open_log

ROOT: Final = Path(__file__).parents[2]
PEERS: Final = ("first", "second")  # who must not see each other's objects
OPERATOR: Final = "operator"  # asks where those may not
PHASES: Final = ("examples", "coverage", "fuzzing", "stateful")
_ENDLESS: Final = "followEvents"  # nothing can be checked at its end; contract tests of its own follow it
_REQUEST_SECONDS: Final = 30.0
_CONFIGURATION: Final = """
workers = 1
request-timeout = {seconds}
hooks = "tests.fuzzing.hooks"
continue-on-failure = true

[auth.wfc]
path = "{users}"
peers = {peers}

[generation]
max-examples = {examples}
database = "none"

[checks]
enabled = true
# An If-Match that is well-formed need not hold, and a key for repetitions may stand for another request.
positive_data_acceptance.expected-statuses = {accepted}

[[operations]]
include-operation-id = "{endless}"
enabled = false
"""
_ACCEPTED: Final = ("2xx", "3xx", "401", "403", "404", "409", "412", "422", "429", "503")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much is tried."""

    examples: int  # at most, of each operation, in each phase
    seed: int
    phases: tuple[str, ...] = PHASES


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended."""

    cases: int
    failures: int
    errors: int
    output: str

    @property
    def is_clean(self) -> bool:
        """True if something was tried, and nothing was wrong."""
        return self.cases > 0 and not self.failures and not self.errors


class _Counts(msgspec.Struct):
    generated: int


class _Report(msgspec.Struct):
    test_cases: _Counts
    failures: list[Any]
    errors: list[Any]
    complete: bool


async def fuzz(service: Service, plan: Plan, folder: Path) -> Outcome:
    """Make requests to the service, with the keys of two accounts of their own and an operator's."""
    environment = await _prepare(service, plan, folder)
    report, log = folder / "report.json", folder / "output.txt"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    command += ["--config-file", str(folder / "schemathesis.toml"), "run", str(OPENAPI), "--url", service.url]
    command += ["--phases", ",".join(plan.phases), "--seed", str(plan.seed), "--no-color"]
    command += ["--report", "json", "--report-json-path", str(report)]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=environment, stdin=DEVNULL, stdout=output, stderr=output
        )
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    text = log.read_text(encoding="utf-8")
    if not report.exists():
        return Outcome(cases=0, failures=0, errors=1, output=text)
    told = msgspec.json.decode(report.read_bytes(), type=_Report)
    errors = len(told.errors) + (not told.complete)
    return Outcome(cases=told.test_cases.generated, failures=len(told.failures), errors=errors, output=text)


async def _prepare(service: Service, plan: Plan, folder: Path) -> dict[str, str]:
    """Open the accounts, write the files that Schemathesis reads, and return its environment."""
    callers = {name: await _open(service, name) for name in PEERS}
    keys = {name: await caller.issue(name="the run's own") for name, caller in callers.items()}
    shown = {name: str(key["secret"]) for name, key in keys.items()} | {OPERATOR: str(service.operator.secret)}
    known = facts.Facts(
        slugs={name: caller.slug for name, caller in callers.items()},
        keys=tuple(key["id"] for key in keys.values()),
        times=tuple(key["created_at"] for key in keys.values()),
        formats=await _given_out(service, callers[PEERS[0]]),
    )
    facts.write(known, folder / "facts.json")
    users = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {secret}"}]}
        for name, secret in shown.items()
    ]
    (folder / "users.json").write_text(json.dumps({"auth": users}), encoding="utf-8")
    configuration = _CONFIGURATION.format(
        seconds=_REQUEST_SECONDS,
        users=folder / "users.json",
        peers=json.dumps(PEERS),
        examples=plan.examples,
        accepted=json.dumps(_ACCEPTED),
        endless=_ENDLESS,
    )
    (folder / "schemathesis.toml").write_text(configuration, encoding="utf-8")
    return {
        **os.environ,
        facts.VARIABLE: str(folder / "facts.json"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
    }


async def _open(service: Service, name: str) -> Caller:
    """Open an account that has a little of everything."""
    slug = f"fuzz-{name}-{secrets.token_hex(4)}"
    opened = await service.operator.send("POST", "/api/accounts", {"accountSlug": slug, "name": slug})
    assert opened.status == 200, opened.body
    key = await service.caller(service.operator.secret, slug).issue()
    caller = service.caller(key["secret"], slug)
    assistant, number = await caller.create(), await caller.register()
    await caller.assign(assistant["id"], number["id"])
    return caller


async def _given_out(service: Service, caller: Caller) -> dict[str, tuple[str, ...]]:
    """Return tokens of the service, by the format that they have."""
    body = {"accountSlug": caller.slug, "phoneNumber": fresh_number()}
    written = await caller.send("POST", "/api/phone-numbers", body)
    page = await caller.send("GET", "/api/phone-numbers?limit=1")
    identity = await open_log(service.kafka, service.topic)
    account_id = written.json["phone_number"]["account_id"]
    nothing = "00" * 32  # of a write that another one was faster than
    reference = CommandReference(stream=account_id, height=1, digest=nothing, command_id=nothing)
    command = Tokens(identity.log_id, identity.partition_count).write_command(CommandToken(reference, account_id))
    return {
        "position": (written.headers["Patchbay-Position"],),
        "cursor": (page.json["next_cursor"],),
        "command": (command,),
    }
