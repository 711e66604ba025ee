"""A stream that cannot be folded is set aside alone; its chain goes on, and new code folds it from the history."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from tests.integration.projection.running import (
    READ_MODEL,
    ROUTING,
    Database,
    becomes,
    connected,
    log_with,
    passed,
    running,
)
from tests.servers import eventually
from tests.unit.projection.chains import Written, assistant_created, assistant_id

from patchbay.assistants.events import AccountOpened, AssistantUpdated
from patchbay.eventlog import Envelope
from patchbay.postgres import Connection
from patchbay.process import metrics
from patchbay.projection import Arrival, Draft, Fold, Projection, loop

BAD = ("Later", b"{}")


async def quarantined(database: Database, schema: str = "read_model_1") -> dict[str, int]:
    """Return from which height on streams are quarantined."""
    rows = await database.fetch(f"SELECT stream, from_height FROM {schema}.quarantine")
    return {row["stream"]: row["from_height"] for row in rows}


def told(metric: str) -> float | None:
    """Return what /metrics says of the read model."""
    return metrics.REGISTRY.get_sample_value(metric, {"projection": "read_model"})


async def names(database: Database) -> dict[str, str]:
    """Return the assistants' names."""
    rows = await database.fetch("SELECT assistant_id, record FROM read_model_1.assistants")
    return {row["assistant_id"]: msgspec.json.decode(row["record"])["name"] for row in rows}


def two_accounts(written: Written) -> tuple[str, str]:
    """Give two accounts one assistant each, and something later code may know between in the first."""
    bad, good = written.account("bad"), written.account("good")
    written.seal(bad, assistant_created(assistant_id(1), bad, name="before"))
    written.seal_raw(bad, *BAD, affects=("configuration",))
    written.seal(bad, AssistantUpdated(assistant_id=assistant_id(1), name="after"))
    written.seal(good, assistant_created(assistant_id(2), good, name="good"))
    return bad, good


class LaterFold:
    """A fold by later code, which knows the type `Later`: nothing is to be done at it."""

    def __init__(self, fold: Fold[Any]) -> None:
        self._fold = fold

    def decode(self, envelope: Envelope) -> Any:
        return None if envelope.type == "Later" else self._fold.decode(envelope)

    async def load(self, connection: Connection, events: Sequence[tuple[Any, Arrival]]) -> None:
        await self._fold.load(connection, events)

    def draft(self) -> Draft[Any]:
        return self._fold.draft()


def later(projection: Projection[Any]) -> Projection[Any]:
    """Return the projection as later code would run it."""

    def fold(schema: str) -> Fold[Any]:
        return LaterFold(projection.fold(schema))

    return msgspec.structs.replace(projection, fold=fold)


LATER = later(READ_MODEL)


async def test_an_unknown_type_that_concerns_the_read_model_sets_its_stream_aside(database_url: str) -> None:
    log, written = log_with()
    bad, _ = two_accounts(written)
    async with connected(database_url) as database, running(READ_MODEL, log, database_url) as progress:
        await passed(database, "read_model_1", log)

        assert await quarantined(database) == {bad: 2}
        assert await names(database) == {assistant_id(1): "before", assistant_id(2): "good"}
        assert await database.fetchval("SELECT height FROM read_model_1.heads WHERE stream = $1", bad) == 3
        assert await database.fetchval("SELECT count(*) FROM history.events WHERE stream = $1", bad) == 3
        assert progress.readiness_fault() is None


async def test_later_events_of_the_stream_stay_unfolded_after_a_new_start_of_the_same_code(database_url: str) -> None:
    log, written = log_with()
    bad, _ = two_accounts(written)
    async with connected(database_url) as database:
        for name in ("one", "two"):
            async with running(READ_MODEL, log, database_url):
                written.seal(bad, AssistantUpdated(assistant_id=assistant_id(1), name=name))
                await passed(database, "read_model_1", log)

        assert await quarantined(database) == {bad: 2}
        assert (await names(database))[assistant_id(1)] == "before"


async def test_code_that_knows_the_type_folds_the_stream_again_from_the_history(database_url: str) -> None:
    log, written = log_with()
    bad, _ = two_accounts(written)
    async with connected(database_url) as database:
        async with running(READ_MODEL, log, database_url):
            await passed(database, "read_model_1", log)
            since = await database.fetchval("SELECT extract(epoch FROM since)::float8 FROM read_model_1.quarantine")
            assert told("patchbay_quarantined_since_timestamp_seconds") == since
        async with running(LATER, log, database_url):
            await becomes(lambda: quarantined(database), {})
            assert await eventually(lambda: told("patchbay_quarantined_since_timestamp_seconds") == 0)
            written.seal(bad, AssistantUpdated(assistant_id=assistant_id(1), temperature=0.1))
            await passed(database, "read_model_1", log)

        assert (await names(database))[assistant_id(1)] == "after"
        assert await database.fetchval("SELECT version FROM read_model_1.assistants WHERE account_id = $1", bad) == 3


