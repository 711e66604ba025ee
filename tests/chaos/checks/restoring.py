"""The backup, tried on what a run has left: an export becomes another log, and that one the same tables."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Final

import asyncpg
from tests.chaos.checks.agreement import projected
from tests.chaos.system import BROKERS, System
from tests.system.guarantees.cluster import PROJECTOR, ROUTING, TOPIC
from tests.system.guarantees.tables import differences_between

FILL_SECONDS: Final = 600.0
_RESTORED: Final = "restored"
_TOPIC: Final = f"{TOPIC}.restored"


async def restore_differences(system: System) -> list[str]:
    """
    Export the log, import it into a topic of its own, and project that into an empty database.

    Returns:
        What a command says is not intact, and every row that is not as in the live tables.
    """
    live_url, kafka = system.cluster.database_url, str(system.cluster.kafka)
    url = live_url.rpartition("/")[0] + f"/{_RESTORED}"
    folder = str(system.directory / "backup")
    for topic, database_url, arguments in (
        (TOPIC, live_url, ("compare",)),
        (TOPIC, live_url, ("export", folder)),
        (_TOPIC, url, ("import", folder, "--replication-factor", str(len(BROKERS)))),
    ):
        environ = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "DATABASE_URL": database_url, "TOPIC": topic}
        if faults := await _audit(environ, *arguments):
            return faults
    connection = await asyncpg.connect(live_url)
    try:
        await connection.execute(f"CREATE DATABASE {_RESTORED} TEMPLATE template0")
    finally:
        await connection.close()
    async with projected(PROJECTOR, system, url, topic=_TOPIC), projected(ROUTING, system, url, topic=_TOPIC):
        await system.cluster.catch_up(FILL_SECONDS, url, topic=_TOPIC)
    environ = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "DATABASE_URL": url, "TOPIC": _TOPIC}
    return await _audit(environ, "compare") + await differences_between(live_url, url, with_places=False)


async def _audit(environ: Mapping[str, str], *arguments: str) -> list[str]:
    """Return what `patchbay audit …` complains of."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "patchbay.cli", "audit", *arguments),
        env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode == 0:
        return []
    return [f"audit {arguments[0]} ended with {process.returncode}: {errors.decode()}{output.decode()}"]
