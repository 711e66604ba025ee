"""The read model and the history are what a fold of the log is."""

from random import Random

import msgspec
from tests.integration.projection.running import READ_MODEL, Database, connected, log_with, passed, running
from tests.property.projection.lives import Lives
from tests.unit.projection.chains import assistant_created, assistant_id, numbers_assigned

from patchbay.assistants.events import AssistantDeleted, AssistantUpdated, KeyIssued, KeyRevoked, NumberReleased
from patchbay.assistants.evolve import evolve_assistant
from patchbay.assistants.states import Assistant
from patchbay.eventlog import Envelope, Head, MemoryLog, Verdict, advance, fingerprint, judge, read_envelope
from patchbay.projection.history import decode_headers
from patchbay.projector.folding import ReadModelFold
from patchbay.projector.listing import INSERT_LISTED, created_row

LISTED = INSERT_LISTED.copies_to.columns if INSERT_LISTED.copies_to else ()
KEY = KeyIssued(
    key_id="key_1",
    account_id=None,
    name="K",
    secret_sha256="ab" * 32,
    hint="tk_live_ab",
    scopes=("*", "a:b"),
    requests_per_hour=5,
)


async def test_every_table_shows_what_happened(database_url: str) -> None:
    log, written = log_with()
    account, operators, number = written.account("acme"), written.operators(), written.number("+15550001")
    one, two = assistant_id(1), assistant_id(2)
    written.opened("acme")
    written.registered("+15550001", account)
    written.seal(operators, KEY)
    written.seal(account, msgspec.structs.replace(KEY, key_id="key_2", account_id=account, secret_sha256="cd" * 32))
    written.seal(account, KeyRevoked(key_id="key_2"))
    written.seal(account, assistant_created(one, account))
    written.seal(account, assistant_created(two, account))
    written.seal(account, numbers_assigned(one, (number, 1)))
    written.seal(account, numbers_assigned(two, (number, 1), taken_from=(one,)))
    async with connected(database_url) as database, running(READ_MODEL, log, database_url):
        await passed(database, "read_model_1", log)
        accounts = await database.fetch("SELECT * FROM read_model_1.accounts")
        keys = await database.fetch("SELECT * FROM read_model_1.keys ORDER BY key_id")
        numbers = await database.fetch("SELECT * FROM read_model_1.numbers")
        held = await database.fetch("SELECT * FROM read_model_1.assignments")
        versions = await database.fetch("SELECT assistant_id, version, height FROM read_model_1.versions ORDER BY 1, 2")

        assert [(row["account_id"], row["slug"], row["name"]) for row in accounts] == [(account, "acme", "ACME")]
        assert [(row["key_id"], row["scopes"], row["revoked_at"] is None) for row in keys] == [
            ("key_1", ["*", "a:b"], True),
            ("key_2", ["*", "a:b"], False),
        ]
        assert [(row["phone_number"], row["account_id"], row["registration"]) for row in numbers] == [
            ("+15550001", account, 1)
        ]
        assert [tuple(row) for row in held] == [(account, number, two, 1)]
        assert [tuple(row) for row in versions] == [(one, 1, 4), (one, 2, 6), (one, 3, 7), (two, 1, 5), (two, 2, 7)]

        written.seal(number, NumberReleased(number_id=number, account_id=account))
        await passed(database, "read_model_1", log)
        assert await database.fetchval("SELECT account_id FROM read_model_1.numbers") is None


async def test_the_history_holds_the_accepted_events_byte_for_byte(database_url: str) -> None:
    log, written = log_with()
    account = written.account("acme")
    sealed = [written.opened("acme"), written.seal(account, assistant_created(assistant_id(1), account))]
    written.put(sealed[0])
    log.write(0, b"stranger", b"?", [])
    async with connected(database_url) as database, running(READ_MODEL, log, database_url):
        await passed(database, "read_model_1", log)
        rows = await database.fetch("SELECT * FROM history.events ORDER BY stream, height")

        assert [row["digest"].hex() for row in rows] == [record.digest for record in sealed]
        assert [row["value"] for row in rows] == [record.value for record in sealed]
        assert [list(decode_headers(row["headers"])) for row in rows] == [record.headers for record in sealed]
        partition = written.identity.partition_of(account)
        for row in rows:
            stored = log.records(partition)[row["offset"]]
            assert stored.value == row["value"]
        fingerprints = await database.fetch("SELECT partition, fingerprint FROM read_model_1.checkpoints")
        assert {row["partition"]: row["fingerprint"] for row in fingerprints} == {
            p: fingerprint(log.records(p)[-1]) for p in range(2)
        }


async def test_the_read_model_equals_a_fold_whatever_the_batches(database_url: str) -> None:
    log, written = log_with()
    random = Random(7)
    lives = Lives(written, random)
    async with connected(database_url) as database, running(READ_MODEL, log, database_url):
        for _ in range(30):
            for _ in range(random.choice([1, 3, 40, 90])):
                record = written.seal(*lives.next())
                if random.random() < 0.1:
                    written.put(record)
            if random.random() < 0.5:
                await passed(database, "read_model_1", log)
        await passed(database, "read_model_1", log)

        assert await stored_assistants(database) == folded_assistants(log)
        assert await stored_heads(database) == written.heads
        assert await database.fetchval("SELECT count(*) FROM read_model_1.quarantine") == 0
        assert await database.fetchval("SELECT count(*) FROM history.events") == sum(
            head.height for head in written.heads.values()
        )


