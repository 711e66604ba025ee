"""The runbook's pages, typed word by word into a terminal on an installation that the first of them has started."""

import json
import re
import secrets
from collections.abc import AsyncIterator
from functools import partial
from hashlib import sha256
from typing import Final

import asyncpg
import pytest
import pytest_asyncio
from tests.servers import eventually
from tests.system.documents import ROOT, Block, pages_of
from tests.system.terminal import Terminal, terminal_in
from tests.system.typing_commands import environ
from tests.system.up import Up

from patchbay.assistants.ids import source_of
from patchbay.eventlog import Head, NewEvent, open_appender, open_log, seal

RUNBOOK: Final = ROOT / "docs" / "runbook.md"
PAGES: Final = pages_of(RUNBOOK)
ABOUT_CHANGES: Final = {  # typed by a test of their own, below; all others are typed as they stand
    "Start and stop",
    "Rolling restart",
    "A stream has stopped",
    "A projection in a new shape",
    "Restore",
    "Another number of partitions",
    "The operator's key",
    "A key has leaked",
}
UNTYPED: Final = "What is not tried"  # the page that says which commands, and why
TOPIC: Final = "phones.events"
CURL_REFUSED: Final = 22  # what curl --fail ends with
STARTED_ELSEWHERE: Final = {"patchbay up"}  # a test of its own holds what it does
_COMMAND: Final = re.compile(
    r"(patchbay|python|pip|curl|kill|openssl|psql|jq|kubectl|helm|docker|systemctl|timedatectl|chronyc|[\w-]+\.sh)\b(?!\.)"
)
_ROOT_HASH: Final = re.compile(r"^ *root +([0-9a-f]{64})$", re.MULTILINE)
_FIRST_KEY: Final = f"tk_test_{secrets.token_hex(20)}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def terminal(home: Up, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Terminal]:
    """Give a terminal in which the installation runs; at the end it is stopped as the same page says."""
    database = f"runbook_{secrets.token_hex(6)}"
    url = home.endpoints["database"]
    administrator = await asyncpg.connect(url)
    database_url = f"{url.rsplit('/', 1)[0]}/{database}"
    told = {
        "KAFKA_BOOTSTRAP_SERVERS": home.endpoints["kafka"],
        "DATABASE_URL": database_url,
        "TOPIC": TOPIC,
        "OPERATOR_KEY_SHA256": sha256(_FIRST_KEY.encode()).hexdigest(),
        "PATCHBAY_OPERATOR_KEY": _FIRST_KEY,
    }
    prepare, start, stop = PAGES["Start and stop"]
    try:
        await administrator.execute(f"CREATE DATABASE {database} TEMPLATE template0")
        async with terminal_in(tmp_path_factory.mktemp("runbook"), environ(**told), database_url) as opened:
            await opened.enter(f"export PATCHBAY_API=http://127.0.0.1:{opened.port('8080')}")
            await opened.type(prepare, start)
            yield opened
            await opened.type(stop)
        await administrator.execute(f"DROP DATABASE {database} WITH (FORCE)")
    finally:
        await administrator.close()


async def read(terminal: Terminal, commands: str, code: int = 0) -> str:
    """Return what commands of the test's own print."""
    ended, printed = await terminal.enter(commands)

    assert ended == code, printed
    return printed


@pytest.mark.parametrize("title", [title for title, blocks in PAGES.items() if blocks and title not in ABOUT_CHANGES])
async def test_a_page_that_looks_can_be_typed_as_it_stands(terminal: Terminal, title: str) -> None:
    """A page that is new is among these; one that needs something done before gets a test of its own."""

    async def works() -> bool:
        return await terminal.type(*PAGES[title]) is not None

    await eventually(works, 30.0)  # the doctor also tells of what passes, such as servers that are short of breath


async def test_a_rolling_restart_gives_the_api_another_first_key(terminal: Terminal) -> None:
    """The old one is refused then, and keys that were issued go on."""
    issue, change, use = PAGES["The operator's key"]

    assert "ops-2027" in await terminal.type(issue)
    await terminal.type(change)
    await terminal.type(*PAGES["Rolling restart"])
    assert "The key is not known there" in await read(terminal, "patchbay key list --operator", code=1)
    assert "ops-2027" in await terminal.type(use)


async def test_a_key_that_leaked_opens_nothing_any_more_and_tells_what_it_did(terminal: Terminal) -> None:
    """Its successor does."""
    look, end, made = PAGES["A key has leaked"]
    await read(terminal, "patchbay account open my-team; patchbay number register +12025550190 --account my-team")
    issued = json.loads(await read(terminal, "patchbay key issue --account my-team --name crm --json"))
    await read(terminal, f"KEY_ID={issued['id']} LEAKED={issued['secret']}")
    numbers = "/api/phone-numbers?accountSlug=my-team"
    as_thief = f'curl --fail --silent --header "Authorization: Bearer $LEAKED" "$PATCHBAY_API{numbers}"'

    async def is_refused() -> bool:
        return (await terminal.enter(as_thief))[0] == CURL_REFUSED

    assert "+12025550190" in await read(terminal, as_thief)
    secret = re.search(r"^ +(tk_live_\w+)$", await terminal.type(look), re.MULTILINE)
    assert secret is not None
    assert "+12025550190" in await read(terminal, as_thief.replace("$LEAKED", secret[1]))
    await eventually(is_refused)  # promised within a second
    await terminal.type(end)
    assert "my-team" in await terminal.type(made)


