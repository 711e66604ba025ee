"""A snapshot is of one moment, takes little memory however large the table is, and leaves nothing behind."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from typing import cast

import pytest
import pytest_asyncio
from tests.servers import eventually

from patchbay.api.errors import SnapshotsBusy
from patchbay.api.reading.snapshots import SNAPSHOTS_AT_ONCE, Snapshots
from patchbay.api.streaming import OpenWire
from patchbay.callrouting.snapshot import SnapshotReader
from patchbay.eventlog import LogIdentity
from patchbay.postgres import Connection, open_connection
from patchbay.projection import prepare_database
from patchbay.routing.tables import TABLES

LOG = LogIdentity("ab" * 32, "memory", 1)
NUMBERS = 100_000
FEW_BYTES = 4_000_000  # a third of what the snapshot has

_FILL = """
INSERT INTO routing_1.numbers
SELECT 'pn_' || n, '+1' || n, 'acct_a', 1, 'active', NULL, 0, n, now() FROM generate_series(1, $1::int) AS n
"""
_FILL_HEADS = """
INSERT INTO routing_1.heads SELECT 'pn_' || n, 1, sha256('1'), '', NULL FROM generate_series(1, $1::int) AS n
"""
_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'patchbay routing snapshot'"


class Client:
    """Who reads: after each piece it waits for its turn, or is gone."""

    def __init__(self, *, is_gone_after: int | None = None) -> None:
        self.pieces: list[bytes] = []
        self.kept_bytes = 0
        self.largest_bytes = 0
        self.turn = asyncio.Event()
        self.reader = SnapshotReader(LOG)
        self._is_gone_after = is_gone_after

    def send(self, data: bytes) -> None:
        self.largest_bytes = max(self.largest_bytes, len(data))
        self.kept_bytes += len(data)
        self.pieces.append(data)

    async def drain(self) -> None:
        await self.turn.wait()
        self.pieces.clear()
        if self._is_gone_after is not None and self.kept_bytes > self._is_gone_after:
            raise ConnectionResetError("the client has gone")

    def as_wire(self) -> OpenWire:
        return cast("OpenWire", self)


class Taker(Client):
    """Who takes all of it over."""

    def send(self, data: bytes) -> None:
        super().send(data)
        self.reader.feed(data)


@pytest_asyncio.fixture(loop_scope="session")
async def database(database_url: str) -> AsyncIterator[Connection]:
    """Give a connection to a database with a large table."""
    async with open_connection(database_url, name="test") as connection:
        await prepare_database(connection, TABLES)
        await connection.execute("INSERT INTO routing_1.checkpoints (partition, next_offset) VALUES (0, 7)")
        await connection.execute(_FILL, NUMBERS)
        await connection.execute(_FILL_HEADS, NUMBERS)
        yield connection


async def test_all_of_it_is_of_one_moment(database: Connection, database_url: str) -> None:
    client = Taker()
    writing = asyncio.create_task(Snapshots(database_url, LOG.log_id, 1).begin().run(client.as_wire()))
    await eventually(lambda: len(client.pieces) > 1)  # behind the first line the moment has begun
    async with database.transaction():
        await database.execute("UPDATE routing_1.checkpoints SET next_offset = 8")
        await database.execute("UPDATE routing_1.numbers SET account_id = NULL")
        await database.execute("UPDATE routing_1.heads SET height = 2")
    client.turn.set()
    await writing
    following = client.reader.finish()

    assert following.next_offsets == {0: 7}
    assert len(following.table) == len(following.heads) == NUMBERS
    assert following.heads.of(f"pn_{NUMBERS}").height == 1


async def test_a_slow_client_costs_no_memory(database: Connection, database_url: str) -> None:
    client = Client()
    tracemalloc.start()
    try:
        writing = asyncio.create_task(Snapshots(database_url, LOG.log_id, 1).begin().run(client.as_wire()))
        await eventually(lambda: len(client.pieces) > 1)
        assert await database.fetchval(_OTHERS) == 1
        client.turn.set()
        await writing
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert client.kept_bytes > 3 * FEW_BYTES
    assert peak_bytes < FEW_BYTES


async def test_a_client_that_goes_away_leaves_nothing_behind(database: Connection, database_url: str) -> None:
    snapshots = Snapshots(database_url, LOG.log_id, 1)
    for _ in range(SNAPSHOTS_AT_ONCE + 1):
        client = Client(is_gone_after=1_000_000)
        client.turn.set()
        await snapshots.begin().run(client.as_wire())

        async def are_closed() -> bool:
            return bool(await database.fetchval(_OTHERS) == 0)

        await eventually(are_closed)


async def test_more_at_once_than_may_be_are_refused() -> None:
    snapshots = Snapshots("", LOG.log_id, 1)
    begun = [snapshots.begin() for _ in range(SNAPSHOTS_AT_ONCE)]
    with pytest.raises(SnapshotsBusy):
        snapshots.begin()
    begun[0].abandon()

    assert snapshots.begin() is not None
