"""A log that was damaged: what it was is named, its stream stops or passes it as the design says, and others go on."""

from collections.abc import Awaitable, Callable, Sequence
from secrets import token_hex
from typing import Any

import msgspec
import pytest
import structlog
from tests.integration.projection.running import (
    READ_MODEL,
    ROUTING,
    Database,
    becomes,
    connected,
    log_with,
    passed,
    run_to_end,
    running,
)
from tests.integration.projection.test_quarantine import later
from tests.unit.projection.chains import Chains, assistant_created, assistant_id

from patchbay.assistants.events import AssistantUpdated
from patchbay.callrouting.following import Following
from patchbay.eventlog import LogRecreated, LogTruncated, SealedRecord
from patchbay.process import metrics
from patchbay.projection import Projection

PROJECTIONS = [READ_MODEL, ROUTING]
HEADS = "SELECT height, encode(stopped_by, 'hex') FROM {}.heads WHERE stream = $1"
NEIGHBOUR, VICTIM = assistant_id(1), assistant_id(2)
STRANGERS_OFFSET = 5  # behind the manifest and two events of each account


class Scene:
    """A log with a victim, whose stream is about to be damaged, and a neighbour."""

    def __init__(self) -> None:
        self.log, self.written = log_with(partitions=1)
        self.victim, self.neighbour = (self.written.account(slug) for slug in ("victim", "neighbour"))
        for slug, assistant in (("victim", VICTIM), ("neighbour", NEIGHBOUR)):
            self.written.opened(slug)
            account = self.written.account(slug)
            self.written.seal(account, assistant_created(assistant, account, inbound_enabled=True))
        self.unwritten = Chains(self.log.identity)  # seals, and writes nothing
        self.unwritten.heads = dict(self.written.heads)

    def sealed(self, *, name: str = "lost") -> SealedRecord:
        """Return the next event of the victim, which is not in the log yet."""
        return self.unwritten.seal(self.victim, AssistantUpdated(assistant_id=VICTIM, name=name))

    def foreign(self, key: bytes, value: bytes | None, headers: Sequence[tuple[str, bytes | None]] = ()) -> None:
        """Write what a stranger writes."""
        self.log.write(0, key, value, headers)

    def close(self) -> None:
        """Have the neighbour say something behind the damage."""
        self.written.seal(self.neighbour, AssistantUpdated(assistant_id=NEIGHBOUR, inbound_enabled=False))


def flip_a_byte(scene: Scene) -> SealedRecord:
    lost = scene.sealed()
    scene.foreign(lost.key, lost.value.replace(b"lost", b"lo\x73u"), lost.headers)
    child = scene.sealed()
    scene.written.put(child)
    return child


def remove_a_record(scene: Scene) -> SealedRecord:
    scene.sealed()
    child = scene.sealed()
    scene.written.put(child)
    return child


def remove_a_record_whose_loser_takes_its_place(scene: Scene) -> SealedRecord:
    """Two wrote at one height. The winner is gone, so who had lost is the first there; a child of the winner tells."""
    rival = Chains(scene.log.identity)
    rival.heads = dict(scene.unwritten.heads)
    scene.sealed()
    loser = rival.seal(scene.victim, AssistantUpdated(assistant_id=VICTIM, name="loser"))
    child = scene.sealed()
    scene.written.put(loser)
    scene.written.put(child)
    return child


def forge_a_record(scene: Scene) -> SealedRecord:
    forger = Chains(scene.log.identity)
    forger.heads[scene.victim] = msgspec.structs.replace(scene.written.heads[scene.victim], height=9, digest="ab" * 32)
    forged = forger.seal_raw(scene.victim, "Forged", b"{}")
    scene.written.put(forged)
    return forged


