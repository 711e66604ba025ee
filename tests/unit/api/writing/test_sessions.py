"""A log that refuses, loses sessions, or keeps silent."""

import asyncio
from collections.abc import Callable, Sequence
from secrets import token_hex

import pytest
from tests.unit.api.writing.copies import create, rename
from tests.unit.api.writing.virtual_time import in_virtual_time
from tests.unit.api.writing.world import World, turns, until

from patchbay.api.writing.outcomes import Contended, Pending, Unavailable
from patchbay.assistants.rejections import AssistantNotFound
from patchbay.eventlog import OutcomeUnknown, SealedRecord, Verdict
from patchbay.eventlog.contract import MAX_GROUP_BYTES, Appender
from patchbay.eventlog.memory import Fault, MemoryAppender


class Between:
    """An appender that lets a test see and disturb what goes through it."""

    def __init__(self, memory: Appender, disturb: Callable[[Sequence[SealedRecord]], None] = lambda _: None) -> None:
        self._memory = memory
        self._disturb = disturb
        self.groups: list[Sequence[SealedRecord]] = []
        self.lands_only: int | None = None  # how many records of the next group land before it fails
        self.failing: list[asyncio.Future[None]] = []

    @property
    def session(self) -> int:
        return self._memory.session

    @property
    def healthy(self) -> bool:
        return self._memory.healthy

    @property
    def clock_skew_seconds(self) -> float:
        return self._memory.clock_skew_seconds

    def on_session_end(self, callback: Callable[[int, str], None]) -> None:
        self._memory.on_session_end(callback)

    def append(self, records: Sequence[SealedRecord], *, session: int) -> asyncio.Future[None]:
        self.groups.append(records)
        self._disturb(records)
        if self.lands_only is None:
            return self._memory.append(records, session=session)
        self._memory.append(records[: self.lands_only], session=session)
        self.lands_only = None
        self.failing.append(asyncio.get_running_loop().create_future())
        return self.failing[-1]


@in_virtual_time
async def test_nothing_is_chained_on_the_records_of_another_session() -> None:
    """What it had acknowledged gets its verdict first; until then the database is left in peace."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        first = copy.execute(create(world.account(), "asst_1"))
        await until(lambda: world.appended() == 2)
        await turns()
        copy.appender.end_session()
        loads = world.loads
        second = copy.execute(create(world.account(), "asst_2"))
        await asyncio.wait([second], timeout=1)
        appended, looked = world.appended(), world.loads - loads
        world.paused = False

        assert [w.height for w in await asyncio.gather(first, second)] == [2, 3]
        assert (appended, looked) == (2, 0)
        assert world.envelopes()[2].base.height == 2


@in_virtual_time
async def test_a_session_that_ends_while_a_state_is_loaded_is_not_written_in() -> None:
    """Nor is what was decided for it thrown away: it is decided again for the next one."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.loading.clear()
        write = copy.execute(create(world.account(), "asst_1"))
        await turns()
        copy.appender.end_session()
        world.loading.set()
        started = asyncio.get_running_loop().time()

        assert (await write).height == 2
        assert asyncio.get_running_loop().time() - started < 0.015  # no try was wasted on the old one
        assert world.appended() == 2


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.ACK_LOST, Fault.DELAYED, Fault.NOT_SENT, Fault.SKIPPED])
@in_virtual_time
async def test_no_record_is_ever_sent_twice(fault: Fault) -> None:
    """What is decided again is sealed again."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.log.inject(fault, count=3)
        await asyncio.gather(*(copy.execute(create(world.account(), f"asst_{n}")) for n in range(5)))
        world.log.land_delayed()
        ids = [envelope.digest for envelope in world.envelopes()]

        assert len(ids) == len(set(ids))


@in_virtual_time
async def test_what_a_lost_session_forgot_is_decided_again_in_its_order_of_arrival() -> None:
    """What rested on a forgotten record keeps its place, and what comes later its own."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.log.inject(Fault.REFUSED)
        first = copy.execute(create(world.account(), "asst_1", "A"))
        unchanged = copy.execute(rename("asst_1", "A"))
        too_early = copy.execute(rename("asst_2", "B"))
        second = copy.execute(create(world.account(), "asst_2"))
        await until(lambda: copy.appender.session == 2)
        third = copy.execute(create(world.account(), "asst_3"))
        with pytest.raises(AssistantNotFound):
            await too_early

        assert [w.height for w in await asyncio.gather(first, second, third)] == [2, 3, 4]
        assert (await unchanged).event is None
        assert (await unchanged).position == (await first).position  # what it rests on is visible from there on


@in_virtual_time
async def test_what_lost_a_race_is_decided_before_what_came_later() -> None:
    """However long the pause before it is."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        world.rival()
        first = copy.execute(create(world.account(), "asst_1"))
        await until(lambda: world.appended() == 3)
        world.loading.clear()
        world.paused = False
        await until(lambda: world.verdicts[Verdict.VOID] == 1)
        await until(lambda: not copy.writer._streams[world.account()]._run)
        second = copy.execute(create(world.account(), "asst_2"))
        await turns()
        world.loading.set()

        assert [w.height for w in await asyncio.gather(first, second)] == [3, 4]


@in_virtual_time
async def test_after_a_lost_race_one_event_is_appended_and_then_twice_as_many_at_each_win() -> None:
    """So that copies which contend stop voiding each other's long runs."""
    world = World()
    appenders: list[Between] = []

    def watch(memory: MemoryAppender) -> Appender:
        appenders.append(Between(memory))
        return appenders[0]

    async with world.projecting(), world.copy(watch) as copy:
        await copy.open_account()
        world.paused = True
        world.rival()
        writes = [copy.execute(create(world.account(), f"asst_{n}")) for n in range(12)]
        await until(lambda: world.appended() == 14)
        world.paused = False
        await asyncio.gather(*writes)
        sizes = [len(group) for group in appenders[0].groups]

        assert sizes[1:4] == [12, 1, 2]
        assert sum(sizes[2:]) == 12


