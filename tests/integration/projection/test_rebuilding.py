"""A generation is rebuilt beside the live one, compared, swapped in and rolled back, while the log grows."""

import asyncio
import json
from random import Random
from typing import Any

import msgspec
import pytest
from tests.integration.projection.generations import both_passed, differences, rebuilt, service, swapped
from tests.integration.projection.running import (
    READ_MODEL,
    ROUTING,
    Database,
    becomes,
    connected,
    log_with,
    passed,
    running,
)
from tests.property.projection.lives import Lives
from tests.unit.projection.chains import Written

from patchbay.eventlog import MemoryLog
from patchbay.postgres import open_connection
from patchbay.projection import (
    Fenced,
    GenerationRefused,
    PointerMoved,
    Projection,
    ProjectionTables,
    comparing,
    drop,
    keeping,
    read_generations,
    read_pair,
    swap,
)
from patchbay.projection.ownership import HeldByAnother, Role, claim
from patchbay.projection.tenure import Tenure
from patchbay.projector.folding import ReadModelFold

EVENTS = 400


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who keeps generations look for them more often than in production, where nobody waits for it."""
    monkeypatch.setattr(keeping, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(keeping, "RETRY_SECONDS", 0.2)


def grown_log(events: int = EVENTS) -> tuple[MemoryLog, Written]:
    """Return a log with random lives in it."""
    log, written = log_with()
    lives = Lives(written, Random(7))
    for _ in range(events):
        written.seal(*lives.next())
    return log, written


async def history_of(database: Database) -> list[tuple[int, int]]:
    """Return where every event of the history lies."""
    return [tuple(row) for row in await database.fetch('SELECT partition, "offset" FROM history.events ORDER BY 1, 2')]


@pytest.mark.parametrize("chosen", [READ_MODEL, ROUTING], ids=["read_model", "routing"])
async def test_a_rebuilt_generation_is_equal_and_goes_live_and_back(database_url: str, chosen: Projection[Any]) -> None:
    """At each step both generations have passed the whole log and are equal row by row; the history has no hole."""
    name = chosen.tables.projection
    log, written = grown_log()
    async with connected(database_url) as database:
        async with service(READ_MODEL, log, database_url), service(ROUTING, log, database_url):
            await passed(database, f"{name}_1", log)
            told = await rebuilt(chosen, log, database_url)
            assert (told[-1].is_complete, told[-1].records) == (True, told[-1].of_records)
            for number, (back, live) in enumerate([(False, 2), (True, 1), (False, 2)]):
                written.opened(f"before {number}")
                await both_passed(database, name, log, (1, 2))
                assert await differences(database_url, name) == []
                assert (await swapped(database, name, back=back)).generation == live
                written.opened(f"after {number}")
                await both_passed(database, name, log, (1, 2))
                assert await differences(database_url, name) == []
            await passed(database, "read_model_2" if chosen is READ_MODEL else "read_model_1", log)
            if chosen is ROUTING:
                assert await database.fetchval("SELECT pg_get_viewdef('routing.inbound') LIKE '%routing_2%'")

        assert len(await history_of(database)) == EVENTS + 6


async def test_a_rebuild_that_was_stopped_goes_on_where_it_was(database_url: str) -> None:
    log, _ = grown_log()
    async with connected(database_url) as database, service(READ_MODEL, log, database_url):
        await passed(database, "read_model_1", log)
        positions = []
        for _ in range(3):
            stop = asyncio.Event()
            asyncio.get_running_loop().call_later(0.05, stop.set)
            told = await rebuilt(READ_MODEL, log, database_url, stop=stop, batch_records=10)
            positions += [line.records for line in told]
        (await rebuilt(READ_MODEL, log, database_url))[-1]

        assert positions == sorted(positions)
        assert [g.generation for g in await read_generations(database, "read_model")] == [1, 2]
        await both_passed(database, "read_model", log, (1, 2))
        assert await differences(database_url, "read_model") == []


async def test_every_difference_is_listed(database_url: str) -> None:
    log, _ = grown_log()
    async with connected(database_url) as database, service(READ_MODEL, log, database_url):
        await passed(database, "read_model_1", log)
        await rebuilt(READ_MODEL, log, database_url)
        (first, second, third) = await database.fetch("SELECT assistant_id FROM read_model_1.assistants LIMIT 3")
        await database.execute("UPDATE read_model_2.assistants SET version = 99 WHERE assistant_id = $1", first[0])
        await database.execute("DELETE FROM read_model_2.assistants WHERE assistant_id = $1", second[0])
        await database.execute(
            "UPDATE read_model_2.assistants SET assistant_id = 'x' WHERE assistant_id = $1", third[0]
        )
        async with comparing(database_url, "read_model") as comparison:
            found = [d for table in comparison.tables async for d in comparison.differences(table)]

    assert {(d.table, json.loads(d.key)["assistant_id"], d.live is None, d.other is None) for d in found} == {
        ("assistants", first[0], False, False),
        ("assistants", second[0], False, True),
        ("assistants", third[0], False, True),
        ("assistants", "x", True, False),
    }


async def test_a_swap_fences_both_owners_and_their_announcements(database_url: str) -> None:
    """Who owned the old generation commits nothing, and who claims either has to know which one is live."""
    log, written = grown_log(20)
    async with connected(database_url) as database:
        async with service(READ_MODEL, log, database_url):
            await passed(database, "read_model_1", log)
            await rebuilt(READ_MODEL, log, database_url)
            await both_passed(database, "read_model", log, (1, 2))
            async with asyncio.timeout(30), connected(database_url) as swapper:
                await swap(swapper, "read_model", back=False)
            await swapped(database, "read_model", back=True)
        tenures = []
        for generation in (1, 2):
            ownership = await claim(
                database, f"read_model_{generation}", owner="zombie", partition_count=2, also_own_lease=True
            )
            assert not isinstance(ownership, HeldByAnother)
            fold = ReadModelFold(ownership.schema)
            tenures.append(
                Tenure(database, ownership, log.identity, fold, projection="x", writes_history=True, blocked={})
            )
        await swap(database, "read_model", back=False)

        for tenure in tenures:
            with pytest.raises(Fenced):
                await tenure.project([written_record(log, written)])
        for generation in (1, 2):
            query = f"SELECT bool_and(backend_pid IS NULL) FROM read_model_{generation}.checkpoints"
            assert await database.fetchval(query)
        role = Role("read_model", 1, is_live=True)
        with pytest.raises(PointerMoved):
            await claim(database, "read_model_1", owner="a", partition_count=2, also_own_lease=True, role=role)


def written_record(log: MemoryLog, written: Written) -> Any:
    """Write one more record and return it as it lies in the log."""
    sealed = written.opened("one more")
    return log.records(log.identity.partition_of(sealed.stream))[-1]


def with_new_column(projection: Projection[Any]) -> Projection[Any]:
    """Return the projection as a later version might have it: a table of keys that also knows who may see them."""
    tables = projection.tables
    changed = tables.tables.replace("hint text NOT NULL,", "hint text NOT NULL,\n    colour text DEFAULT 'blue',")
    assert changed != tables.tables
    return msgspec.structs.replace(projection, tables=ProjectionTables(tables.projection, changed))


async def test_a_new_column_goes_live_beside_the_version_without_it(database_url: str) -> None:
    """Each version projects the generation that has its shape: the newer one before and after the swap, and back."""
    log, written = grown_log(100)
    newer = with_new_column(READ_MODEL)
    async with connected(database_url) as database, service(READ_MODEL, log, database_url, instance_id="old"):
        await passed(database, "read_model_1", log)
        await rebuilt(newer, log, database_url)
        with pytest.raises(GenerationRefused, match="nobody keeps read_model_2 current"):
            await swap(database, "read_model", back=False)
        async with service(newer, log, database_url, instance_id="new"):
            for back in (False, True, False):
                await swapped(database, "read_model", back=back)
                written.opened(f"{back} {await database.fetchval('SELECT count(*) FROM history.events')}")
                await both_passed(database, "read_model", log, (1, 2))
            async with comparing(database_url, "read_model") as comparison:
                added = {table.name: table.only_live for table in comparison.tables if table.only_live}

            assert added == {"keys": ("colour",)}
            assert await differences(database_url, "read_model") == []
            assert len(await history_of(database)) == 103


async def test_a_process_of_another_version_says_what_it_waits_for(database_url: str) -> None:
    log, _ = log_with()
    async with running(READ_MODEL, log, database_url), connected(database_url) as database:
        await passed(database, "read_model_1", log)
        async with running(with_new_column(READ_MODEL), log, database_url, instance_id="new") as waiting:

            async def fault() -> bool:
                return "patchbay projection rebuild" in (waiting.readiness_fault() or "")

            await becomes(fault, wanted=True)
            assert waiting.liveness_fault() is None


async def test_what_cannot_be_done_is_refused(database_url: str) -> None:
    log, _ = grown_log(20)
    async with (
        open_connection(database_url, name="test") as connection,
        connected(database_url) as database,
        service(READ_MODEL, log, database_url),
    ):
        await passed(database, "read_model_1", log)
        with pytest.raises(GenerationRefused, match="nothing beside read_model_1"):
            await drop(connection, "read_model")
        with pytest.raises(GenerationRefused, match="no generation newer"):
            await swap(connection, "read_model", back=False)
        stopped = asyncio.Event()
        stopped.set()
        await rebuilt(READ_MODEL, log, database_url, stop=stopped)
        with pytest.raises(GenerationRefused, match="not complete"):
            await swap(connection, "read_model", back=False)
        await rebuilt(READ_MODEL, log, database_url)
        with pytest.raises(
            GenerationRefused, match="there is read_model_2 beside read_model_1 already: it is complete"
        ):
            await rebuilt(READ_MODEL, log, database_url)
        with pytest.raises(GenerationRefused, match="no generation older"):
            await swap(connection, "read_model", back=True)
        await connection.execute(
            "INSERT INTO read_model_2.quarantine (stream, from_height, reason, since) VALUES ('acct_x', 1, 'y', now())"
        )
        with pytest.raises(GenerationRefused, match="cannot fold streams that read_model_1 can: acct_x"):
            await swap(connection, "read_model", back=False)
        await swap(connection, "read_model", back=False, though_quarantined=True)
        dropped = await drop(connection, "read_model")

        assert (dropped.schema, (await read_pair(connection, "read_model")).other) == ("read_model_1", None)
        await passed(database, "read_model_2", log)
