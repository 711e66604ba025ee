"""What GET requests read, on a real Postgres: the live generation only, and together what is asked together."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import msgspec
import pytest
from tests.servers import eventually

from patchbay.api.authentication import KeyRing
from patchbay.api.errors import KeysUnreadable, NotCaughtUp, Unauthorized
from patchbay.api.live import LiveGenerations, read_generations
from patchbay.api.reading.assistants import Assistants
from patchbay.api.reading.positions import READ_MODEL as READ_MODEL_NAME
from patchbay.api.reading.positions import ROUTING as ROUTING_NAME
from patchbay.api.reading.positions import Positions
from patchbay.api.reading.principals import Principals
from patchbay.api.reading.reader import Reader, with_pointers
from patchbay.postgres import Connection, Pool, open_connection, open_pool
from patchbay.projection.generations import create_generation, make_live, prepare_database
from patchbay.projector.composition import PROJECTION as READ_MODEL
from patchbay.routing.composition import PROJECTION as ROUTING


class CountingPool:
    """A pool that counts the round trips."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.fetched = 0

    async def fetch(self, statement: str, *parameters: object) -> list[asyncpg.Record]:
        self.fetched += 1
        return await self._pool.fetch(statement, *parameters)


class Prepared(msgspec.Struct, frozen=True):
    """A prepared database, looked at through the API's reader."""

    connection: Connection
    pool: CountingPool
    reader: Reader

    async def add_assistant(self, generation: int, assistant_id: str, record: bytes) -> None:
        await self.connection.execute(
            f"INSERT INTO read_model_{generation}.assistants "
            "(assistant_id, account_id, version, created_at, updated_at, record) VALUES ($1, 'acct_1', 1, '', '', $2)",
            assistant_id,
            record,
        )

    async def add_key(self, secret_sha256: bytes, key_id: str = "key_1") -> None:
        await self.connection.execute(
            "INSERT INTO read_model_1.keys (key_id, account_id, secret_sha256, name, hint, scopes, created_at) "
            "VALUES ($2, 'acct_1', $1, 'k', 'tk', '{*}', '')",
            secret_sha256,
            key_id,
        )

    async def swap(self, generation: int, *, drop: int | None = None) -> None:
        async with self.connection.transaction():
            await make_live(self.connection, READ_MODEL.tables, generation)
            if drop is not None:
                await self.connection.execute(f"DROP SCHEMA read_model_{drop} CASCADE")


@asynccontextmanager
async def prepared(database_url: str) -> AsyncIterator[Prepared]:
    async with open_connection(database_url, name="test") as connection, open_pool(database_url, name="api") as pool:
        for projection in (READ_MODEL, ROUTING):
            await prepare_database(connection, projection.tables)
        async with connection.transaction():
            await create_generation(connection, READ_MODEL.tables, 2)
        counting = CountingPool(pool)
        live = LiveGenerations(pool, await read_generations(pool))
        yield Prepared(connection, counting, Reader(counting, live))  # type: ignore[arg-type]


async def test_a_statement_always_tells_the_pointers_it_saw(database_url: str) -> None:
    async with prepared(database_url) as there:
        rows = await there.reader.fetch(with_pointers("SELECT account_id FROM {read_model}.accounts"))

    assert [tuple(row) for row in rows] == [(1, 1, None)]


async def test_after_a_swap_the_very_next_question_reads_the_new_generation(database_url: str) -> None:
    async with prepared(database_url) as there:
        assistants = Assistants(there.reader)
        await there.add_assistant(1, "asst_1", b"old")
        await there.add_assistant(2, "asst_1", b"new")
        before = await assistants.find("asst_1")
        await there.swap(2)
        after = await assistants.find("asst_1")
        missing = await assistants.find("asst_2")

    assert before is not None
    assert after is not None
    assert (before.record, after.record, missing) == (b"old", b"new", None)


async def test_a_generation_that_is_gone_altogether_is_no_trouble(database_url: str) -> None:
    async with prepared(database_url) as there:
        assistants = Assistants(there.reader)
        await there.add_assistant(2, "asst_1", b"new")
        await assistants.find("asst_1")
        await there.swap(2, drop=1)
        after = await assistants.find("asst_1")

    assert after is not None


async def test_what_is_asked_at_once_is_few_statements(database_url: str) -> None:
    async with prepared(database_url) as there:
        assistants = Assistants(there.reader)
        for number in range(40):
            await there.add_assistant(1, f"asst_{number}", str(number).encode())
        asked = [f"asst_{number % 50}" for number in range(400)]
        found = await asyncio.gather(*[assistants.find(assistant_id) for assistant_id in asked])

    assert [record and record.record.decode() for record in found] == [
        asked_id.removeprefix("asst_") if int(asked_id.removeprefix("asst_")) < 40 else None for asked_id in asked
    ]
    assert there.pool.fetched <= 4


