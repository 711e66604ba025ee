"""The tables that the projections hold, against a fold of the log by itself."""

from collections import Counter

import asyncpg
from tests.integration.audit.adverse import log_of
from tests.integration.audit.folding import tables_of
from tests.integration.audit.ordinary import ordinary_log

from patchbay.cli.audit.comparing import Difference, compare

FIRST = "WHERE {key} = (SELECT min({key}) FROM read_model_1.{table})"
ANOTHER_EVENT = """
INSERT INTO history.events
SELECT stream, height + 9, digest, NULL, NULL, type, subject, time, partition, 9999, headers, value
  FROM history.events WHERE type = 'KeyRevoked'
"""
CHANGES = (
    (
        "read_model_1.assistants",
        "UPDATE read_model_1.assistants SET version = 9 " + FIRST.format(key="assistant_id", table="assistants"),
    ),
    ("read_model_1.accounts", "UPDATE read_model_1.accounts SET name = 'x' WHERE slug = 'team-1'"),
    ("read_model_1.keys", "UPDATE read_model_1.keys SET revoked_at = NULL WHERE revoked_at IS NOT NULL"),
    ("read_model_1.heads", "UPDATE read_model_1.heads SET height = 90 " + FIRST.format(key="stream", table="heads")),
    ("read_model_1.versions", "INSERT INTO read_model_1.versions VALUES ('asst_x', 1, 'acct_x', 2)"),
    ("routing_1.numbers", "UPDATE routing_1.numbers SET status = 'suspended' WHERE phone_number = '+15550000'"),
    ("routing.inbound", "SELECT"),  # by the same
    ("history.events", "UPDATE history.events SET value = value || ' ' WHERE type = 'KeyRevoked'"),
    ("history.events", ANOTHER_EVENT),
)
TABLES = """
SELECT schemaname || '.' || tablename AS name FROM pg_tables
 WHERE schemaname IN ('read_model_1', 'routing_1', 'history') AND tablename NOT IN ('checkpoints', 'quarantine')
"""


async def compared(kafka: str, topic: str, database_url: str) -> list[Difference]:
    async with log_of(kafka, topic) as log:
        return await compare(log, database_url)


async def test_tables_agree_with_the_log_and_every_row_that_does_not_is_listed(
    kafka: str, database_url: str, topic: str
) -> None:
    """Rows that were changed, put there, and taken away: of every table that the projections write."""
    await ordinary_log(kafka, topic)
    await tables_of(kafka, topic, database_url)
    before = await compared(kafka, topic, database_url)
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            for _, statement in CHANGES:
                await connection.execute(statement)
        changed = await compared(kafka, topic, database_url)
        tables = [row["name"] for row in await connection.fetch(TABLES)]
        for table in tables:
            await connection.execute(f"DELETE FROM {table} WHERE ctid = (SELECT min(ctid) FROM {table})")
        without = await compared(kafka, topic, database_url)
    finally:
        await connection.close()

    assert before == []
    assert Counter(each.table for each in changed) == Counter(table for table, _ in CHANGES)
    missing = [each for each in without if each.found is None]
    assert {each.table for each in missing} - {"routing.inbound"} == set(tables)
    assert len(tables) == 15
    assert all(each.expected is not None for each in missing)
