"""Reading the history in the order of the log, on a real Postgres: page by page it is what lies there."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest

from patchbay.api.feed.catching_up import CatchingUp
from patchbay.api.live import LiveGenerations, read_generations
from patchbay.api.reading import events as reading
from patchbay.api.reading.events import Events
from patchbay.api.reading.reader import Reader
from patchbay.eventlog import LogIdentity
from patchbay.postgres import IN_ORDER, Connection, open_connection, open_pool
from patchbay.projection.generations import prepare_database
from patchbay.projector.composition import PROJECTION as READ_MODEL
from patchbay.routing.composition import PROJECTION as ROUTING

IDENTITY = LogIdentity(log_id="ab" * 32, topic="t", partition_count=2)
HEADERS = msgspec.msgpack.encode([])
COLUMNS = ["stream", "height", "digest", "type", "time", "partition", "offset", "headers", "value"]
NUMBER_TYPES = ("NumberRegistered", "NumberUpdated", "NumberReleased")

Place = tuple[int, int]  # partition, offset


class History:
    """Accepted events of a few accounts and many numbers, in memory and in the database."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.rows: list[tuple[Any, ...]] = []
        self.ends = [0, 0]
        self.owned: dict[str | None, set[Place]] = {}
        self._heights: dict[str, int] = {}
        self._owners: dict[str, str] = {}

    def grow(self, events: int, accounts: int, numbers: int) -> None:
        """Let so many events happen."""
        for _ in range(events):
            account = f"acct_{self.random.randrange(accounts)}"
            if self.random.random() < 0.5:
                self._accept(account, "AssistantUpdated", account, account)
            else:
                self._number(f"pn_{self.random.randrange(numbers)}", account)

    def _number(self, number: str, account: str) -> None:
        owner = self._owners.get(number)
        if owner is None:
            self._owners[number] = account
            self._accept(number, "NumberRegistered", account, account)
        elif self.random.random() < 0.5:
            self._accept(number, "NumberUpdated", owner, None)
        else:
            del self._owners[number]
            self._accept(number, "NumberReleased", owner, owner)

    def _accept(self, stream: str, type_: str, owner: str, named: str | None) -> None:
        partition = IDENTITY.partition_of(stream)
        offset = self.ends[partition] + self.random.randrange(2)  # some are void
        self.ends[partition] = offset + 1
        height = self._heights[stream] = self._heights.get(stream, 0) + 1
        value = json.dumps({"account_id": named} if named else {}).encode()
        self.rows.append((stream, height, b"", type_, datetime.now(UTC), partition, offset, HEADERS, value))
        for follower in (owner, None):
            self.owned.setdefault(follower, set()).add((partition, offset))

    async def store(self, connection: Connection) -> None:
        """Write it down."""
        await connection.copy_records_to_table("events", schema_name="history", records=self.rows, columns=COLUMNS)
        for partition, end in enumerate(self.ends):
            await connection.execute(
                "INSERT INTO read_model_1.checkpoints (partition, next_offset) VALUES ($1, $2)", partition, end
            )


@asynccontextmanager
async def stored(database_url: str, history: History) -> AsyncIterator[tuple[Events, Connection]]:
    async with (
        open_connection(database_url, name="test", session=IN_ORDER) as connection,
        open_pool(database_url, name="api", session=IN_ORDER) as pool,
    ):
        for projection in (READ_MODEL, ROUTING):
            await prepare_database(connection, projection.tables)
        await history.store(connection)
        live = LiveGenerations(pool, await read_generations(pool))
        yield Events(Reader(pool, live), IDENTITY.partition_count), connection


async def test_catching_up_reads_what_lies_there(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For every account, from anywhere and to anywhere, each event once and in the order of its partition."""
    monkeypatch.setattr(reading, "SPAN_OFFSETS", 700)
    random = Random(3)
    history = History(random)
    history.grow(9_000, accounts=5, numbers=700)
    async with stored(database_url, history) as (events, _):
        catching_up = CatchingUp(events, IDENTITY)
        for account in (*[f"acct_{n}" for n in range(5)], "acct_of_nobody", None):
            for _ in range(4):
                since = [random.choice((0, random.randint(0, end))) for end in history.ends]
                upto = [random.choice((None, random.randint(0, end))) for end in history.ends]
                read: list[Place] = []
                reached = since[:]
                async for partition, page, position in catching_up.pages(account, since, upto):
                    assert all(reached[partition] <= event.offset < position for event in page)
                    read += [(event.partition, event.offset) for event in page]
                    reached[partition] = position

                stops = [end if until is None else until for end, until in zip(history.ends, upto, strict=True)]
                assert read == sorted(
                    (partition, offset)
                    for partition, offset in history.owned.get(account, ())
                    if since[partition] <= offset < stops[partition]
                )
                assert reached == [max(at) for at in zip(since, stops, strict=True)]


async def test_nothing_behind_the_checkpoint_is_read(database_url: str) -> None:
    """Else it could be told before what lies below it."""
    history = History(Random(4))
    history.grow(500, accounts=2, numbers=20)
    whole = history.ends[:]
    history.ends = [end // 2 for end in whole]
    async with stored(database_url, history) as (events, _):
        passages = await events.read_pass({0: 0, 1: 0}, accounts=None)
        page = await events.read_page("acct_0", IDENTITY.partition_of("acct_0"), 0, None, 0)
        ahead = await events.read_pass({0: whole[0], 1: whole[1]}, accounts=None)

    assert [(passage.partition, passage.reached <= history.ends[passage.partition]) for passage in passages] == [
        (0, True),
        (1, True),
    ]
    assert all(event.offset < passage.reached for passage in (*passages, page) for event in passage.events)
    assert [(passage.reached, passage.events, passage.is_at_end) for passage in ahead] == [
        (end, [], True) for end in whole
    ]


@pytest.mark.parametrize("statement", ["_READ_PASS", "_READ_PAGE", "_FIND_HEIGHT"])
async def test_an_index_leads_to_every_row(database_url: str, statement: str) -> None:
    """However long the history is."""
    history = History(Random(5))
    history.grow(5_000, accounts=5, numbers=500)
    parameters: dict[str, tuple[Any, ...]] = {
        "_READ_PASS": ([0, 1], [2_000, 2_000], [3_000, 3_000], None, 200),
        "_READ_PAGE": (0, 2_000, 3_000, "acct_0", 100, b"acct_0"),
        "_FIND_HEIGHT": ("acct_0", 2_000),
    }
    async with stored(database_url, history) as (_, connection):
        sql = getattr(reading, statement).replace("{read_model}", "read_model_1")
        plan = await connection.fetch("EXPLAIN (ANALYZE, BUFFERS) " + sql, *parameters[statement])
    text = "\n".join(row[0] for row in plan)

    assert "Seq Scan on events" not in text, text
    assert "Bitmap" not in text, text
    assert "top-N" not in text, text
