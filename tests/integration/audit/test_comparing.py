"""The tables that the projections hold, against a fold of the log by itself."""

import asyncpg
from tests.integration.audit.adverse import log_of
from tests.integration.audit.folding import tables_of
from tests.integration.audit.ordinary import ordinary_log

from patchbay.cli.audit.comparing import compare

FIRST = "WHERE {key} = (SELECT min({key}) FROM read_model_1.{table})"
CHANGES = (
    (
        "assistants",
        "UPDATE read_model_1.assistants SET version = 9 " + FIRST.format(key="assistant_id", table="assistants"),
    ),
    ("numbers", "DELETE FROM read_model_1.numbers " + FIRST.format(key="number_id", table="numbers")),
    ("accounts", "UPDATE read_model_1.accounts SET name = 'x' WHERE slug = 'team-1'"),
    ("read_model heads", "UPDATE read_model_1.heads SET height = 90 " + FIRST.format(key="stream", table="heads")),
    ("routing.inbound", "UPDATE routing_1.numbers SET status = 'suspended' WHERE phone_number = '+15550000'"),
)


async def test_tables_agree_with_the_log_and_every_row_that_does_not_is_listed(
    kafka: str, database_url: str, topic: str
) -> None:
    """One row is changed in each of five tables."""
    await ordinary_log(kafka, topic)
    await tables_of(kafka, topic, database_url)
    async with log_of(kafka, topic) as log:
        before = await compare(log, database_url)
        connection = await asyncpg.connect(database_url)
        try:
            for _, statement in CHANGES:
                await connection.execute(statement)
        finally:
            await connection.close()
        after = await compare(log, database_url)

    assert before == []
    assert sorted(difference.table for difference in after) == sorted(table for table, _ in CHANGES)
    [gone] = [difference for difference in after if difference.table == "numbers"]
    assert gone.found is None
    assert gone.expected is not None
