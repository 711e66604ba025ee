"""How Postgres finds the rows that a batch changes: by their keys, also where its statistics are of a small table."""

from typing import Any

from tests.integration.projection.running import READ_MODEL, ROUTING

from patchbay.postgres import BY_INDEX, open_connection
from patchbay.projection import Projection, Write, holdings
from patchbay.projection.generations import prepare_database
from patchbay.projector import listing
from patchbay.projector import writes as read_model
from patchbay.routing import writes as routing

ROWS = 1  # of a table that was analyzed when it was that small: to walk through all of them looks cheap
TABLES = {
    "read_model_1.assistants": "'a' || n, '', 1, '', '', ''",
    "read_model_1.listed_assistants": "'a' || n, '', n, '', true, '', '', '', '', '', ''",
    "read_model_1.numbers": "'n' || n, '', '', 1, '', '', '', ''",
    "read_model_1.assignments": "'', 'n' || n, 'a' || n, 1",
    "routing_1.assistants": "'a' || n, '', 0, 1, now()",
    "routing_1.numbers": "'n' || n, n::text, '', 1, '', '', 0, 1, now()",
}
CHANGES: list[tuple[Projection[Any], Write]] = [
    (READ_MODEL, read_model.UPDATE_ASSISTANTS),
    (READ_MODEL, read_model.DELETE_ASSISTANTS),
    (READ_MODEL, listing.UPDATE_LISTED),
    (READ_MODEL, listing.DELETE_LISTED),
    (READ_MODEL, read_model.UPDATE_NUMBERS),
    (READ_MODEL, holdings._CLEAR),
    (READ_MODEL, holdings._DELETE),
    (ROUTING, routing.UPDATE_NUMBERS),
    (ROUTING, routing.DELETE_ASSISTANTS),
]


async def test_rows_are_changed_by_their_keys_whatever_the_statistics_say(database_url: str) -> None:
    """A plan that walks through the whole table is as slow as the table is long, until it is analyzed again."""
    async with open_connection(database_url, name="test", session=BY_INDEX) as connection:
        for projection in (READ_MODEL, ROUTING):
            await prepare_database(connection, projection.tables)
        for table, row in TABLES.items():
            await connection.execute(f"INSERT INTO {table} SELECT {row} FROM generate_series(1, {ROWS}) AS n")
        await connection.execute("ANALYZE")
        for projection, write in CHANGES:
            schema = f"{projection.tables.projection}_1"
            count = 1 + max(n for n in range(20) if f"{{{n}}}" in write.sql)
            sql = write.sql.format(*(f"${n + 1}" for n in range(count)), schema=schema)
            await connection.execute(f"PREPARE {schema}_{write.name} AS {sql}")
            empty = ", ".join(["'{}'"] * count)
            plan = "\n".join(
                row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE {schema}_{write.name} ({empty})")
            )
            [scan] = [
                part for part in plan.split("->") if " on " in part and "Function Scan" not in part and "Scan" in part
            ]

            assert "Index Cond" in scan, f"{write.name}\n{plan}"