@in_virtual_time
async def test_a_write_that_always_loses_is_contended() -> None:
    """After a few tries, each of one record, and with nothing left behind."""
    world = World()

    def outrun(records: Sequence[SealedRecord]) -> None:
        if records[0].height > 1:
            world.rival()

    async with world.projecting(), world.copy(lambda memory: Between(memory, outrun)) as copy:
        await copy.open_account()
        with pytest.raises(Contended):
            await copy.execute(create(world.account(), "asst_1"), command_id="a" * 64)
        world.project()

        assert world.verdicts[Verdict.VOID] == 12
        assert not world.accepted("a" * 64)
        await until(lambda: not copy.writer._streams and not copy.settler.watched)


@pytest.mark.parametrize("session_ends", [True, False])
@in_virtual_time
async def test_a_log_that_refuses_is_asked_ever_less_often(session_ends: bool) -> None:  # noqa: FBT001 - a parameter
    """Each try costs the database a look."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.log.inject(Fault.NOT_SENT, count=1000)
        copy.appender.healthy = session_ends
        loads = world.loads
        writes = [copy.execute(create(world.account(), f"asst_{n}"), seconds=4) for n in range(20)]
        answers = await asyncio.gather(*writes, return_exceptions=True)

        assert all(isinstance(answer, Unavailable) for answer in answers)
        assert world.loads - loads <= 12
        await until(lambda: not copy.settler.watched, seconds=1)


@in_virtual_time
async def test_a_log_that_is_back_is_written_to_at_once_at_the_next_refusal() -> None:
    """The pause starts small again after a success."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.routing_paused = True
        one = create(world.account(), "asst_1")
        with pytest.raises(Pending):
            await copy.execute(one, command_id="a" * 64, seconds=0.05, changes_routing=True)
        again = copy.execute(one, command_id="a" * 64, seconds=100, changes_routing=True)
        await until(lambda: world.replays == 1)  # which keeps the stream at work
        for _ in range(8):
            world.log.inject(Fault.NOT_SENT)
            started = asyncio.get_running_loop().time()
            await copy.execute(create(world.account(), token_hex(4)))

            assert asyncio.get_running_loop().time() - started < 0.1
        world.routing_paused = False
        await again


@in_virtual_time
async def test_records_that_never_left_are_not_watched() -> None:
    """Nor held by the write they were decided for."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.log.inject(Fault.NOT_SENT, count=1000)
        write = copy.execute(create(world.account(), "asst_1"), seconds=5)
        await asyncio.sleep(3)
        (attempt,) = copy.writer._attempts.values()
        held, watched = len(attempt.sent), copy.settler.watched
        world.log._faults.clear()
        await write

        assert held == 0
        assert watched <= 1


@in_virtual_time
async def test_a_group_that_fails_after_a_part_of_it_was_accepted_decides_the_rest_again() -> None:
    """The verdict overtakes the failure: what is accepted stays so, the rest must not stick in the run."""
    world = World()
    appenders: list[Between] = []

    def watch(memory: MemoryAppender) -> Appender:
        appenders.append(Between(memory))
        return appenders[0]

    async with world.projecting(), world.copy(watch) as copy:
        await copy.open_account()
        appenders[0].lands_only = 2
        ids = [token_hex(32) for _ in range(3)]
        writes = [copy.execute(create(world.account(), i[:6]), command_id=i) for i in ids]
        await asyncio.wait(writes, timeout=0.1)
        answered = [write.done() for write in writes]
        appenders[0].failing[0].set_exception(OutcomeUnknown("timeout"))
        heights = [w.height for w in await asyncio.gather(*writes)]

        assert answered == [True, True, False]
        assert heights == [2, 3, 4]
        assert [len(world.accepted(i)) for i in ids] == [1, 1, 1]


@in_virtual_time
async def test_large_records_travel_in_groups_that_the_log_takes() -> None:
    """And no more of them are pending than a run may hold."""
    world = World()
    appenders: list[Between] = []

    def watch(memory: MemoryAppender) -> Appender:
        appenders.append(Between(memory))
        return appenders[0]

    async with world.projecting(), world.copy(watch) as copy:
        await copy.open_account()
        world.paused = True
        writes = [copy.execute(create(world.account(), f"asst_{n}", "x" * 350_000)) for n in range(8)]
        await asyncio.wait(writes, timeout=1)
        pending = sum(record.size_bytes for group in appenders[0].groups[1:] for record in group)
        world.paused = False
        answers = await asyncio.gather(*writes)
        sizes = [sum(record.size_bytes for record in group) for group in appenders[0].groups]

        assert [a.height for a in answers] == list(range(2, 10))
        assert pending <= 1_400_000
        assert max(sizes) <= MAX_GROUP_BYTES