async def test_a_stream_that_fails_again_further_on_keeps_what_could_be_folded(database_url: str) -> None:
    log, written = log_with()
    bad, _ = two_accounts(written)
    written.seal_raw(bad, "AssistantUpdated", b"[]", dataschema="urn:patchbay:AssistantUpdated:1")
    async with connected(database_url) as database:
        async with running(READ_MODEL, log, database_url):
            await passed(database, "read_model_1", log)
        async with running(LATER, log, database_url):
            await becomes(lambda: quarantined(database), {bad: 4})

        assert (await names(database))[assistant_id(1)] == "after"


async def test_an_unknown_type_that_concerns_nobody_here_is_passed_over(database_url: str) -> None:
    log, written = log_with()
    account = written.account("acme")
    written.seal(account, assistant_created(assistant_id(1), account))
    written.seal_raw(account, "CallBilled", b"{}", affects=("billing",))
    written.seal(account, AssistantUpdated(assistant_id=assistant_id(1), name="after"))
    async with connected(database_url) as database, running(READ_MODEL, log, database_url):
        await passed(database, "read_model_1", log)

        assert await quarantined(database) == {}
        assert await names(database) == {assistant_id(1): "after"}


@pytest.mark.parametrize("others", [0, 60])
async def test_a_row_that_the_database_refuses_sets_only_its_own_stream_aside(database_url: str, others: int) -> None:
    log, written = log_with(partitions=1)
    bad = written.account("bad")
    written.opened("good")
    for number in range(others):
        written.seal(written.account("good"), assistant_created(assistant_id(number), written.account("good")))
    written.seal(bad, AccountOpened(account_id=bad, slug="bad", name="NUL \0"))
    twice = written.account("twice")
    written.seal(twice, AccountOpened(account_id=twice, slug="good", name="the slug is taken"))
    written.opened("fine")
    async with connected(database_url) as database, running(READ_MODEL, log, database_url):
        await passed(database, "read_model_1", log)

        assert await quarantined(database) == {bad: 1, twice: 1}
        slugs = {row["slug"] for row in await database.fetch("SELECT slug FROM read_model_1.accounts")}
        assert slugs == {"good", "fine"}
        assert await database.fetchval("SELECT count(*) FROM read_model_1.assistants") == others
        assert await database.fetchval("SELECT count(*) FROM history.events") == 4 + others


async def test_an_assistant_of_another_account_cannot_be_changed(database_url: str) -> None:
    log, written = log_with()
    one, two = written.account("one"), written.account("two")
    written.seal(one, assistant_created(assistant_id(1), one, name="mine"))
    written.seal(two, AssistantUpdated(assistant_id=assistant_id(1), name="stolen"))
    written.seal(two, assistant_created(assistant_id(2), two))
    async with connected(database_url) as database, running(READ_MODEL, log, database_url):
        await passed(database, "read_model_1", log)

        assert await quarantined(database) == {two: 1}
        assert await names(database) == {assistant_id(1): "mine"}


async def test_the_routing_table_folds_again_once_the_history_has_the_events(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "REFOLD_SECONDS", 0.2)
    log, written = log_with()
    account = written.account("acme")
    written.registered("+15550001", account)
    written.seal_raw(account, "Later", b"{}", affects=("routing",))
    async with connected(database_url) as database:
        async with running(ROUTING, log, database_url):
            await passed(database, "routing_1", log)
            assert await quarantined(database, "routing_1") == {account: 1}
        written.seal(account, assistant_created(assistant_id(1), account, inbound_enabled=True))
        async with running(later(ROUTING), log, database_url):
            await passed(database, "routing_1", log)
            assert await quarantined(database, "routing_1") == {account: 1}
            async with running(READ_MODEL, log, database_url):
                await becomes(lambda: quarantined(database, "routing_1"), {})

        assert await database.fetchval("SELECT assistant_id FROM routing_1.assistants") == assistant_id(1)


async def test_a_stopped_stream_goes_on_after_its_mend(database_url: str) -> None:
    log, written = log_with()
    account = written.account("acme")
    written.opened("acme")
    forger = Written(log)
    forger.heads[account] = msgspec.structs.replace(written.heads[account], height=7, digest="ab" * 32)
    forged = forger.seal_raw(account, "Forged", b"{}")
    async with connected(database_url) as database, running(READ_MODEL, log, database_url):
        await passed(database, "read_model_1", log)
        stopped_by = await database.fetchval("SELECT stopped_by FROM read_model_1.heads WHERE stream = $1", account)
        assert stopped_by.hex() == forged.digest
        mend = b'{"stream":"%b","reason":"forged"}' % account.encode()
        written.seal_raw(account, "StreamMended", mend, dataschema="urn:patchbay:StreamMended:1", mends=forged.digest)
        written.seal(account, assistant_created(assistant_id(1), account))
        await passed(database, "read_model_1", log)

        assert await database.fetchval("SELECT count(*) FROM read_model_1.heads WHERE stopped_by IS NOT NULL") == 0
        assert await names(database) == {assistant_id(1): "A"}