async def test_a_projection_is_rebuilt_compared_swapped_and_dropped(terminal: Terminal) -> None:
    """Another process has taken over at the end."""
    await terminal.type(*PAGES["A projection in a new shape"])

    assert "read_model_2" not in await read(terminal, "patchbay projection list")


async def test_an_export_becomes_a_log_again_in_as_many_partitions_or_in_others(terminal: Terminal) -> None:
    """The same root over the heads of all streams says that nothing is missing."""
    export, restore = PAGES["Restore"]
    (move,) = PAGES["Another number of partitions"]
    roots = {_ROOT_HASH.findall(await terminal.type(block))[-1] for block in (export, restore)}

    assert roots == set(_ROOT_HASH.findall(await terminal.type(move)))


async def forge_a_record(kafka: str, stream: str) -> str:
    """Append what names an event that never was, and return its digest."""
    identity = await open_log(kafka, TOPIC)
    never = Head(9, "ab" * 32, "2026-11-23T00:00:00.000000Z")
    event = NewEvent(type="Forged", source=source_of(stream), data=b"{}", dataschema="urn:x", actor="key_thief")
    forged = seal(event, stream=stream, parent=never, base=never, time="2026-11-23T00:00:00.000000Z", event_id="1")
    async with open_appender(kafka, identity) as appender:
        await eventually(lambda: appender.healthy, 30.0)
        await appender.append([forged], session=appender.session)
    return forged.digest


async def is_stopped(terminal: Terminal, schema: str) -> bool:
    """Return whether a projection has met what was forged."""
    query = Block("sql", "run", f"SELECT stream FROM {schema}.heads WHERE stopped_by IS NOT NULL")
    return await terminal.type(query) != ""


async def test_a_stream_that_a_forged_record_has_stopped_is_mended(terminal: Terminal, home: Up) -> None:
    """Not by a record that did not stop it, and not twice."""
    look, mend = PAGES["A stream has stopped"]
    account = json.loads(await read(terminal, "patchbay account open burgled --json"))["id"]
    digest = await forge_a_record(home.endpoints["kafka"], account)

    for schema in ("read_model_1", "routing_1"):
        await eventually(partial(is_stopped, terminal, schema), 30.0)
    assert "routing_broken" in await read(terminal, "patchbay doctor", code=1)
    await read(terminal, f"STREAM={account} DIGEST={digest}")
    place = re.search(r"partition (\d+), offset (\d+)", await terminal.type(look, code=1))
    assert place is not None
    await read(terminal, f"PLACE={place[1]}:{place[2]}")
    another = f'patchbay log mend "$STREAM" --record {"0" * 64} --reason why'
    assert f"is stopped by {digest}" in await read(terminal, another, code=3)
    assert f"{account} is mended at height 2" in await terminal.type(mend)
    again = 'patchbay log mend "$STREAM" --record "$DIGEST" --reason why'
    assert "is not stopped" in await read(terminal, again, code=3)
    await read(terminal, "patchbay number register +12025550191 --account burgled")


def test_no_command_stands_on_a_page_that_nobody_types() -> None:
    """In blocks all are marked; in a sentence it is a part of one in a block, or on the page of those that are not."""
    blocks = [block for page in PAGES.values() for block in page]
    typed = "".join(block.text for block in blocks)
    sentences = re.sub(r"^ *```.*?^ *```$", "", RUNBOOK.read_text(), flags=re.MULTILINE | re.DOTALL)
    sentences, _, exceptions = sentences.partition(f"## {UNTYPED}\n")
    untyped = set(re.findall(r"`([^`]+)`", exceptions))
    spans = {span for span in re.findall(r"`([^`\n]+)`", sentences) if _COMMAND.match(span)}

    assert {block.mark for block in blocks} == {"run"}
    assert {block.language for block in blocks} == {"sh", "sql"}
    assert PAGES.keys() >= ABOUT_CHANGES
    assert len(spans) > 10
    assert {span for span in spans - STARTED_ELSEWHERE if span.split()[0] not in untyped and span not in typed} == set()


def test_every_page_that_is_promised_is_there() -> None:
    """Whatever may happen to who runs it."""
    wanted = {
        "A stream has stopped", "A stream is quarantined", "Restore", "Another number of partitions", "Start and stop",
        "Rolling restart", "Upgrade", "A broker is lost", "Postgres is away", "Lag", "The clock is off",
        "The disk is full", "The operator's key", "A key has leaked", "A projection in a new shape",
    }  # fmt: skip

    assert {title for title in wanted if PAGES.get(title)} == wanted