STOPPING = [flip_a_byte, remove_a_record, remove_a_record_whose_loser_takes_its_place, forge_a_record]


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.tables.projection)
@pytest.mark.parametrize("damage", STOPPING)
async def test_a_stream_that_lost_something_stops_and_says_so_and_others_go_on(
    database_url: str, damage: Callable[[Scene], SealedRecord], projection: Projection[Any]
) -> None:
    scene = Scene()
    stopper = damage(scene)
    scene.written.put(stopper)  # what comes after it is broken as well, and stops it no second time
    scene.close()
    name, schema = projection.tables.projection, f"{projection.tables.projection}_1"
    following = Following(scene.log.identity)
    with structlog.testing.capture_logs() as lines:
        async with connected(database_url) as database, running(projection, scene.log, database_url):
            await passed(database, schema, scene.log)
            height, stopped_by = await database.fetchrow(HEADS.format(schema), scene.victim)
            goes_on = await database.fetchval(HEADS.format(schema), scene.neighbour)
            alarm = metrics.streams_stopped.labels(name)._value.get()
        following.take(scene.log.records(0))
    told = [line for line in lines if line["log_level"] == "error"]

    assert stopped_by == stopper.digest
    assert height < stopper.height  # nothing was skipped to get there
    assert goes_on == 3
    assert alarm == 1
    assert scene.victim in str(told)
    assert stopper.digest in str(told)
    assert following.heads.of(scene.victim).stopped_by == stopper.digest
    assert following.heads.of(scene.neighbour).height == 3


def _tombstone(scene: Scene) -> None:
    scene.foreign(scene.victim.encode(), None)


def _garbage(scene: Scene) -> None:
    scene.foreign(b"\xff\x00", b"\x00" * 100, (("ce_id", None), ("x", b"\xff")))


def _a_megabyte(scene: Scene) -> None:
    scene.foreign(scene.victim.encode(), token_hex(500_000).encode())


def _a_tombstone_of_an_event(scene: Scene) -> None:
    """What a client of Kafka does that wants an event deleted: all its headers, and no value."""
    next_one = scene.sealed()
    scene.unwritten.heads = dict(scene.written.heads)
    scene.foreign(next_one.key, None, next_one.headers)


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.tables.projection)
@pytest.mark.parametrize("write", [_tombstone, _garbage, _a_megabyte, _a_tombstone_of_an_event])
async def test_what_a_stranger_writes_is_counted_and_stops_nobody(
    database_url: str, write: Callable[[Scene], None], projection: Projection[Any]
) -> None:
    scene = Scene()
    write(scene)
    scene.written.seal(scene.victim, AssistantUpdated(assistant_id=VICTIM, inbound_enabled=False))
    scene.close()
    name, schema = projection.tables.projection, f"{projection.tables.projection}_1"
    foreign = metrics.records_read.labels(name, "foreign")
    before = foreign._value.get()
    with structlog.testing.capture_logs() as lines:
        async with connected(database_url) as database, running(projection, scene.log, database_url):
            await passed(database, schema, scene.log)

            assert [await _head(database, schema, stream) for stream in (scene.victim, scene.neighbour)] == [3, 3]
        told = [(line["partition"], line["offset"]) for line in lines if line["event"] == "record_foreign"]
        assert (0, STRANGERS_OFFSET) in told
        assert foreign._value.get() - before == 1  # the manifest is none
        assert metrics.streams_stopped.labels(name)._value.get() == 0


async def _head(database: Database, schema: str, stream: str) -> int:
    height: int = await database.fetchval(HEADS.format(schema), stream)
    return height


def unknown(scene: Scene) -> None:
    """An event of a version to come, which concerns both projections."""
    scene.written.seal_raw(scene.victim, "Later", b"{}", affects=("configuration", "routing"))


