"""The database of the simulation does what Postgres does: every statement of some seeds, asked of both."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
import structlog
from tests.simulation.clients import Clients
from tests.simulation.system import Beginning, System, running, set_up
from tests.simulation.trouble import Troublemaker

from patchbay.api.writing import announcements
from patchbay.projection import prepare_database
from patchbay.projector.composition import PROJECTION as READ_MODEL
from patchbay.routing.composition import PROJECTION as ROUTING

_OF_THE_DAY = ("leased", "made_at", "filled_at")  # columns that depend on when they are asked

Statement = tuple[int, str, Sequence[Any], object]  # session, text, arguments, and what came of it


class Troubled(Troublemaker):
    """Trouble that a database can be asked to repeat: nobody alters its tables but by statements of ours."""

    def _swap(self) -> None:
        self._cut_connections()


def statements_of(seed: int) -> list[Statement]:
    """Return what the simulated database was asked in a seed that begins with nothing, and what it said."""
    system, made = System(seed, None), Beginning([], {}, [], [])
    trace = system.server.trace = []

    async def main() -> None:
        await set_up(system, made)
        trouble = Troubled(system)
        system.add_api()
        clients = Clients(system, made, clients=4, requests=40)
        await asyncio.gather(clients.run(), trouble.run(), _fence(system))
        await trouble.heal()
        system.server.trace = None
        await system.end()

    with (
        structlog.testing.capture_logs(),
        pytest.MonkeyPatch.context() as patched,
        running(system) as run,
    ):
        patched.setattr("patchbay.projection.committing.COPIED_ROWS", 2)
        run(main())
    return trace


async def _fence(system: System) -> None:
    """Let somebody else take each projection over from a process that stands still, and then goes on."""
    held = list(system.projections)
    for node in held:
        node.pause()
    system.add_projection(READ_MODEL)
    system.add_projection(ROUTING)
    await asyncio.sleep(6.5)
    for node in held:
        node.resume()


@pytest.mark.asyncio
@pytest.mark.parametrize("seed", range(4))
async def test_every_statement_gives_what_postgres_gives(seed: int, database_url: str) -> None:
    """Rows, and refusals: the same from both, through transactions, fences and lost connections."""
    trace = await asyncio.to_thread(statements_of, seed)
    repeating = Repeating(database_url)
    try:
        await repeating.prepare()
        for statement in trace:
            await repeating.compare(statement)
    finally:
        await repeating.close()

    assert len({text for _, text, _, _ in trace}) > 20


class Repeating:
    """Asks Postgres the same, in the same order; a session that has transactions has a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._shared: Any = None
        self._own: dict[int, Any] = {}
        self._pids: dict[int, int] = {}

    async def prepare(self) -> None:
        """Make the tables."""
        self._shared = await asyncpg.connect(self._url, server_settings={"TimeZone": "UTC"})
        for projection in (READ_MODEL, ROUTING):
            await prepare_database(self._shared, projection.tables)

    async def close(self) -> None:
        """End every connection."""
        for connection in (self._shared, *self._own.values()):
            if connection is not None:
                await connection.close()

    async def compare(self, statement: Statement) -> None:
        """Ask, and compare what comes."""
        session, text, arguments, expected = statement
        connection = self._own.get(session, self._shared)
        if text == "BEGIN" and session not in self._own:
            connection = self._own[session] = await asyncpg.connect(self._url, server_settings={"TimeZone": "UTC"})
            self._pids[session] = connection.get_server_pid()
        if text.replace("read_model_1", "{read_model}") == announcements._IS_OWNER:
            arguments = [self._pids.get(arguments[0], 0)]
        found = await _outcome(connection, text, arguments)
        if isinstance(found, Exception):
            assert type(found) is type(expected), (text, found, expected)
        elif isinstance(expected, list):
            assert sorted(map(_comparable, found)) == sorted(map(_comparable, expected)), (text, arguments)
        else:
            assert expected in ((), None), (text, expected)


async def _outcome(connection: Any, text: str, arguments: Sequence[Any]) -> Any:
    """Return the rows of a statement, or what it raised."""
    try:
        if text in ("BEGIN", "COMMIT", "ROLLBACK"):
            return await connection.execute(text)
        if text == "COPY":
            schema, table, columns, records = arguments
            return await connection.copy_records_to_table(table, schema_name=schema, columns=columns, records=records)
        return await connection.fetch(text, *arguments)
    except asyncpg.PostgresError as error:
        return error


def _comparable(row: Any) -> str:
    """Return a row as a text that tells all but what depends on the time of day."""
    names = row.keys() if isinstance(row, asyncpg.Record) else row.names
    return repr([None if name in _OF_THE_DAY else value for name, value in zip(names, row, strict=True)])
