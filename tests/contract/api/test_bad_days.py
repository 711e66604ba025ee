"""When a process or a server is away: what is answered meanwhile, and that all is well afterwards."""

import asyncio
import json
import os
import secrets
import signal
import time
from pathlib import Path

from tests.contract.api.service import Caller, Service, is_ready, run_process
from tests.contract.api.wires import copy_behind_a_wire
from tests.servers import eventually

from patchbay.embedded.ports import free_port


async def command_at(caller: Caller, location: str, status: str) -> dict[str, object]:
    """Return the command at a Location once it has this status."""

    async def found() -> dict[str, object] | None:
        reply = await caller.send("GET", location)
        command: dict[str, object] = reply.json["command"]
        return command if command["status"] == status and not command["waiting_for"] else None

    found_at_last = await eventually(found, 30.0)
    assert found_at_last is not None
    return found_at_last


async def test_without_the_projector_a_write_is_pending_and_told_later(service: Service) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"accountSlug": "my-team", "name": "Later"}
    async with service.projections["projector"].away():
        began = time.monotonic()
        reply = await service.own.send("POST", "/api/assistants", body, headers=headers)
        took = time.monotonic() - began
        location = reply.headers["Location"]
        pending = await service.own.send("GET", location)
        foreign = await service.other.send("GET", location)
        for_operators = await service.operator.send("GET", location)
    command = await command_at(service.own, location, "accepted")
    again = await service.own.send("POST", "/api/assistants", body, headers=headers)

    assert (reply.status, reply.json["success"], reply.json["pending"], took < 5) == (202, True, True, True)
    assert reply.json["command"] == {"id": location.rpartition("/")[2], "status": "pending", "waiting_for": []}
    assert pending.json["command"]["status"] == "pending"
    assert (foreign.status, for_operators.status) == (404, 200)
    assert command["result"] == again.json
    assert (await service.own.send("GET", f"/api/assistants/{again.json['assistant']['id']}")).json == again.json


async def test_without_the_routing_what_changes_it_waits_for_it(service: Service) -> None:
    assistant = await service.own.create()
    async with service.projections["routing"].away():
        reply = await service.own.patch(assistant["id"], inbound_enabled=True)
        status = (await service.own.send("GET", reply.headers["Location"])).json["command"]
        unrelated = await service.own.patch(assistant["id"], name="Other")
    command = await command_at(service.own, reply.headers["Location"], "accepted")

    assert (reply.status, reply.json["command"]["waiting_for"]) == (202, ["routing"])
    assert (status["status"], status["waiting_for"], status["result"]) == ("accepted", ["routing"], None)
    assert unrelated.status == 200
    assert command["result"]["assistant"]["version"] == 2  # type: ignore[index]


async def test_a_release_that_was_cut_short_says_so_and_goes_on(service: Service) -> None:
    assistant = await service.own.create()
    number = await service.own.register()
    await service.own.assign(assistant["id"], number["id"])
    path, headers = f"/api/phone-numbers/{number['id']}", {"Idempotency-Key": secrets.token_hex(8)}
    async with service.projections["projector"].away():
        cut_short = await service.own.send("DELETE", path, headers=headers)
        location = cut_short.headers["Location"]
    await command_at(service.own, location, "void")
    kept = await service.own.send("GET", path)
    gone_on = await service.own.send("DELETE", path, headers=headers)
    command = await command_at(service.own, location, "accepted")

    assert cut_short.status == 202
    assert (kept.status, kept.json["phone_number"]["assistant_id"]) == (200, None)
    assert (gone_on.status, gone_on.json) == (200, command["result"])


async def test_without_postgres_a_copy_answers_503_and_recovers_by_itself(service: Service) -> None:
    assistant = await service.own.create()
    path = f"/api/assistants/{assistant['id']}"
    async with copy_behind_a_wire(service) as (caller, wire):
        async with service.nothing_appended():
            wire.cut()
            began = time.monotonic()
            read = await caller.send("GET", path)
            written = await caller.patch(assistant["id"], name="Lost")
            took = time.monotonic() - began
            await eventually(lambda: _is_unready(caller), 10.0)
        wire.mend()
        await eventually(lambda: is_ready(caller), 10.0)
        again = await caller.patch(assistant["id"], name="Kept")

    assert (read.status, read.code) == (503, "unavailable")
    assert (written.status, written.code, written.headers["Retry-After"]) == (503, "unavailable", "1")
    assert took < 5
    assert (again.status, again.json["assistant"]["version"]) == (200, 2)


