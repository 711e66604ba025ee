"""What one version of an assistant costs, however many it has: rows are counted, on a real Postgres."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
from tests.integration.projection.running import READ_MODEL, log_with, passed, running
from tests.unit.projection.chains import Written, assistant_created, assistant_id

from patchbay.api.live import Generations, LiveGenerations
from patchbay.api.moments import Moment
from patchbay.api.reading.reader import Reader
from patchbay.api.reading.versions import Versions
from patchbay.api.writing.replaying import Replayer
from patchbay.assistants.events import AssistantUpdated, NumberUpdated
from patchbay.assistants.states import Account, Assistant, Number
from patchbay.postgres import IN_ORDER, Pool, open_pool
from patchbay.projector.drafting import MILESTONE_VERSIONS

CHANGES = 1_500  # of one assistant; its neighbour has as many
VERSION = 1_343  # the last one before a milestone, which is as far from one as a version can be
ROWS = 4 * MILESTONE_VERSIONS  # versions, events and their milestone, and the steps to find the version
LONG, NEIGHBOUR = assistant_id(1), assistant_id(2)
PHONE = "+15550001"


class CountingPool:
    """A pool that notes what is asked."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.asked: list[tuple[str, tuple[object, ...]]] = []

    async def fetch(self, statement: str, *parameters: object) -> list[asyncpg.Record]:
        self.asked.append((statement, parameters))
        return await self._pool.fetch(statement, *parameters)

    async def fetchrow(self, statement: str, *parameters: object) -> asyncpg.Record | None:
        self.asked.append((statement, parameters))
        return await self._pool.fetchrow(statement, *parameters)

    async def rows_touched(self) -> int:
        """Return how many rows all that was asked reads, the ones that are thrown away among them; forget it."""
        asked, self.asked = self.asked, []
        touched = 0.0
        for statement, parameters in asked:
            plan = await self._pool.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *parameters)
            touched += _touched(json.loads(plan)[0]["Plan"])
        return round(touched)


def _touched(node: Mapping[str, Any]) -> float:
    own = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) if "Relation Name" in node else 0
    return float(own * node["Actual Loops"]) + sum(_touched(child) for child in node.get("Plans", ()))


class Scene(msgspec.Struct, frozen=True):
    """Two assistants and a number with long lives, looked at through the API's readers."""

    written: Written
    pool: CountingPool
    versions: Versions
    replayer: Replayer

    @property
    def account(self) -> str:
        return self.written.account("acme")

    @property
    def number(self) -> str:
        return self.written.number(PHONE)


@asynccontextmanager
async def prepared(database_url: str) -> AsyncIterator[Scene]:
    log, written = log_with()
    account = written.account("acme")
    for assistant in (LONG, NEIGHBOUR):
        written.seal(account, assistant_created(assistant, account))
    for number in range(2, CHANGES + 1):
        written.seal(account, AssistantUpdated(assistant_id=LONG, name=f"N{number}"))
        written.seal(account, AssistantUpdated(assistant_id=NEIGHBOUR, name=f"M{number}"))
    for number in range(300):
        written.registered(PHONE, account)
        written.seal(written.number(PHONE), NumberUpdated(number_id=written.number(PHONE), fallback=f"+1555{number}"))
    async with (
        running(READ_MODEL, log, database_url),
        open_pool(database_url, name="api", session=IN_ORDER) as pool,
    ):
        await passed(pool, "read_model_1", log)
        counting: Any = CountingPool(pool)
        live = LiveGenerations(counting, Generations(1, 1))
        yield Scene(written, counting, Versions(Reader(counting, live)), Replayer(counting, live))


async def test_what_a_version_costs_does_not_grow_with_their_number(database_url: str) -> None:
    """A version, its height's, its time's, what differs from it; and what a command did when it took effect."""
    async with prepared(database_url) as scene:
        made_at = VERSION * 2 - 1  # the neighbour's events lie between
        state = await scene.versions.read(LONG, VERSION)
        assert state is not None
        costs = {"a version": await scene.pool.rows_touched()}

        assert await scene.versions.read_made(LONG, made_at) == state
        assert await scene.versions.read_made(LONG, made_at + 1) == state
        costs["two heights"] = await scene.pool.rows_touched() // 2

        assert await scene.versions.differences(_newer(state.assistant), VERSION) == ("name",)
        costs["what differs"] = await scene.pool.rows_touched()

        replayed = await scene.replayer.replay(scene.account, made_at, routed=False)
        assert replayed.state == Account(id=scene.account, assistants={LONG: state.assistant})
        costs["what a command did"] = await scene.pool.rows_touched()

        changed = await scene.replayer.replay(scene.number, 400, routed=False)
        assert isinstance(changed.state, Number)
        assert (changed.state.fallback, changed.state.registration) == ("+1555199", 399)
        costs["what a command did to a number"] = await scene.pool.rows_touched()

        assert state.assistant.name == f"N{VERSION}"
        assert {what: rows for what, rows in costs.items() if rows > ROWS} == {}


async def test_versions_are_found_by_the_height_or_the_time_that_made_them(database_url: str) -> None:
    async with prepared(database_url) as scene:
        for version in (1, 2, MILESTONE_VERSIONS, MILESTONE_VERSIONS + 1, CHANGES):
            for assistant, height in ((LONG, version * 2 - 1), (NEIGHBOUR, version * 2)):
                state = await scene.versions.read_made(assistant, height)

                assert state is not None
                assert state == await scene.versions.read(assistant, version)
                assert await scene.versions.at(assistant, Moment(state.time)) == version
        assert await scene.versions.read_made(NEIGHBOUR, 1) is None
        assert await scene.versions.read_made(assistant_id(3), 7) is None
        await scene.pool.rows_touched()
        await scene.versions.at(LONG, Moment("2026-02-18T14:10:00.114207Z"))

        assert await scene.pool.rows_touched() < ROWS


def _newer(assistant: Assistant) -> Assistant:
    return msgspec.structs.replace(assistant, name="newest", version=CHANGES)
