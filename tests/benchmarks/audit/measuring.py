"""One size: a log is filled, and all is done with it that there is to do."""

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

from patchbay.api.live import LiveGenerations, read_generations
from patchbay.api.reading.audit import AuditTrail
from patchbay.api.reading.audit_sources import Wanted
from patchbay.api.reading.number_history import NumberHistory
from patchbay.api.reading.reader import Reader
from patchbay.api.reading.versions import Versions
from patchbay.embedded import prepare_kafka, prepare_postgres, running
from patchbay.eventlog import open_log
from patchbay.postgres import open_pool

PARTITIONS: Final = 4
TOPIC: Final = "bench.events"
_LOOK_SECONDS: Final = 0.1
_LONGEST_SECONDS: Final = 7_200.0
_QUESTIONS: Final = 1_000
_PAGE: Final = 50
_IS_THERE: Final = "SELECT to_regclass('read_model_1.checkpoints')::text || to_regclass('routing.inbound')::text"
_POSITIONS: Final = "SELECT coalesce(sum(next_offset), 0) FROM read_model_1.checkpoints"
_SOME: Final = "SELECT assistant_id, account_id FROM read_model_1.assistants ORDER BY random() LIMIT $1"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of work took."""

    name: str
    events: int
    seconds: float
    mib: float  # the most that its processes had together, what they share counted once
    p99_ms: float | None = None  # of one question, where there are many

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    def line(self) -> str:
        """Return it for people."""
        if self.p99_ms is not None:
            return f"{self.name:<14} p99 {self.p99_ms:.1f} ms of {_QUESTIONS:,} questions"
        return f"{self.name:<14} {self.rate:>10,.0f} events/s {self.seconds:>8.1f} s {self.mib:>7.0f} MiB"


async def measure(directory: Path, events: int, *, with_history: bool) -> list[Figure]:
    """Fill a log, and do with it what there is to do."""
    async with AsyncExitStack() as stack:
        kafka = prepare_kafka(directory / "kafka")
        await stack.enter_async_context(running(kafka.launch))
        identity = await open_log(kafka.address, TOPIC, create_with_partitions=PARTITIONS)
        count = await fill(kafka.address, identity, events)
        environ = {"KAFKA_BOOTSTRAP_SERVERS": kafka.address, "TOPIC": TOPIC, "LOG_LEVEL": "error"}
        folder = str(directory / "exported")
        restored = {**environ, "TOPIC": "bench.restored"}
        figures = [
            await _timed("verify", count, environ, "verify"),
            await _timed("export", count, environ, "export", folder),
            await _timed("verify export", count, environ, "verify", folder),
            await _timed("import", count, restored, "import", folder),
        ]
        if with_history:
            postgres = prepare_postgres(directory / "postgres")
            await stack.enter_async_context(running(postgres.launch))
            url = postgres.address
            await _project({**environ, "DATABASE_URL": url, "HEALTH_PORT": "0"}, count + PARTITIONS)
            figures.append(await _history(url, count))
    return figures


async def _timed(name: str, events: int, environ: Mapping[str, str], *arguments: str) -> Figure:
    """Run a command, and look at its memory meanwhile."""
    begun_at = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "patchbay.cli", "audit", *arguments),
        env={**os.environ, **environ},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    ending = asyncio.create_task(process.communicate())
    most = 0.0
    while not ending.done():
        most = max(most, _memory_of(process.pid))
        await asyncio.wait([ending], timeout=_LOOK_SECONDS)
    seconds = time.perf_counter() - begun_at
    if process.returncode:
        raise SystemExit(f"{name} failed: {(await ending)[1].decode()}")
    return Figure(name=name, events=events, seconds=seconds, mib=most / 2**20)


def _memory_of(pid: int) -> float:
    try:
        root = psutil.Process(pid)
        return float(sum(each.memory_full_info().pss for each in (root, *root.children(recursive=True))))
    except psutil.Error:
        return 0.0  # it has just ended


async def _project(environ: Mapping[str, str], records: int) -> None:
    """Have the projector read the whole log; routing is only to be there."""
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"patchbay.{name}"),
            env={**os.environ, **environ},
            stdout=asyncio.subprocess.DEVNULL,
        )
        for name in ("projector", "routing")
    ]
    connection = await asyncpg.connect(environ["DATABASE_URL"])
    deadline = time.monotonic() + _LONGEST_SECONDS
    try:
        while time.monotonic() < deadline:
            is_there = await connection.fetchval(_IS_THERE) is not None
            if is_there and await connection.fetchval(_POSITIONS) >= records:
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise SystemExit("the projector has not read the log in time")
    finally:
        await connection.close()
        for process in processes:
            process.terminate()
            await process.wait()


async def _history(url: str, events: int) -> Figure:
    """Ask for the past of one assistant after the other, as GET /api/audit does."""
    took: list[float] = []
    async with open_pool(url, name="bench", min_connections=1, max_connections=1) as pool:
        reader = Reader(pool, LiveGenerations(pool, await read_generations(pool)))
        trail = AuditTrail(reader, Versions(reader), NumberHistory(reader))
        chosen = await pool.fetch(_SOME, _QUESTIONS)
        for index in range(_QUESTIONS):
            row = chosen[index % len(chosen)]
            wanted = Wanted(account_id=row["account_id"], assistant_id=row["assistant_id"])
            begun_at = time.perf_counter()
            await trail.page(wanted, wanted.begin, _PAGE)
            took.append(time.perf_counter() - begun_at)
    p99 = sorted(took)[int(len(took) * 0.99)]
    return Figure(name="history", events=events, seconds=sum(took), mib=0, p99_ms=p99 * 1000)
