"""The program that rebuilds, on real Kafka and real Postgres: killed at random moments, it goes on where it was."""

import asyncio
import os
import sys
from random import Random

import msgspec
from tests.benchmarks.callrouting.filling import fill
from tests.integration.projection.generations import differences
from tests.integration.projection.running import becomes, connected
from tests.integration.projection.test_processes import process

from patchbay.eventlog import open_log
from patchbay.projection import RebuildProgress

NUMBERS = 4_000
KILLS = 3
END_SECONDS = 120.0


async def rebuilding(kafka: str, database_url: str, topic: str) -> asyncio.subprocess.Process:
    """Start the program."""
    environ = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka, "DATABASE_URL": database_url, "TOPIC": topic}
    command = (sys.executable, "-m", "patchbay.projector", "rebuild", "100")
    return await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE)


async def test_a_rebuild_that_is_killed_again_and_again_ends_with_the_same_rows(
    kafka: str, database_url: str, topic: str
) -> None:
    chance = Random(11)
    identity = await open_log(kafka, topic, create_with_partitions=2)
    events = await fill(kafka, identity, NUMBERS)
    async with connected(database_url) as database, process("patchbay.projector", kafka, database_url, topic):

        async def passed_by(schema: str) -> int:
            if await database.fetchval("SELECT to_regclass($1)", f"{schema}.checkpoints") is None:
                return 0
            return int(await database.fetchval(f"SELECT coalesce(sum(next_offset), 0) FROM {schema}.checkpoints"))

        async def live_has_passed_all() -> bool:
            return await passed_by("read_model_1") >= events + 2

        await becomes(live_has_passed_all, wanted=True)
        positions = []
        for _ in range(KILLS):
            one = await rebuilding(kafka, database_url, topic)
            beyond = await passed_by("read_model_2") + chance.randrange(1, 500)

            async def is_beyond(least: int = beyond, running: asyncio.subprocess.Process = one) -> bool:
                return running.returncode is not None or await passed_by("read_model_2") >= least

            await becomes(is_beyond, wanted=True)
            await asyncio.sleep(chance.random() * 0.1)  # the moment itself, and no wait for anything
            one.kill()
            await one.wait()
            positions.append(await passed_by("read_model_2"))
            assert positions[-1] < events
        last = await rebuilding(kafka, database_url, topic)
        output, _ = await asyncio.wait_for(last.communicate(), END_SECONDS)
        told = msgspec.json.decode(output.splitlines()[-1], type=RebuildProgress)

        assert (last.returncode, told.is_complete, told.records) == (0, True, events + 2)
        assert positions == sorted(positions)
        assert await differences(database_url, "read_model") == []
