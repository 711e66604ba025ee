"""One consumer owns the partitions; a late one writes nothing at all, wherever it stands."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from tests.integration.projection.running import READ_MODEL, Database, becomes, connected, log_with, passed, running
from tests.servers import eventually
from tests.unit.projection.chains import assistant_created, assistant_id

from patchbay.assistants.events import Event
from patchbay.eventlog import MemoryLog
from patchbay.postgres import open_connection
from patchbay.projection import Fenced, loop, prepare_database
from patchbay.projection.ownership import HeldByAnother, Ownership, claim, release
from patchbay.projection.tenure import Tenure
from patchbay.projector.folding import ReadModelFold

SCHEMA = "read_model_1"


async def claimed(database: Database, owner: str, *, also_own_lease: bool = True) -> Ownership | HeldByAnother:
    """Claim the two partitions of the log."""
    return await claim(database, SCHEMA, owner=owner, partition_count=2, also_own_lease=also_own_lease)


def tenure_of(database: Database, ownership: Ownership | HeldByAnother, log: MemoryLog) -> Tenure[Event]:
    """Return what an owner works with."""
    assert isinstance(ownership, Ownership)
    fold = ReadModelFold(SCHEMA)
    return Tenure(database, ownership, log.identity, fold, projection="read_model", writes_history=True, blocked={})


async def everything(database: Database) -> list[object]:
    """Return every row that a projector writes."""
    tables = ("history.events", *(f"{SCHEMA}.{table}" for table in ("heads", "assistants", "versions", "checkpoints")))
    return [await database.fetch(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]


async def test_another_instance_waits_until_the_lease_is_over(database_url: str) -> None:
    async with connected(database_url) as database:
        await prepare_database(database, READ_MODEL.tables)
        ownership = await claimed(database, "one")
        assert isinstance(ownership, Ownership)

        assert await claimed(database, "two") == HeldByAnother("one")
        await release(database, ownership)
        assert isinstance(await claimed(database, "two"), Ownership)


async def test_the_same_instance_takes_over_at_once_unless_it_was_fenced(database_url: str) -> None:
    async with connected(database_url) as database:
        await prepare_database(database, READ_MODEL.tables)
        first = await claimed(database, "one")
        second = await claimed(database, "one")
        assert isinstance(first, Ownership)
        assert isinstance(second, Ownership)

        assert second.epoch == first.epoch + 1
        assert await claimed(database, "one", also_own_lease=False) == HeldByAnother("one")


async def test_instances_that_claim_at_once_are_not_both_owners(database_url: str) -> None:
    async with connected(database_url) as database:
        await prepare_database(database, READ_MODEL.tables)

    async def one(number: int) -> Ownership | HeldByAnother:
        async with connected(database_url) as database:
            return await claimed(database, f"instance {number}")

    outcomes = await asyncio.gather(*(one(number) for number in range(8)))

    assert sum(isinstance(outcome, Ownership) for outcome in outcomes) == 1


@pytest.mark.parametrize("events", [1, 100])
async def test_a_zombie_writes_nothing(database_url: str, events: int) -> None:
    """Both ways of writing, one statement and copies beside it, are all or nothing."""
    log, written = log_with()
    account = written.account("acme")
    for number in range(events):
        written.seal(account, assistant_created(assistant_id(number), account))
    records = log.records(log.identity.partition_of(account))
    async with connected(database_url) as database:
        await prepare_database(database, READ_MODEL.tables)
        zombie = tenure_of(database, await claimed(database, "one"), log)
        owner = tenure_of(database, await claimed(database, "one"), log)
        before = await everything(database)
        with pytest.raises(Fenced):
            await zombie.project(records)
        assert await everything(database) == before

        await owner.project(records)
        assert await database.fetchval(f"SELECT count(*) FROM {SCHEMA}.assistants") == events
        with pytest.raises(Fenced):
            await zombie.renew()


async def test_an_owner_whose_checkpoint_was_moved_writes_nothing(database_url: str) -> None:
    log, written = log_with()
    account = written.account("acme")
    written.seal(account, assistant_created(assistant_id(1), account))
    async with connected(database_url) as database:
        await prepare_database(database, READ_MODEL.tables)
        owner = tenure_of(database, await claimed(database, "one"), log)
        await database.execute(f"UPDATE {SCHEMA}.checkpoints SET next_offset = 7")
        with pytest.raises(Fenced):
            await owner.project(log.records(log.identity.partition_of(account)))

        assert await database.fetchval("SELECT count(*) FROM history.events") == 0


async def test_a_stand_by_is_alive_and_takes_over_when_the_owner_stops(database_url: str) -> None:
    log, written = log_with()
    async with connected(database_url) as database:
        async with running(READ_MODEL, log, database_url, instance_id="two-to-be") as owner:
            await passed(database, SCHEMA, log)
            stand_by_context = running(READ_MODEL, log, database_url, instance_id="stand-by")
            async with stand_by_context as stand_by:

                async def fault() -> str | None:
                    return stand_by.readiness_fault()

                await becomes(fault, "stand-by: two-to-be owns the partitions")
                assert stand_by.liveness_fault() is None
                assert owner.readiness_fault() is None
        written.opened("acme")
        async with running(READ_MODEL, log, database_url, instance_id="stand-by"):
            await passed(database, SCHEMA, log)


async def test_two_processes_of_one_name_do_not_take_it_from_one_another_for_ever(database_url: str) -> None:
    log, written = log_with()
    async with connected(database_url) as database, running(READ_MODEL, log, database_url, instance_id="same") as first:
        await passed(database, SCHEMA, log)
        async with running(READ_MODEL, log, database_url, instance_id="same") as second:

            async def faults() -> tuple[str | None, bool]:
                return first.readiness_fault(), second.readiness_fault() is None

            await becomes(faults, ("stand-by: same owns the partitions", True))
            written.opened("acme")
            await passed(database, SCHEMA, log)
            assert await database.fetchval(f"SELECT max(epoch) FROM {SCHEMA}.checkpoints") == 2


async def test_an_idle_projection_keeps_its_lease(database_url: str) -> None:
    log, _ = log_with()
    async with connected(database_url) as database, running(READ_MODEL, log, database_url):
        await passed(database, SCHEMA, log)
        first = await database.fetchval(f"SELECT max(lease_until) FROM {SCHEMA}.checkpoints")

        async def is_renewed() -> bool:
            return bool(await database.fetchval(f"SELECT min(lease_until) > $1 FROM {SCHEMA}.checkpoints", first))

        await becomes(is_renewed, wanted=True)


async def test_a_wake_up_follows_each_commit(database_url: str) -> None:
    log, written = log_with(partitions=1)
    heard: list[str] = []
    async with open_connection(database_url, name="test") as listener:
        await listener.add_listener("patchbay_projected", lambda *args: heard.append(str(args[3])))
        async with running(READ_MODEL, log, database_url):
            written.opened("acme")

            async def is_heard() -> bool:
                return "read_model 0:2" in heard

            await becomes(is_heard, wanted=True)


async def test_each_accepted_event_is_announced_by_the_owners_connection(database_url: str) -> None:
    """Whoever hears it need not ask: it is told with the commit that shows the event, by whom the checkpoints name."""
    log, written = log_with(partitions=1)
    heard: list[tuple[int, str]] = []
    async with open_connection(database_url, name="test") as listener:
        await listener.add_listener("patchbay_accepted", lambda *args: heard.append((args[1], str(args[3]))))
        async with running(READ_MODEL, log, database_url):
            sealed = written.opened("acme")

            async def is_heard() -> bool:
                return bool(heard)

            await becomes(is_heard, wanted=True)
            owner = await listener.fetchval(f"SELECT backend_pid FROM {SCHEMA}.checkpoints")

    assert heard == [(owner, f"{SCHEMA} 0:1:{sealed.stream}:{sealed.digest}")]


async def test_who_stands_by_takes_over_as_soon_as_the_owner_lets_go(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, and need not look: here it would look a minute later."""
    monkeypatch.setattr(loop, "STAND_BY_SECONDS", 60.0)
    log, _ = log_with()
    async with connected(database_url) as database, AsyncExitStack() as stack:
        async with running(READ_MODEL, log, database_url, instance_id="one"):
            await passed(database, SCHEMA, log)
            progress = await stack.enter_async_context(running(READ_MODEL, log, database_url, instance_id="two"))
            await eventually(lambda: progress.readiness_fault() == "stand-by: one owns the partitions")

            async def is_heard() -> bool:
                query = "SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN \"patchbay_released\"'"
                return bool(await database.fetchval(query))

            await eventually(is_heard)
        await eventually(lambda: progress.readiness_fault() is None)