async def test_a_question_sees_what_was_there_when_it_was_asked(database_url: str) -> None:
    async with prepared(database_url) as there:
        assistants = Assistants(there.reader)
        for number in range(50):
            busy = [asyncio.create_task(assistants.find(f"asst_{number}")) for _ in range(5)]
            await asyncio.sleep(0)  # they are under way
            await there.add_assistant(1, f"asst_{number}", b"x")

            assert await assistants.find(f"asst_{number}") is not None
            await asyncio.gather(*busy)


async def test_a_key_is_read_at_most_once_in_its_freshness_and_never_trusted_for_longer(database_url: str) -> None:
    secret = "tk_live_x"
    digest = hashlib.sha256(secret.encode()).digest()
    async with prepared(database_url) as there:
        ring = KeyRing(Principals(there.reader), None)
        await there.add_key(digest)
        for _ in range(10):
            assert (await ring.principal_of(f"Bearer {secret}", 100.0)).key_id == "key_1"
        reads = there.pool.fetched
        await there.connection.execute("UPDATE read_model_1.keys SET revoked_at = 'now'")
        still = await ring.principal_of(f"Bearer {secret}", 100.7)
        with pytest.raises(Unauthorized):
            await ring.principal_of(f"Bearer {secret}", 100.9)
        with pytest.raises(Unauthorized):
            await ring.principal_of(f"Bearer {secret}", 100.1)  # and it is not remembered as it was

    assert (reads, still.key_id) == (1, "key_1")


async def is_refused(ring: KeyRing, secret: str, now: float) -> bool:
    """Return whether this key is refused."""
    try:
        await ring.principal_of(f"Bearer {secret}", now)
    except Unauthorized:
        return True
    return False


async def test_keys_in_use_are_read_again_together_while_their_requests_go_on(database_url: str) -> None:
    secrets = [f"tk_live_{number}" for number in range(3)]
    async with prepared(database_url) as there:
        ring = KeyRing(Principals(there.reader), None)
        for number, secret in enumerate(secrets):
            await there.add_key(hashlib.sha256(secret.encode()).digest(), f"key_{number}")
            await ring.principal_of(f"Bearer {secret}", 100.0)
        await there.connection.execute("UPDATE read_model_1.keys SET revoked_at = 'now' WHERE key_id = 'key_2'")
        reads = there.pool.fetched
        in_use = [(await ring.principal_of(f"Bearer {secret}", 100.5)).key_id for secret in secrets]
        assert there.pool.fetched == reads  # nobody waited
        await eventually(lambda: is_refused(ring, secrets[2], 100.6))  # before its time
        reads = there.pool.fetched
        for secret in secrets[:2]:
            await ring.principal_of(f"Bearer {secret}", 101.2)
        assert there.pool.fetched == reads  # they are as fresh as the second reading

    assert in_use == ["key_0", "key_1", "key_2"]


async def test_without_the_database_nobody_is_told_that_a_key_is_wrong(database_url: str) -> None:
    async with prepared(database_url) as there:
        ring = KeyRing(Principals(there.reader), "ab" * 32)
        await there.connection.execute("ALTER TABLE read_model_1.keys RENAME TO keys_away")
        with pytest.raises(KeysUnreadable):
            await ring.principal_of("Bearer tk_live_x", 1.0)


async def test_the_operator_of_the_settings_needs_no_database(database_url: str) -> None:
    digest = hashlib.sha256(b"tk_live_op").hexdigest()
    async with prepared(database_url) as there:
        ring = KeyRing(Principals(there.reader), digest)
        principal = await ring.principal_of("Bearer tk_live_op", 1.0)

    assert principal.is_operator
    assert there.pool.fetched == 0


async def test_a_wait_ends_when_every_projection_has_passed(database_url: str) -> None:
    async with prepared(database_url) as there:
        positions = Positions(there.reader)
        deadline = asyncio.get_running_loop().time() + 10
        both = [READ_MODEL_NAME, ROUTING_NAME]
        waiting = asyncio.create_task(positions.wait_for({0: 5, 1: 7}, both, deadline))
        for schema in ("read_model_1", "routing_1"):
            await there.connection.execute(f"INSERT INTO {schema}.checkpoints VALUES (0, 5), (1, 6)")
        await eventually(lambda: there.pool.fetched > 3)
        assert not waiting.done()
        await there.connection.execute("UPDATE read_model_1.checkpoints SET next_offset = 7 WHERE partition = 1")
        await there.connection.execute("UPDATE routing_1.checkpoints SET next_offset = 7 WHERE partition = 1")
        positions.wake()

        await asyncio.wait_for(waiting, 5)


async def test_a_wait_is_bounded_and_names_who_is_behind(database_url: str) -> None:
    async with prepared(database_url) as there:
        positions = Positions(there.reader)
        await there.connection.execute("INSERT INTO read_model_1.checkpoints VALUES (0, 5)")
        with pytest.raises(NotCaughtUp) as behind:
            await positions.wait_for({0: 5}, [READ_MODEL_NAME, ROUTING_NAME], asyncio.get_running_loop().time())

    assert behind.value.projection == "routing"
