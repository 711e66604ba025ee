"""What one event, one assistant and one number take: bytes in the log and in Postgres, and processor time."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
import psutil
from tests.benchmarks.rebuilding.filling import fill

from patchbay.embedded import prepare_kafka, prepare_postgres, running
from patchbay.eventlog import open_log

TOPIC: Final = "patchbay.events"
_LOOK_SECONDS: Final = 0.2
_LONGEST_SECONDS: Final = 3_600.0
_PROJECTIONS: Final = {"patchbay.projector": "read_model_1", "patchbay.routing": "routing_1"}
_POSITIONS: Final = "SELECT coalesce(sum(next_offset), 0) FROM {schema}.checkpoints"
_SIZES: Final = """
SELECT schemaname || '.' || relname AS name, pg_total_relation_size(relid) AS bytes, pg_indexes_size(relid) AS indexes,
       n_live_tup AS rows
  FROM pg_stat_user_tables WHERE n_live_tup > 0 ORDER BY 2 DESC
"""


class Table(msgspec.Struct, frozen=True):
    """A table, as large as it became."""

    name: str
    rows: int
    bytes: int  # indexes and long values included
    index_bytes: int


class Grown(msgspec.Struct, frozen=True):
    """What a log of so many events takes."""

    events: int
    log_bytes: int
    tables: list[Table]
    cpu_seconds: Mapping[str, float]  # by process, its start included


async def measure(directory: Path, events: int, partitions: int) -> Grown:
    """Write a log, project it by both processes, and look at what is there."""
    async with AsyncExitStack() as stack:
        kafka = prepare_kafka(directory / "kafka")
        await stack.enter_async_context(running(kafka.launch))
        postgres = prepare_postgres(directory / "postgres")
        await stack.enter_async_context(running(postgres.launch))
        identity = await open_log(kafka.address, TOPIC, create_with_partitions=partitions)
        count = await fill(kafka.address, identity, events)
        environ = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.address,
            "DATABASE_URL": postgres.address,
            "TOPIC": TOPIC,
            "HEALTH_PORT": "0",
            "LOG_LEVEL": "error",
        }
        connection = await asyncpg.connect(postgres.address)
        try:
            cpu_seconds = {
                module: await _project(module, environ, connection, schema, count + partitions)
                for module, schema in _PROJECTIONS.items()
            }
            await connection.execute("VACUUM ANALYZE")
            rows = await connection.fetch(_SIZES)
        finally:
            await connection.close()
        log_bytes = sum(path.stat().st_size for path in (directory / "kafka").rglob(f"{TOPIC}-*/*.log"))
    tables = [Table(row["name"], row["rows"], row["bytes"], row["indexes"]) for row in rows]
    return Grown(count, log_bytes, tables, cpu_seconds)


async def _project(module: str, environ: Mapping[str, str], connection: Any, schema: str, count: int) -> float:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, env={**os.environ, **environ})
    watched, deadline = psutil.Process(process.pid), time.monotonic() + _LONGEST_SECONDS
    try:
        while time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_SECONDS)
            is_there = await connection.fetchval("SELECT to_regclass($1)", f"{schema}.checkpoints") is not None
            if is_there and await connection.fetchval(_POSITIONS.format(schema=schema)) >= count:
                break
        times = watched.cpu_times()
        return times.user + times.system
    finally:
        process.terminate()
        await process.wait()
