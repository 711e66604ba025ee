"""How long a start takes, from the log and from the snapshot, and what the table takes then."""

import asyncio
import hashlib
import os
import secrets
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import aiohttp
import asyncpg
import msgspec
from tests.benchmarks.callrouting.filling import fill
from tests.benchmarks.callrouting.goals import Figure, render
from tests.benchmarks.callrouting.subscriber import Found
from tests.benchmarks.cpu import read_cpu, spent

from patchbay.embedded import Launch, free_port, prepare_kafka, prepare_postgres, running
from patchbay.eventlog import open_log, open_reader
from patchbay.postgres import open_connection
from patchbay.projection import prepare_database
from patchbay.projector.tables import TABLES as READ_MODEL

REPOSITORY: Final = Path(__file__).parents[3]
TOPIC: Final = "patchbay.events"
PARTITIONS: Final = 4
FOLD_SECONDS: Final = 3_600.0  # for the routing process to fold a million numbers


async def measure_starts(directory: Path, numbers: int) -> tuple[str, int]:
    """Return the figures as text, and how many goals they miss."""
    async with AsyncExitStack() as stack:
        kafka = prepare_kafka(directory / "kafka")
        pids = {"kafka": (await stack.enter_async_context(running(kafka.launch))).pid}
        postgres = prepare_postgres(directory / "postgres")
        pids["postgres"] = (await stack.enter_async_context(running(postgres.launch))).pid
        identity = await open_log(kafka.address, TOPIC, create_with_partitions=PARTITIONS)
        _tell(f"writing a log of {numbers:,} numbers")
        events = await fill(kafka.address, identity, numbers)
        _tell(f"{events:,} events; a subscriber reads them")
        from_log = await _subscribe(kafka.address, numbers, {})
        key = f"tk_live_{secrets.token_hex(16)}"
        environ = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.address,
            "DATABASE_URL": postgres.address,
            "TOPIC": TOPIC,
            "OPERATOR_KEY_SHA256": hashlib.sha256(key.encode()).hexdigest(),
        }
        _tell("the routing process folds them")
        async with running(_launch(directory, "routing", environ)):
            async with open_reader(kafka.address, identity, dict.fromkeys(range(PARTITIONS), 0)) as reader:
                ends = dict(await reader.end_offsets())
            await _await_fold(postgres.address, ends)
        async with open_connection(postgres.address, name="benchmark") as connection:
            await prepare_database(connection, READ_MODEL)  # the API does not start without its tables, be they empty
        api = _launch(directory, "api", environ)
        pids["api"] = (await stack.enter_async_context(running(api))).pid
        url = f"http://127.0.0.1:{api.environ['API_PORT']}/api/routing/snapshot"
        _tell("a subscriber starts from the snapshot")
        before = read_cpu(pids)
        from_snapshot = await _subscribe(kafka.address, numbers, {"API_KEY": key}, "--snapshot", url)
        server = spent(before, read_cpu(pids)).by_process
    if not from_snapshot.is_from_snapshot:
        raise SystemExit("the snapshot could not be used")
    figures = [*_figures("snapshot", from_snapshot, numbers, 20), *_figures("log", from_log, numbers, None)]
    figures += [Figure(f"CPU of {name} for one snapshot", seconds, "s") for name, seconds in server.items()]
    return render(f"{numbers:,} numbers, {events:,} events, {PARTITIONS} partitions", figures)


def _figures(start: str, found: Found, numbers: int, start_goal: float | None) -> list[Figure]:
    name = f"from the {start}: "
    return [
        Figure(name + "start", found.start_seconds, "s", start_goal),
        Figure(name + "CPU of the start", found.start_cpu_seconds, "s"),
        Figure(name + "memory per number, with heads", found.memory_bytes / numbers, "B", 500),
        Figure(name + "the whole process, per number", found.process_bytes / numbers, "B"),
        Figure(name + "its peak, per number", found.peak_bytes / numbers, "B"),
        Figure(name + "look-up p50", found.look_up_p50_ns / 1e3, "us", 1),
        Figure(name + "look-up p99", found.look_up_p99_ns / 1e3, "us"),
        Figure(name + "look-up mean, CPU, with the loop around it", found.look_up_mean_ns / 1e3, "us"),
        Figure(name + "one full garbage collection", found.collection_ms, "ms"),
    ]


async def _subscribe(address: str, numbers: int, environ: Mapping[str, str], *options: str) -> Found:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.callrouting.subscriber", address, TOPIC, str(numbers), *options),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environ},
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"the subscriber ended with exit code {process.returncode}")
    return msgspec.json.decode(output, type=Found)


def _launch(directory: Path, name: str, environ: Mapping[str, str]) -> Launch:
    port = free_port()
    setting = "API_PORT" if name == "api" else "HEALTH_PORT"

    async def is_alive() -> bool:
        try:
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/livez") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    return Launch(
        name=name,
        command=(sys.executable, "-m", f"patchbay.{name}"),
        environ={**os.environ, **environ, setting: str(port)},
        log_path=directory / f"{name}.log",
        probe=is_alive,
    )


async def _await_fold(database_url: str, ends: Mapping[int, int]) -> None:
    connection = await asyncpg.connect(database_url)
    deadline = time.monotonic() + FOLD_SECONDS
    try:
        while True:
            rows = []
            if await connection.fetchval("SELECT to_regclass('routing_1.checkpoints')") is not None:
                rows = await connection.fetch("SELECT partition, next_offset FROM routing_1.checkpoints")
            if rows and {row["partition"]: row["next_offset"] for row in rows} == dict(ends):
                return
            if time.monotonic() > deadline:
                raise SystemExit("the routing process has not folded the log in time")
            await asyncio.sleep(0.5)
    finally:
        await connection.close()


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