def contradicting(scene: Scene) -> None:
    """An event of a known type whose place in the chain is right, and whose content is not."""
    schema, affects = "urn:patchbay:AssistantUpdated:1", ("configuration", "routing")
    scene.written.seal_raw(scene.victim, "AssistantUpdated", b"[]", dataschema=schema, affects=affects)


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.tables.projection)
@pytest.mark.parametrize("damage", [unknown, contradicting])
async def test_a_stream_that_cannot_be_folded_is_set_aside_and_named_until_it_can(
    database_url: str, damage: Callable[[Scene], None], projection: Projection[Any]
) -> None:
    """Its chain goes on, and others do; the alarm is raised, again at each start, and is over when all is folded."""
    scene = Scene()
    damage(scene)
    scene.written.seal(scene.victim, AssistantUpdated(assistant_id=VICTIM, inbound_enabled=False))
    scene.close()
    name, schema = projection.tables.projection, f"{projection.tables.projection}_1"
    alarm = metrics.streams_quarantined.labels(name)
    async with connected(database_url) as database:
        for event in ("stream_quarantined", "stream_still_quarantined"):
            with structlog.testing.capture_logs() as lines:
                async with running(projection, scene.log, database_url):
                    await passed(database, schema, scene.log)
                    await becomes(_value_of(alarm), 1)
            told = [line for line in lines if line["event"] == event]

            assert [(line["log_level"], line["stream"]) for line in told] == [("error", scene.victim)]
            assert [await _head(database, schema, stream) for stream in (scene.victim, scene.neighbour)] == [4, 3]
        if projection is READ_MODEL:  # who has the history can fold the stream again, whatever came since
            async with running(later(projection), scene.log, database_url):
                await becomes(_value_of(alarm), 0)


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.tables.projection)
async def test_a_forged_record_is_mended_for_every_reader(database_url: str, projection: Projection[Any]) -> None:
    """What comes behind the mend counts, in the tables and in a router's memory; the alarm is over."""
    scene = Scene()
    forged = forge_a_record(scene)
    mend = b'{"stream":"%b","reason":"forged"}' % scene.victim.encode()
    name, schema = projection.tables.projection, f"{projection.tables.projection}_1"
    alarm, following = metrics.streams_stopped.labels(name), Following(scene.log.identity)
    async with connected(database_url) as database, running(projection, scene.log, database_url):
        await becomes(_value_of(alarm), 1)
        scene.written.seal_raw(
            scene.victim, "StreamMended", mend, dataschema="urn:patchbay:StreamMended:1", mends=forged.digest
        )
        scene.written.seal(scene.victim, AssistantUpdated(assistant_id=VICTIM, inbound_enabled=False))
        await passed(database, schema, scene.log)

        assert await _head(database, schema, scene.victim) == 4
        await becomes(_value_of(alarm), 0)
    following.take(scene.log.records(0))
    assert following.heads.of(scene.victim).height == 4
    assert following.heads.of(scene.victim).stopped_by is None


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.tables.projection)
async def test_a_tail_that_was_cut_ends_the_projection_until_it_is_back(
    database_url: str, projection: Projection[Any]
) -> None:
    """Nothing is projected meanwhile, not even what was written to the cut log; then all goes on where it was."""
    scene = Scene()
    whole, schema = list(scene.log.records(0)), f"{projection.tables.projection}_1"
    async with connected(database_url) as database:
        async with running(projection, scene.log, database_url):
            await passed(database, schema, scene.log)
        scene.log.truncate(0, len(whole) - 1)
        for _ in range(2):
            with pytest.raises(LogTruncated) as truncated:
                await run_to_end(projection, scene.log, database_url)
            assert (truncated.value.partition, truncated.value.position) == (0, len(whole))
            assert await _head(database, schema, scene.neighbour) == 2
        scene.log.write(0, b"acct_x", b"written since", ())
        with pytest.raises(LogRecreated) as recreated:
            await run_to_end(projection, scene.log, database_url)
        assert (recreated.value.partition, recreated.value.position) == (0, len(whole))
        scene.log.truncate(0, len(whole) - 1)
        scene.log.write(0, whole[-1].key, whole[-1].value, whole[-1].headers)
        scene.close()
        async with running(projection, scene.log, database_url):
            await passed(database, schema, scene.log)

            assert await _head(database, schema, scene.neighbour) == 3


async def test_what_a_cut_log_has_lost_is_in_the_old_history(database_url: str) -> None:
    """The way on without the tail: an empty database, and the old one tells which events are gone."""
    scene = Scene()
    async with connected(database_url) as database:
        async with running(READ_MODEL, scene.log, database_url):
            await passed(database, "read_model_1", scene.log)
        had = await database.fetch("SELECT stream, height, value FROM history.events")
        scene.log.truncate(0, len(scene.log.records(0)) - 1)
        await database.execute("DROP SCHEMA read_model_1, history, projection CASCADE")  # as an empty database is
        async with running(READ_MODEL, scene.log, database_url):
            await passed(database, "read_model_1", scene.log)
            has = await database.fetch("SELECT stream, height, value FROM history.events")

            [lost] = set(had) - set(has)
            assert (lost["stream"], lost["height"]) == (scene.neighbour, 2)
            assert NEIGHBOUR.encode() in lost["value"]


def _value_of(gauge: Any) -> Callable[[], Awaitable[float]]:
    async def value() -> float:
        found: float = gauge._value.get()
        return found

    return value