async def _is_unready(caller: Caller) -> bool:
    return (await caller.send("GET", "/readyz")).status == 503


async def test_a_write_through_one_copy_is_seen_by_the_other_at_once(service: Service) -> None:
    assistant = await service.own.create()
    async with copy_behind_a_wire(service) as (caller, _):
        for number in range(50):
            here, there = (caller, service.own) if number % 2 else (service.own, caller)
            changed = await here.patch(assistant["id"], name=f"Number {number}")
            read = await there.send("GET", f"/api/assistants/{assistant['id']}")

            assert (changed.status, read.json["assistant"]["name"]) == (200, f"Number {number}")


async def test_a_copy_that_is_to_stop_answers_what_is_under_way(service: Service) -> None:
    port = str(free_port())
    caller = service.own.at(f"http://127.0.0.1:{port}")
    async with run_process(service.start, "patchbay.api", dict(service.environment) | {"API_PORT": port}) as process:
        await eventually(lambda: is_ready(caller), 30.0)
        async with service.projections["routing"].away():
            body = {"accountSlug": "my-team", "name": "A", "inbound_enabled": True}
            records = await service.records()
            under_way = asyncio.create_task(caller.send("POST", "/api/assistants", body))

            async def is_under_way() -> bool:
                return await service.records() > records

            await eventually(is_under_way, 5.0)
            os.kill(process.pid, signal.SIGTERM)
        reply = await under_way
        exit_code = await asyncio.wait_for(process.wait(), 15)

    assert (reply.status, reply.headers.get("Connection"), exit_code) == (200, "close", 0)


async def test_every_bad_setting_is_named_before_anything_opens(service: Service, tmp_path: Path) -> None:
    bad = {"API_PORT": "70000", "OPERATOR_KEY_SHA256": "secret", "PARTITIONS": "few", "DATABASE_URL": ""}
    exit_code, said = await run_to_its_end(service, tmp_path / "api.log", bad)

    assert exit_code == 2
    assert all(variable in said for variable in bad)


async def test_an_address_in_use_is_one_clear_sentence(service: Service, tmp_path: Path) -> None:
    exit_code, said = await run_to_its_end(service, tmp_path / "api.log", {"LOG_LEVEL": "error"})

    assert exit_code == 2
    assert f"cannot listen on 127.0.0.1:{service.environment['API_PORT']}" in said
    assert "Traceback" not in said


async def run_to_its_end(service: Service, log: Path, settings: dict[str, str]) -> tuple[int, str]:
    """Run a copy with these settings until it ends by itself, and return its exit code and what it said."""
    async with run_process(service.start, "patchbay.api", {**service.environment, **settings}, log) as process:
        exit_code = await asyncio.wait_for(process.wait(), 20)
    return exit_code, _text_of(log)


def _text_of(log: Path) -> str:
    return log.read_text()


async def test_a_log_line_tells_no_secret(service: Service, tmp_path: Path) -> None:
    port = str(free_port())
    environment = dict(service.environment) | {"API_PORT": port, "LOG_LEVEL": "debug", "LOG_FORMAT": "json"}
    async with run_process(service.start, "patchbay.api", environment, tmp_path / "api.log"):
        caller = service.own.at(f"http://127.0.0.1:{port}")
        await eventually(lambda: is_ready(caller), 30.0)
        await caller.create(system_prompt="the secret plan")
        issued = await caller.issue()
        await caller.send("GET", "/api/routing/inbound/+4930123456")
        await caller.send("GET", "/api/assistants/asst_nobody")
    said = (tmp_path / "api.log").read_text()
    lines = [json.loads(line) for line in said.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]

    assert {line["route"] for line in requests} >= {"/api/assistants", "/api/keys"}
    assert {line.get("code") for line in requests if line["status"] == 404} == {"not_found"}
    assert {line.get("code") for line in requests if line["status"] == 200} == {None}
    for secret in (issued["secret"], str(service.own.secret), "secret plan", "+4930123456"):
        assert secret not in said
