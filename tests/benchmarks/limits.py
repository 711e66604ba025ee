"""What the parts can do alone: appends with and without a flush, and the bare SQL of the CRUD service."""

import asyncio
import json
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tests.benchmarks.installation import PARTITIONS
from tests.benchmarks.peers.crud.__main__ import CREATE_TABLES
from tests.benchmarks.peers.templates import TEMPLATES

_RECORD_BYTES: Final = 2_400  # an AssistantCreated with its headers
_TOGETHER: Final = 64
_VARIABLE: Final = re.compile(r":(?=\w)")  # what pgbench would take for one
_TPS: Final = re.compile(r"tps = ([\d.]+)")


class Limit(msgspec.Struct, frozen=True):
    """One part, alone."""

    what: str
    per_second: float
    p50_ms: float | None  # None: not told
    durability: str


async def measure_appends(bootstrap_servers: str, seconds: float) -> list[Limit]:
    """Append alone, with aiokafka as Patchbay sets it up."""
    found = []
    for flush, durability in ((1, "fsync (flush.messages=1)"), (None, "no fsync")):
        topic = f"limits.{'flushed' if flush else 'unflushed'}"
        await _create(bootstrap_servers, topic, flush)
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers, enable_idempotence=True, acks="all", linger_ms=0
        )
        await producer.start()
        try:
            for together in (1, _TOGETHER):
                await _append(producer, topic, together, 1.0)
                times = await _append(producer, topic, together, seconds)
                found.append(
                    Limit(
                        what=f"aiokafka appends, {together} in flight",
                        per_second=len(times) / seconds,
                        p50_ms=1000 * quantiles(times, n=2)[0],
                        durability=durability,
                    )
                )
        finally:
            await producer.stop()
    return found


async def _create(bootstrap_servers: str, topic: str, flush_messages: int | None) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        configs = {} if flush_messages is None else {"flush.messages": str(flush_messages)}
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs=configs)])
    finally:
        await admin.close()


async def _append(producer: AIOKafkaProducer, topic: str, together: int, seconds: float) -> list[float]:
    """Return how long each took; as many as `together` are always under way."""
    value, ends_at, times = bytes(_RECORD_BYTES), time.perf_counter() + seconds, list[float]()

    async def one_after_the_other(partition: int) -> None:
        while (began_at := time.perf_counter()) < ends_at:
            await producer.send_and_wait(topic, value, partition=partition)
            times.append(time.perf_counter() - began_at)

    await asyncio.gather(*[one_after_the_other(index % PARTITIONS) for index in range(together)])
    return times


async def measure_sql(database_url: str, directory: Path, seconds: float) -> list[Limit]:
    """Do the CRUD service's INSERT and SELECT with pgbench; nothing where there is no pgbench."""
    pgbench = shutil.which("pgbench")
    if pgbench is None:
        return []
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(CREATE_TABLES)
        record = json.dumps(TEMPLATES["outbound-setter"])
        await connection.execute(
            "INSERT INTO assistants SELECT 'limit_' || n, 'limits', $1::jsonb FROM generate_series(1, 1000) AS n",
            record,
        )
    finally:
        await connection.close()
    literal = _VARIABLE.sub("\\\\u003a", record).replace("'", "''")
    insert = directory / "insert.sql"
    insert.write_text(
        f"INSERT INTO assistants VALUES (gen_random_uuid()::text, 'limits', '{literal}') RETURNING record;\n"
    )
    select = directory / "select.sql"
    select.write_text("\\set n random(1, 1000)\nSELECT record FROM assistants WHERE id = 'limit_' || :n;\n")
    found = []
    for name, script in (("INSERT", insert), ("SELECT by id", select)):
        for clients in (1, 8):
            options = ("-n", "-M", "prepared", "-c", str(clients), "-T", str(max(1, round(seconds))), "-f", str(script))
            output = await _run(pgbench, [*options, *_place(database_url)], _password(database_url))
            per_second = float(_TPS.findall(output)[-1])
            found.append(
                Limit(
                    what=f"pgbench, {name}, {clients} connection{'s' if clients > 1 else ''}",
                    per_second=per_second,
                    p50_ms=1000 / per_second if clients == 1 else None,
                    durability="fsync at commit" if name == "INSERT" else "nothing is written",
                )
            )
    return found


def _place(url: str) -> Sequence[str]:
    parts = urlsplit(url)
    return ("-h", parts.hostname or "", "-p", str(parts.port), "-U", parts.username or "", parts.path.lstrip("/"))


def _password(url: str) -> str:
    return urlsplit(url).password or ""


async def _run(command: str, arguments: Sequence[str], password: str) -> str:
    process = await asyncio.create_subprocess_exec(
        command, *arguments, env={"PGPASSWORD": password}, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"pgbench ended with exit code {process.returncode}: {output.decode()[-500:]}")
    return output.decode()
