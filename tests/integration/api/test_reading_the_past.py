"""The statements that read the past, on a real Postgres: an index leads to every row."""

from random import Random
from typing import Any

import pytest
from tests.integration.projection.running import READ_MODEL, log_with, passed, running
from tests.property.projection.lives import Lives

from patchbay.api.moments import Moment
from patchbay.api.reading import number_history, versions
from patchbay.postgres import BY_INDEX, open_connection

NOW = Moment("2026-11-23T00:00:00.000000Z").time
LARGE = ("events", "versions", "milestones", "number_events")


@pytest.fixture
def parameters() -> dict[str, tuple[Any, tuple[Any, ...]]]:
    number, account, assistant = "pn_1", "acct_1", "asst_1"
    return {
        "_NEWEST": (versions, (assistant,)),
        "_FIND": (versions, (assistant, NOW)),
        "_READ": (versions, (assistant, 70)),
        "_LIST_NEWEST": (versions, (assistant, 70, 50, 0)),
        "_LIST_OLDEST": (versions, (assistant, 70, 50, 0)),
        "_LIST": (number_history, (number, None, NOW, "~", 7, 50, 0)),
        "_HAD": (number_history, (number, account)),
        "_OWNER_AT": (number_history, (number, NOW)),
        "_CHANGES": (number_history, (number, 1, 70, 100)),
        "_HOLDER_AT": (number_history, (number, account, NOW)),
    }


async def test_an_index_leads_to_every_row_of_the_past(
    database_url: str, parameters: dict[str, tuple[Any, tuple[Any, ...]]]
) -> None:
    """However long it is."""
    log, written = log_with()
    lives = Lives(written, Random(5))
    for _ in range(1_500):
        written.seal(*lives.next())
    async with (
        running(READ_MODEL, log, database_url),
        open_connection(database_url, name="test", session=BY_INDEX) as connection,
    ):
        await passed(connection, "read_model_1", log)
        await connection.execute("ANALYZE")
        for name, (module, values) in parameters.items():
            sql = getattr(module, name).replace("{read_model}", "read_model_1")
            plan = "\n".join(row[0] for row in await connection.fetch("EXPLAIN " + sql, *values))

            assert not [table for table in LARGE if f"Seq Scan on {table}" in plan], f"{name}\n{plan}"
