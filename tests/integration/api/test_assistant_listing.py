"""Lists of assistants on a real Postgres: the pages of any question, and the plans that lead to them."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import msgspec
import pytest

from patchbay.api.live import LiveGenerations, read_generations
from patchbay.api.reading import listing
from patchbay.api.reading.listing import SORTS, AssistantLists, Order, Stretch, Wanted
from patchbay.api.reading.reader import Reader
from patchbay.assistants.searching import fold_name
from patchbay.assistants.states import Assistant
from patchbay.postgres import IN_ORDER, Connection, open_connection, open_pool
from patchbay.projection import Write
from patchbay.projection.generations import prepare_database
from patchbay.projector.composition import PROJECTION as READ_MODEL
from patchbay.projector.listing import INSERT_LISTED, created_row
from patchbay.projector.writes import INSERT_ASSISTANTS
from patchbay.routing.composition import PROJECTION as ROUTING

Listed = tuple[Assistant, int]  # and the height of its creation

NAMES = ("Sales", "sales", "SALES west", "Zoë", "zoe\u0308", "Support", "support 24/7", "%_\\")
MODELS = ("gpt-5", "gpt-6-luna", "claude-haiku-4-5")
ORDERS = [Order(by, is_descending) for by in SORTS for is_descending in (False, True)]


def time_of(moment: int) -> str:
    return f"2026-11-23T10:{moment // 60:02d}:{moment % 60:02d}.000000Z"


def an_assistant(random: Random, index: int, **fields: Any) -> Assistant:
    given = {
        "id": f"asst_{random.getrandbits(60):026d}",
        "account_id": f"acct_{index % 2}",
        "name": random.choice(NAMES),
        "type": random.choice(("custom", "follow-up")),
        "model": random.choice(MODELS),
        "provider": random.choice(("openai", "anthropic")),
        "voice_provider": random.choice(("cartesia", "elevenlabs")),
        "transcriptor_provider": random.choice(("deepgram", "assemblyai")),
        "inbound_enabled": random.random() < 0.3,
        "updated_at": time_of(random.randrange(20)),
        "system_prompt": None,
    }
    return Assistant(
        temperature=0.7,
        max_tokens=5,
        first_message=None,
        voice_model=None,
        voice_id=None,
        voice_name=None,
        transcriptor_model="nova-3",
        transcriptor_language="en-US",
        recording_enabled=False,
        outbound_enabled=False,
        phone_number_ids=(),
        version=1,
        created_at=time_of(index),
        **given | fields,
    )


async def copy(connection: Connection, write: Write, rows: Sequence[tuple[Any, ...]]) -> None:
    assert write.copies_to is not None
    await connection.copy_records_to_table(
        write.copies_to.table, schema_name="read_model_1", columns=write.copies_to.columns, records=rows
    )


async def store(connection: Connection, listed: Sequence[Listed]) -> None:
    records = [(a.id, a.account_id, 1, a.created_at, a.updated_at, msgspec.json.encode(a)) for a, _ in listed]
    await copy(connection, INSERT_ASSISTANTS, records)
    await copy(connection, INSERT_LISTED, [created_row(*each) for each in listed])


@asynccontextmanager
async def prepared(database_url: str) -> AsyncIterator[tuple[AssistantLists, Connection]]:
    async with (
        open_connection(database_url, name="test", session=IN_ORDER, command_timeout_seconds=60) as connection,
        open_pool(database_url, name="api", session=IN_ORDER) as pool,
    ):
        for projection in (READ_MODEL, ROUTING):
            await prepare_database(connection, projection.tables)
        live = LiveGenerations(pool, await read_generations(pool))
        yield AssistantLists(Reader(pool, live)), connection


async def walk(lists: AssistantLists, wanted: Wanted, order: Order, limit: int) -> list[str]:
    """Return the ids of the whole list, from its pages."""
    found: list[str] = []
    place = None
    while True:
        page = await lists.page(wanted, order, Stretch(limit=limit, after=place))
        found += [json.loads(record)["id"] for record in page.records]
        assert len(page.records) == limit or page.last is None
        if page.last is None:
            return found
        place = page.last


def passes(assistant: Assistant, wanted: Wanted, number_holder: str) -> bool:
    return (
        assistant.account_id == wanted.account_id
        and wanted.assistant_id in (None, assistant.id)
        and (wanted.name_part or "") in fold_name(assistant.name)
        and (wanted.phone_number_id is None or (wanted.phone_number_id, assistant.id) == ("pn_held", number_holder))
        and assistant.updated_at >= (wanted.updated_since or "")
        and all(
            getattr(wanted, field) in (None, getattr(assistant, field))
            for field in ("type", "provider", "model", "voice_provider", "transcriptor_provider", "inbound_enabled")
        )
    )


def sort_key(order: Order, listed: Listed) -> tuple[str, int]:
    assistant, height = listed
    keys = {"name": fold_name(assistant.name), "updated_at": assistant.updated_at, "created_at": ""}
    return keys[order.by], height


def any_question(random: Random, assistants: Sequence[Assistant]) -> Wanted:
    example = random.choice(assistants)
    may_be: dict[str, Any] = {
        "assistant_id": example.id,
        "name_part": fold_name(random.choice(("sal", "ZOË", "s", "24/7", "%", "_", "\\", "absent"))),
        "type": example.type,
        "provider": example.provider,
        "model": example.model,
        "voice_provider": example.voice_provider,
        "transcriptor_provider": example.transcriptor_provider,
        "inbound_enabled": example.inbound_enabled,
        "phone_number_id": random.choice(("pn_held", "pn_free")),
        "updated_since": example.updated_at,
    }
    rarely = {"assistant_id": 0.05, "phone_number_id": 0.05}
    chosen = {name: value for name, value in may_be.items() if random.random() < rarely.get(name, 0.2)}
    return Wanted(account_id=f"acct_{random.randrange(3)}", **chosen)


async def test_the_pages_of_any_question_are_its_answer(database_url: str) -> None:
    """Whatever is asked for, in whichever order, by pages of any size."""
    random = Random(11)
    listed = [(an_assistant(random, index), index // 2 + 1) for index in range(160)]
    assistants = [assistant for assistant, _ in listed]
    holder = assistants[4]
    async with prepared(database_url) as (lists, connection):
        await store(connection, listed)
        await connection.execute(
            "INSERT INTO read_model_1.assignments (account_id, number_id, assistant_id, registration) "
            "VALUES ('acct_0', 'pn_held', $1, 1)",
            holder.id,
        )
        for _ in range(150):
            wanted, order = any_question(random, assistants), random.choice(ORDERS)
            found = await walk(lists, wanted, order, random.choice((1, 3, 200)))

            passing = [each for each in listed if passes(each[0], wanted, holder.id)]
            passing.sort(key=lambda each: sort_key(order, each), reverse=order.is_descending)
            assert found == [assistant.id for assistant, _ in passing], (wanted, order)


async def test_an_offset_skips_what_lies_before_it(database_url: str) -> None:
    listed = [(an_assistant(Random(1), 0, id=f"asst_{n:02d}"), n) for n in range(10)]
    async with prepared(database_url) as (lists, connection):
        await store(connection, listed)
        page = await lists.page(Wanted(account_id="acct_0"), Order("created_at"), Stretch(limit=3, offset=7))
        beyond = await lists.page(Wanted(account_id="acct_0"), Order("created_at"), Stretch(limit=3, offset=99))
        one = Wanted(account_id="acct_0", assistant_id="asst_01")
        behind_one = await lists.page(one, Order("created_at"), Stretch(limit=3, offset=1))

    assert [json.loads(record)["id"] for record in page.records] == ["asst_07", "asst_08", "asst_09"]
    assert (page.last, beyond.records, behind_one.records) == (None, [], [])


async def test_a_page_of_long_records_is_shorter_and_leads_on(database_url: str) -> None:
    """Two hundred prompts of sixty thousand characters are not sent in one piece."""
    prompt = "\u4e16" * 60_000
    listed = [(an_assistant(Random(1), 0, id=f"asst_{n:02d}", system_prompt=prompt), n) for n in range(60)]
    async with prepared(database_url) as (lists, connection):
        await store(connection, listed)
        wanted, order, place = Wanted(account_id="acct_0"), Order("name"), None
        sizes: list[int] = []
        while not sizes or place is not None:
            page = await lists.page(wanted, order, Stretch(limit=200, after=place))
            sizes.append(len(page.records))
            assert 0 < sum(map(len, page.records)) < listing.PAGE_BYTES + 200_000
            place = page.last

    assert len(sizes) == 3
    assert sum(sizes) == 60


MANY = 20_000


async def fill(connection: Connection) -> None:
    """Give one account very many assistants, and tell nobody how many."""
    await connection.execute(
        f"""INSERT INTO read_model_1.assistants (assistant_id, account_id, version, created_at, updated_at, record)
            SELECT 'asst_' || n, 'acct_0', 1, '', '', '{{}}' FROM generate_series(1, {MANY}) AS n"""
    )
    await connection.execute(
        f"""INSERT INTO read_model_1.listed_assistants
            SELECT 'asst_' || n, 'acct_0', n, lpad(n::text, 9, '0'), false, md5(n::text), 'custom', 'p', 'm', 'v', 't'
              FROM generate_series(1, {MANY}) AS n"""
    )


def nodes_of(plan: Any) -> list[Any]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes_of(child))]


async def rows_read(connection: Connection, name: str, parameters: str) -> dict[str, float]:
    """Return how many rows the statement went through, by table."""
    explained = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE {name} ({parameters})")
    read: dict[str, float] = {}
    for node in nodes_of(json.loads(explained)[0]["Plan"]):
        if "Relation Name" in node:
            assert node["Node Type"] in ("Index Scan", "Index Only Scan"), node
            rows = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            read[node["Relation Name"]] = read.get(node["Relation Name"], 0) + rows
    return read


@pytest.mark.parametrize("is_descending", [True, False])
async def test_what_changed_since_is_found_along_its_index(database_url: str, *, is_descending: bool) -> None:
    statement = listing._STATEMENTS[Order("updated_at", is_descending), False]
    async with prepared(database_url) as (_, connection):
        await fill(connection)
        await connection.execute("PREPARE since AS " + statement.replace("{read_model}", "read_model_1"))
        nothing = ", ".join(["NULL"] * 7)
        read = await rows_read(connection, "since", f"'acct_0', {nothing}, '{MANY - 9:09d}', 51, 0")

    assert (read["assistants"], read["listed_assistants"]) == (10, 10)


@pytest.mark.parametrize("is_planned_first", [True, False])
async def test_a_page_reads_no_more_than_it_shows(database_url: str, *, is_planned_first: bool) -> None:
    """Be its plan made for empty tables, or for full ones that nobody has counted."""
    nothing = ", ".join(["NULL"] * 8)
    async with prepared(database_url) as (_, connection):
        await connection.execute("ALTER TABLE read_model_1.listed_assistants SET (autovacuum_enabled = false)")
        if is_planned_first:
            await connection.execute("ANALYZE")
        else:
            await fill(connection)
        statements = {("one", ""): listing._ONE}
        places = {"name": ", 5000, md5('5000')", "updated_at": ", 5000, '000005000'", "created_at": ", 5000"}
        for number, ((order, is_from_place), statement) in enumerate(listing._STATEMENTS.items()):
            statements[f"page_{number}", places[order.by] if is_from_place else ""] = statement
        for (name, place), statement in statements.items():
            await connection.execute(f"PREPARE {name} AS " + statement.replace("{read_model}", "read_model_1"))
            parameters = "'asst_7', NULL" if name == "one" else "51, 0" + place
            await connection.fetch(f"EXECUTE {name} ('acct_0', {nothing}, {parameters})")
        if is_planned_first:
            await fill(connection)
        for name, place in statements:
            if name == "one":
                read = await rows_read(connection, name, f"'acct_0', {nothing}, 'asst_7', NULL")
                assert (read["assistants"], read["listed_assistants"]) == (1, 1)
            else:
                read = await rows_read(connection, name, f"'acct_0', {nothing}, 51, 0{place}")
                assert (read["assistants"], read["listed_assistants"]) == (51, 51), (name, place)
