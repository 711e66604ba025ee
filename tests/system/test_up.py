"""`patchbay up`: ready with an account, alive through the death of any process, and gone without a trace."""

import asyncio
import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from tests.servers import eventually
from tests.system.up import Up, lives, up_on

OWN = {"kafka", "postgres", "projector", "routing", "api"}


@pytest.fixture
def up(home: Up) -> Up:
    return home


async def get_numbers(endpoints: dict[str, Any]) -> tuple[int, list[str]]:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {endpoints['api_key']}"}) as http:
        url = f"{endpoints['api']}/api/phone-numbers"
        try:
            async with http.get(url, params={"accountSlug": endpoints["account_slug"]}) as answer:
                body = await answer.json()
                return answer.status, sorted(number["phone_number"] for number in body.get("phone_numbers", []))
        except aiohttp.ClientError:
            return 0, []


async def create_assistant(endpoints: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {endpoints['api_key']}"}) as http,
        http.post(
            f"{endpoints['api']}/api/assistants", json={"accountSlug": endpoints["account_slug"], "name": "Sales"}
        ) as answer,
    ):
        return answer.status, await answer.json()


def test_endpoints_tell_scripts_all_they_need_and_nobody_else(up: Up) -> None:
    endpoints = up.endpoints

    assert (up.directory / "endpoints.json").stat().st_mode & 0o777 == 0o600
    assert endpoints["api"] == f"http://127.0.0.1:{up.api_port}"
    assert endpoints["account_slug"] == "my-team"
    assert endpoints["account_id"].startswith("acct_")
    assert endpoints["api_key"].startswith("tk_live_")
    assert len(endpoints["phone_numbers"]) == 2
    assert set(endpoints["pids"]) == OWN
    assert all(lives(pid) for pid in endpoints["pids"].values())


def test_the_first_start_shows_the_key_and_a_line_that_works_when_pasted(up: Up) -> None:
    (line,) = [line for line in up.output.splitlines() if line.lstrip().startswith("curl ")]

    answer = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True, timeout=30)  # noqa: S603 -- ours

    assert up.endpoints["api_key"] in up.output
    assert json.loads(answer.stdout)["assistant"]["type"] == "outbound-setter"


def test_everything_listens_on_loopback_only(up: Up) -> None:
    listening = [
        connection.laddr
        for pid in up.endpoints["pids"].values()
        for connection in psutil.Process(pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]

    assert len(listening) >= 6
    assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_a_second_start_on_the_same_directory_is_refused(up: Up) -> None:
    again = subprocess.run(up.command(), capture_output=True, text=True, check=False, timeout=30, env=up.environ())  # noqa: S603 -- ours

    assert up.process is not None
    assert again.returncode == 2
    assert again.stderr.startswith(f"patchbay: Patchbay already runs on {up.directory} (process {up.process.pid}):")


async def test_a_port_in_use_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with up_on(tmp_path / "data") as other, socket.create_server(("127.0.0.1", other.api_port)):
        other.start_unready()

        assert await other.ended() == 2
        assert other.output == (
            f"patchbay: Port {other.api_port} is in use by another program: choose another one with --api-port "
            "(make run API_PORT=…).\n"
        )


async def test_given_servers_are_used_and_left_running(
    tmp_path: Path, kafka: str, database_url: str, topic: str
) -> None:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "DATABASE_URL": database_url, "TOPIC": topic}
    with up_on(tmp_path / "data", environ) as other:
        await other.start()

        assert set(other.endpoints["pids"]) == {"projector", "routing", "api"}
        assert other.endpoints["kafka"] == kafka
        assert (await create_assistant(other.endpoints))[0] == 200
        assert await other.interrupt() == 0


async def test_a_second_ctrl_c_ends_everything_at_once(
    tmp_path: Path, kafka: str, database_url: str, topic: str
) -> None:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "DATABASE_URL": database_url, "TOPIC": topic}
    with up_on(tmp_path / "data", environ) as other:
        await other.start()
        pids = other.endpoints["pids"]
        os.kill(pids["api"], signal.SIGSTOP)  # it cannot drain
        assert other.process is not None
        other.process.send_signal(signal.SIGINT)
        await eventually(lambda: "Stopping" in other.output)
        other.process.send_signal(signal.SIGINT)

        assert await asyncio.wait_for(other.ended(), 5) == 128 + signal.SIGINT
        await eventually(lambda: not [name for name, pid in pids.items() if lives(pid)])


async def kill_and_wait(up: Up, name: str) -> None:
    before = up.endpoints["pids"]
    os.kill(before[name], signal.SIGKILL)
    await eventually(lambda: f"{name} ended (signal 9); it is started again in" in up.output)
    await eventually(lambda: f"{name} is ready again" in up.output, 60.0)

    after = up.endpoints["pids"]
    assert set(after) == OWN
    assert after[name] != before[name]


async def test_a_process_that_is_killed_is_started_again(up: Up) -> None:
    for name in ("projector", "routing", "api", "postgres", "kafka"):
        await kill_and_wait(up, name)

    async def writes_again() -> bool:
        status, _ = await create_assistant(up.endpoints)
        return status == 200

    await eventually(writes_again, 30.0)


async def test_the_death_of_its_keeper_ends_every_process_and_the_next_start_goes_on(up: Up) -> None:
    before, numbers = up.endpoints, await get_numbers(up.endpoints)
    assert up.process is not None
    up.process.kill()
    up.process.wait()
    await up.start()

    after = up.endpoints
    assert not [name for name, pid in before["pids"].items() if lives(pid)]
    assert {**after, "pids": None, "kafka": None} == {**before, "pids": None, "kafka": None}
    assert after["api_key"] not in up.output
    assert await get_numbers(after) == numbers
    assert numbers[0] == 200
    assert {"+14155550100", "+14155550101"} <= set(numbers[1])


async def test_ctrl_c_stops_everything_in_order_with_exit_code_0(up: Up) -> None:
    pids = up.endpoints["pids"]

    assert await up.interrupt() == 0
    assert up.output.rstrip().endswith("Stopped.")
    assert "killed" not in up.output
    assert not [name for name, pid in pids.items() if lives(pid)]
    assert up.endpoints["pids"] == {}
