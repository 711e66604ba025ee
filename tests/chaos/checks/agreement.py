"""All readers agree: tables, memory, readers in Go, a replay from the first record; and the lag is gone."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg
from tests.chaos.system import System
from tests.contract.readers.foreign import go_reader
from tests.contract.readers.ours import lines_of_service, lines_of_verdicts
from tests.system.guarantees.cluster import PROJECTOR, ROUTING, TOPIC
from tests.system.guarantees.folding import Log
from tests.system.guarantees.readiness import is_ready
from tests.system.guarantees.tables import differences_between

from patchbay.callrouting import CallRouting
from patchbay.embedded import Launch, free_port, running
from patchbay.eventlog import open_reader

LAG_SECONDS: Final = 60.0
_REPLAY: Final = "replay"


async def ends_of(system: System) -> dict[int, int]:
    """Return for each partition the offset behind its last record."""
    identity = await system.cluster.identity()
    async with open_reader(system.cluster.kafka, identity, dict.fromkeys(range(identity.partition_count), 0)) as reader:
        return dict(await reader.end_offsets())


async def lag_seconds(system: System) -> float:
    """
    Return how long the projections took to pass all that is in the log now.

    Raises:
        AssertionError: They did not.
    """
    began = time.monotonic()
    await system.cluster.catch_up(LAG_SECONDS)
    return time.monotonic() - began


async def disagreements(system: System, log: Log) -> list[str]:
    """Return where the readers' heads are not those of the fold: they have judged a record in another way."""
    expected = {stream: (head.height, head.digest, head.stopped_by) for stream, head in log.heads.items()}
    async with CallRouting.subscribe(bootstrap_servers=system.cluster.kafka, topic=TOPIC) as routing:
        assert routing._following is not None
        heads = {stream: routing._following.heads.of(stream) for stream in expected}
    found = [
        f"call routing holds {heads[stream]} for {stream}, not {head}"
        for stream, head in expected.items()
        if head[0] and (heads[stream].height, heads[stream].digest, heads[stream].stopped_by) != head
    ]
    ends = await ends_of(system)
    connection = await asyncpg.connect(system.cluster.database_url)
    try:
        held = await lines_of_service(connection, ends)
    finally:
        await connection.close()
    held += await lines_of_verdicts(str(system.cluster.kafka), log.identity, ends)
    told = await go_reader().lines(str(system.cluster.kafka).partition(",")[0], TOPIC)
    return found + [f"only one of routing and the reader in Go has: {line}" for line in sorted({*held} ^ {*told})]


async def unverified(system: System) -> list[str]:
    """Return what the offline verifier finds wrong with the log."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "patchbay.cli", "audit", "verify"),
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": str(system.cluster.kafka), "TOPIC": TOPIC},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    return [] if process.returncode == 0 else [f"exit code {process.returncode}: {errors.decode()}"]


async def replay_differences(system: System) -> list[str]:
    """Project the log from its first record into an empty database; return every row that is not as in the live one."""
    connection = await asyncpg.connect(system.cluster.database_url)
    try:
        await connection.execute(f"CREATE DATABASE {_REPLAY} TEMPLATE template0")
    finally:
        await connection.close()
    url = system.cluster.database_url.rpartition("/")[0] + f"/{_REPLAY}"
    async with projected(PROJECTOR, system, url), projected(ROUTING, system, url):
        await system.cluster.catch_up(10 * LAG_SECONDS, url)
    return await differences_between(system.cluster.database_url, url)


@asynccontextmanager
async def projected(name: str, system: System, database_url: str, *, topic: str = TOPIC) -> AsyncIterator[None]:
    """Have one more process of a projection, which fills another database, for as long as the body runs."""
    port = free_port()
    live = system.processes.launches[name]
    launch = Launch(
        name=f"{name} of {topic} again",
        command=(sys.executable, "-m", f"patchbay.{name}"),
        environ={
            **live.environ,
            "KAFKA_BOOTSTRAP_SERVERS": str(system.cluster.kafka),
            "DATABASE_URL": database_url,
            "TOPIC": topic,
            "HEALTH_PORT": str(port),
        },
        log_path=Path(system.directory) / f"{name}-again-{topic}.log",
        probe=partial(is_ready, port),
        start_timeout_seconds=10 * LAG_SECONDS,
    )
    async with running(launch):
        yield
