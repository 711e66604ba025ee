"""How fast a projection is made again from the log: the projector's own loop, then a rebuild beside it."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
import psutil
from tests.benchmarks.rebuilding.filling import fill

from patchbay.embedded import prepare_kafka, prepare_postgres, running
from patchbay.eventlog import open_log

TOPIC: Final = "patchbay.events"
GOAL_EVENTS_PER_SECOND: Final = 50_000
GOAL_MEGABYTES: Final = 200
_LOOK_SECONDS: Final = 0.1
_LONGEST_SECONDS: Final = 3_600.0
_POSITIONS: Final = "SELECT coalesce(sum(next_offset), 0) FROM {schema}.checkpoints"


class Measured(msgspec.Struct, frozen=True):
    """One process that read the whole log."""

    name: str
    seconds: float  # from the first batch that was seen to the last one
    records: int  # that were read in them
    cpu_seconds: float  # of the process itself, its start included
    peak_bytes: int

    @property
    def rate(self) -> float:
        """Return the records a second."""
        return self.records / self.seconds

    def line(self) -> str:
        """Return it as a line."""
        return (
            f"{self.name:<28} {self.rate:>10,.0f} events/s   {self.seconds:>7.1f} s   "
            f"CPU {self.cpu_seconds:>6.1f} s   peak {self.peak_bytes / 1e6:>5.0f} MB"
        )


async def measure(directory: Path, events: int, partitions: int) -> tuple[Measured, Measured]:
    """Return the projector's own loop, and the rebuild."""
    async with AsyncExitStack() as stack:
        kafka = prepare_kafka(directory / "kafka")
        await stack.enter_async_context(running(kafka.launch))
        postgres = prepare_postgres(directory / "postgres")
        await stack.enter_async_context(running(postgres.launch))
        identity = await open_log(kafka.address, TOPIC, create_with_partitions=partitions)
        count = await fill(kafka.address, identity, events) + partitions
        environ = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.address,
            "DATABASE_URL": postgres.address,
            "TOPIC": TOPIC,
            "HEALTH_PORT": "0",
            "LOG_LEVEL": "error",
        }
        connection = await asyncpg.connect(postgres.address)
        try:
            projector = await _start(environ)
            try:
                loop = await _watch("today's loop, with history", projector, connection, "read_model_1", count)
                rebuilding = await _start(environ, "rebuild")
                rebuild = await _watch("rebuild", rebuilding, connection, "read_model_2", count)
                await rebuilding.wait()
            finally:
                projector.terminate()
                await projector.wait()
        finally:
            await connection.close()
    return loop, rebuild


async def _start(environ: Mapping[str, str], *arguments: str) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "patchbay.projector", *arguments)
    return await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **environ}, stdout=asyncio.subprocess.DEVNULL
    )


async def _watch(
    name: str,
    process: asyncio.subprocess.Process,
    connection: "asyncpg.Connection[asyncpg.Record]",
    schema: str,
    count: int,
) -> Measured:
    """Return how long a process takes to have read so many records; its start does not count."""
    watched, peak_bytes, cpu_seconds = psutil.Process(process.pid), 0, 0.0
    began_at, began_with, deadline = 0.0, 0, time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < deadline:
        if await connection.fetchval("SELECT to_regclass($1)", f"{schema}.checkpoints") is not None:
            passed = int(await connection.fetchval(_POSITIONS.format(schema=schema)))
            now = time.monotonic()
            if passed and not began_at:
                began_at, began_with = now, passed
            if passed >= count:
                return Measured(name, now - began_at, passed - began_with, cpu_seconds, peak_bytes)
        try:
            peak_bytes = max(peak_bytes, watched.memory_info().rss)
            cpu_seconds = sum(watched.cpu_times()[:2])
        except psutil.NoSuchProcess:
            pass
        await asyncio.sleep(_LOOK_SECONDS)
    raise SystemExit(f"{name} has not read the log in time")