async def test_a_change_of_an_assistant_that_is_not_in_memory_is_folded_onto_its_row(database_url: str) -> None:
    log, written = log_with()
    account = written.account("acme")
    written.seal(account, assistant_created(assistant_id(1), account))
    async with connected(database_url) as database:
        async with running(READ_MODEL, log, database_url):
            await passed(database, "read_model_1", log)
        written.seal(account, AssistantUpdated(assistant_id=assistant_id(1), name="New"))
        async with running(READ_MODEL, log, database_url):
            await passed(database, "read_model_1", log)

        assistants = await stored_assistants(database)
        assert [(a.name, a.version) for a in assistants.values()] == [("New", 2)]


async def test_an_assistant_that_was_deleted_has_no_row_and_no_number_but_its_versions(database_url: str) -> None:
    log, written = log_with()
    account, number = written.account("acme"), written.number("+15550001")
    written.registered("+15550001", account)
    for one in (assistant_id(1), assistant_id(2)):
        written.seal(account, assistant_created(one, account))
        written.seal(account, numbers_assigned(one, (number, 1)))
    async with connected(database_url) as database, running(READ_MODEL, log, database_url):
        await passed(database, "read_model_1", log)
        assert await database.fetchval("SELECT assistant_id FROM read_model_1.assignments") == assistant_id(2)
        written.seal(account, AssistantDeleted(assistant_id=assistant_id(2), number_ids=(number,)))
        written.seal(account, assistant_created(assistant_id(3), account))  # in the same batch: never stored
        written.seal(account, AssistantDeleted(assistant_id=assistant_id(3)))
        await passed(database, "read_model_1", log)

        assert list(await stored_assistants(database)) == [assistant_id(1)]
        assert await database.fetchval("SELECT count(*) FROM read_model_1.assignments") == 0
        rows = await database.fetch("SELECT assistant_id, version FROM read_model_1.versions ORDER BY 1, 2")
        assert [tuple(row) for row in rows if row["assistant_id"] != assistant_id(1)] == [
            *((assistant_id(2), version) for version in (1, 2, 3)),
            *((assistant_id(3), version) for version in (1, 2)),
        ]

        written.seal(account, AssistantUpdated(assistant_id=assistant_id(2), name="New"))  # nobody of ours writes this
        await passed(database, "read_model_1", log)
        assert await database.fetchval("SELECT stream FROM read_model_1.quarantine") == account


async def stored_assistants(database: Database) -> dict[str, Assistant]:
    """Return what the read model says, by assistant."""
    rows = await database.fetch("SELECT * FROM read_model_1.assistants")
    decoded = {row["assistant_id"]: msgspec.json.decode(row["record"], type=Assistant) for row in rows}
    for row in rows:
        assistant = decoded[row["assistant_id"]]
        assert (row["account_id"], row["version"], row["created_at"], row["updated_at"]) == (
            assistant.account_id,
            assistant.version,
            assistant.created_at,
            assistant.updated_at,
        )
    listed = {row["assistant_id"]: row for row in await database.fetch("SELECT * FROM read_model_1.listed_assistants")}
    assert listed.keys() == decoded.keys()
    for row in listed.values():
        expected = created_row(decoded[row["assistant_id"]], row["created_height"])
        assert expected == tuple(row[name] for name in LISTED)
    heights = await database.fetch("SELECT assistant_id, height FROM read_model_1.versions WHERE version = 1")
    created = {row["assistant_id"]: row["height"] for row in heights if row["assistant_id"] in decoded}
    assert {row["assistant_id"]: row["created_height"] for row in listed.values()} == created
    return decoded


async def stored_heads(database: Database) -> dict[str, Head]:
    """Return the heads that the projection has."""
    rows = await database.fetch("SELECT * FROM read_model_1.heads")
    return {row["stream"]: Head(row["height"], row["digest"].hex(), row["time"]) for row in rows}


def folded_assistants(log: MemoryLog) -> dict[str, Assistant]:
    """Fold the log by nothing but verdicts and `evolve_assistant`."""
    heads: dict[str, Head] = {}
    assistants: dict[str, Assistant] = {}
    fold = ReadModelFold("unused")
    for partition in range(log.identity.partition_count):
        for record in log.records(partition):
            read = read_envelope(record, log.identity)
            if not isinstance(read, Envelope):
                continue
            head = heads.get(read.stream) or Head.genesis(log.identity.log_id)
            verdict = judge(read, head)
            heads[read.stream] = advance(head, read, verdict)
            event = fold.decode(read)
            if verdict is not Verdict.ACCEPTED or event is None:
                continue
            if isinstance(event, AssistantDeleted):
                del assistants[event.assistant_id]
                continue
            for touched in [getattr(event, "assistant_id", None), *getattr(event, "taken_from", ())]:
                if touched is not None:
                    assistants[touched] = evolve_assistant(
                        assistants.get(touched), event, assistant_id=touched, time=read.time
                    )
    return assistants
