"""The public table of inbound numbers says the same as a subscriber's memory, and finds a number by its index."""

import json
from random import Random

import pytest
from tests.integration.projection.running import ROUTING, Database, connected, log_with, passed, running
from tests.property.projection.lives import PHONE_NUMBERS, Lives
from tests.unit.projection.chains import assistant_created, assistant_id, numbers_assigned

from patchbay.callrouting import Outcome, RoutingTable, read_fact
from patchbay.eventlog import Envelope, MemoryLog, read_envelope

Rows = dict[str, tuple[str, str | None, str | None, str | None]]


async def rows_of(database: Database) -> Rows:
    """Return (outcome, account, assistant, fallback) of the view, by number."""
    rows = await database.fetch("SELECT number, outcome, account, assistant, fallback FROM routing.inbound")
    return {row["number"]: (row["outcome"], row["account"], row["assistant"], row["fallback"]) for row in rows}


def table_of(log: MemoryLog) -> Rows:
    """Return the same of a table in memory; every record of the log is accepted."""
    table = RoutingTable()
    for partition in range(log.identity.partition_count):
        for record in log.records(partition):
            read = read_envelope(record, log.identity)
            if isinstance(read, Envelope) and (fact := read_fact(read)) is not None:
                table.apply(fact)
    answers = {number: table.look_up(number) for number in PHONE_NUMBERS}
    return {
        number: (answer.outcome.value, answer.account_id, answer.assistant_id, answer.fallback)
        for number, answer in answers.items()
        if answer.outcome is not Outcome.UNKNOWN_NUMBER
    }


@pytest.mark.parametrize("seed", range(4))
async def test_the_view_equals_the_table_in_memory_whatever_the_batches(database_url: str, seed: int) -> None:
    log, written = log_with()
    random = Random(seed)
    lives = Lives(written, random)
    async with connected(database_url) as database, running(ROUTING, log, database_url):
        for _ in range(40):
            for _ in range(random.choice([1, 2, 5, 60])):
                written.seal(*lives.next())
            await passed(database, "routing_1", log)

            assert await rows_of(database) == table_of(log)


async def test_a_row_tells_the_positions_and_the_time_that_it_follows_from(database_url: str) -> None:
    log, written = log_with(partitions=1)
    account, number = written.account("acme"), written.number("+15550001")
    written.registered("+15550001", account)
    written.seal(account, assistant_created(assistant_id(1), account, inbound_enabled=True))
    last = written.seal(account, numbers_assigned(assistant_id(1), (number, 1)))
    async with connected(database_url) as database, running(ROUTING, log, database_url):
        await passed(database, "routing_1", log)
        row = await database.fetchrow("SELECT * FROM routing.inbound WHERE number = '+15550001'")

        assert (row["outcome"], row["assistant"], row["fallback"]) == ("routed", assistant_id(1), None)
        assert row["position"] == "0:1 0:3"
        assert row["updated_at"].isoformat() == last.time.replace("Z", "+00:00")


async def test_a_look_up_by_number_uses_indexes_alone(database_url: str) -> None:
    log, written = log_with(partitions=1)
    account = written.account("acme")
    for suffix in range(300):
        written.registered(f"+1555{suffix:04}", account)
    written.seal(account, assistant_created(assistant_id(1), account, inbound_enabled=True))
    held = [(written.number(f"+1555{suffix:04}"), 1) for suffix in range(300)]
    written.seal(account, numbers_assigned(assistant_id(1), *held))
    async with connected(database_url) as database, running(ROUTING, log, database_url):
        await passed(database, "routing_1", log)
        await database.execute("ANALYZE routing_1.numbers")
        await database.execute("ANALYZE routing_1.assignments")
        plan = json.loads(
            await database.fetchval("EXPLAIN (FORMAT JSON) SELECT * FROM routing.inbound WHERE number = '+15550001'")
        )[0]["Plan"]
        scans = {node["Relation Name"]: node["Node Type"] for node in nodes(plan) if "Relation Name" in node}

        assert scans.keys() == {"numbers", "assignments", "assistants"}
        assert scans["numbers"] == "Index Scan"
        assert scans["assignments"] == "Index Scan"


def nodes(plan: dict[str, object]) -> list[dict[str, object]]:
    """Return every node of a plan."""
    children = plan.get("Plans", [])
    assert isinstance(children, list)
    return [plan, *(node for child in children for node in nodes(child))]
