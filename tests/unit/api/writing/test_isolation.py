"""One command's, one stream's or one client's trouble stays its own, and nothing is kept for those who have gone."""

import asyncio
from collections.abc import Mapping

import pytest
import structlog
from tests.unit.api.writing.copies import Copy, assign, create, rename, unassign
from tests.unit.api.writing.virtual_time import in_virtual_time
from tests.unit.api.writing.world import World, turns, until

from patchbay.api.writing import admission, settling
from patchbay.api.writing.outcomes import OutcomeUnknown, Pending, Unavailable
from patchbay.api.writing.snapshot import Loaded, Wanted
from patchbay.api.writing.standings import Standing
from patchbay.assistants.commands import Command, RegisterNumber
from patchbay.assistants.events import NumbersAssigned
from patchbay.assistants.ids import number_id
from patchbay.assistants.rejections import AssistantNotFound
from patchbay.eventlog import Verdict
from patchbay.eventlog.memory import Fault

_POISONS = {
    "not_of_this_stream": RegisterNumber(number_id="pn_1", phone_number="+14155550100", account_id="acct_1"),
    "too_large_a_record": create("acct_1", "asst_big", "x" * 600_000),
}


class Unreadable(World):
    """A database whose answers are beyond understanding, as often as is asked for."""

    bad_loads = bad_reads = 0

    async def load(self, wanted: Wanted) -> Loaded:
        if self.bad_loads:
            self.bad_loads -= 1
            raise RuntimeError("what is this?")
        return await super().load(wanted)

    async def read(self, lowest: Mapping[str, int]) -> Mapping[str, Standing]:
        if self.bad_reads:
            self.bad_reads -= 1
            raise RuntimeError("what is this?")
        return await super().read(lowest)


class Holed(World):
    """A database that leaves out who holds a number."""

    async def load(self, wanted: Wanted) -> Loaded:
        empty: frozenset[str] = frozenset()
        return await super().load(Wanted(wanted.stream, wanted.command_ids, wanted.assistants, empty, empty))


async def two_numbers(world: World, copy: Copy) -> list[str]:
    """Open the account with two assistants and two numbers."""
    await copy.open_account()
    phones = ["+14155550100", "+14155550101"]
    numbers = [number_id(world.identity.log_id, phone) for phone in phones]
    await asyncio.gather(*map(copy.register, numbers, phones))
    await asyncio.gather(*(copy.execute(create(world.account(), f"asst_{n}")) for n in "AB"))
    return numbers


@pytest.mark.parametrize("poison", _POISONS.values(), ids=_POISONS)
@in_virtual_time
async def test_a_command_that_cannot_be_decided_ends_alone_and_at_once(poison: Command) -> None:
    """Those before and behind it in the same batch go on."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        with structlog.testing.capture_logs() as logs:
            before = copy.execute(create(world.account(), "asst_1"))
            poisoned = copy.execute(poison)
            behind = copy.execute(create(world.account(), "asst_2"))
            with pytest.raises(Unavailable):
                await asyncio.wait_for(poisoned, 1)

            assert [w.height for w in await asyncio.gather(before, behind)] == [2, 3]
            assert [log["event"] for log in logs] == ["command_not_decided"]
            assert world.loads <= 3


@in_virtual_time
async def test_a_part_that_nobody_can_load_ends_its_command_alone() -> None:
    """It is not waited for again and again."""
    world = Holed()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        before = copy.execute(create(world.account(), "asst_1"))
        lacking = copy.execute(unassign("pn_1"))
        behind = copy.execute(create(world.account(), "asst_2"))
        with structlog.testing.capture_logs(), pytest.raises(Unavailable):
            await asyncio.wait_for(lacking, 1)

        assert [w.height for w in await asyncio.gather(before, behind)] == [2, 3]


@in_virtual_time
async def test_a_part_that_a_pending_event_names_is_waited_for() -> None:
    """Who holds the number by now was not known when the snapshot was asked for; order is kept meanwhile."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        numbers = await two_numbers(world, copy)
        world.paused = True
        before = world.appended()
        assigned = copy.execute(assign("asst_A", *numbers))
        await until(lambda: world.appended() > before)
        unassigned = copy.execute(unassign(numbers[0]))
        behind = copy.execute(create(world.account(), "asst_C"))
        loads = world.loads
        await asyncio.wait([unassigned, behind], timeout=1)
        appended, looked = world.appended() - before, world.loads - loads
        world.paused = False
        answers = await asyncio.gather(assigned, unassigned, behind)

        assert [a.height for a in answers] == [4, 5, 6]
        assert (appended, looked) == (1, 1)
        assert isinstance(answers[1].event, NumbersAssigned)
        assert [n.number_id for n in answers[1].event.numbers] == numbers[1:]


@in_virtual_time
async def test_two_numbers_taken_off_at_once_are_both_gone() -> None:
    """The second is decided on what the first leaves."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        numbers = await two_numbers(world, copy)
        await copy.execute(assign("asst_A", *numbers))
        loads = world.loads
        await asyncio.gather(*(copy.execute(unassign(number)) for number in numbers))
        moved = await copy.execute(assign("asst_B", *numbers, reassign=False))

        assert moved.event is not None
        assert world.loads - loads == 2


@in_virtual_time
async def test_what_the_database_should_not_say_ends_a_batch_and_no_stream() -> None:
    """Whoever waited is answered at once; the next write goes through, and verdicts are told."""
    world = Unreadable()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.bad_loads = world.bad_reads = 1
        with structlog.testing.capture_logs():
            with pytest.raises(Unavailable):
                await asyncio.wait_for(copy.execute(create(world.account(), "asst_1")), 1)
            written = await copy.execute(create(world.account(), "asst_2"))

        assert (world.bad_loads, world.bad_reads) == (0, 0)
        assert written.height == 2


@in_virtual_time
async def test_a_database_that_is_away_is_said_so_at_once_and_asked_again_later() -> None:
    """Clients that come back meanwhile do not make it worse."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.database_failure = OSError("away")
        loads = world.loads
        with structlog.testing.capture_logs():
            with pytest.raises(Unavailable):
                await asyncio.wait_for(copy.execute(create(world.account(), "asst_1")), 0.1)
            world.database_failure = None

            assert (await copy.execute(create(world.account(), "asst_2"))).height == 2
        assert world.loads - loads == 2


@in_virtual_time
async def test_verdicts_are_told_without_anybody_calling_for_them() -> None:
    """A notification is a hint."""
    world = World()
    async with world.copy() as copy:
        for n in range(3):
            write = copy.open_account() if n == 0 else copy.execute(create(world.account(), f"asst_{n}"))
            task = asyncio.ensure_future(write)
            await until(lambda n=n: world.appended() == n + 1)  # type: ignore[misc]
            ears, world.ears = world.ears, []
            world.project()
            world.ears = ears
            await asyncio.wait_for(task, 0.2)
            await asyncio.sleep(10)  # idle for long: the next verdict is not told any later


@in_virtual_time
async def test_an_idle_copy_keeps_nothing() -> None:
    """Whatever the writes came to."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        with pytest.raises(AssistantNotFound):
            await copy.execute(rename("asst_none", "X"))
        await copy.execute(create(world.account(), "asst_1", "A"), command_id="a" * 64)
        await copy.execute(rename("asst_1", "A"))
        await copy.execute(create(world.account(), "asst_1", "A"), command_id="a" * 64)
        world.log.inject(Fault.DELAYED, count=1000)
        with pytest.raises(OutcomeUnknown):
            await copy.execute(create(world.account(), "asst_2"), seconds=0.1)
        await until(lambda: not copy.writer._streams and not copy.settler.watched, seconds=1.1)

        assert not copy.writer._attempts
        assert not copy.settler._streams


@in_virtual_time
async def test_a_late_verdict_does_not_let_go_of_a_stream_that_is_at_work_again() -> None:
    """Two writers of one stream would not know of each other's runs."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.log.inject(Fault.DELAYED, count=1000)
        with pytest.raises(OutcomeUnknown):
            await copy.execute(create(world.account(), "asst_1"), seconds=0.01)
        await until(lambda: not copy.writer._streams, seconds=0.1)
        world.log._faults.clear()
        world.loading.clear()
        write = copy.execute(create(world.account(), "asst_2"))
        await turns()
        at_work = copy.writer._streams[world.account()]
        watched = copy.settler.watched
        world.rival()
        await until(lambda: not copy.settler.watched, seconds=0.1)
        still_at_work = copy.writer._streams.get(world.account())
        world.loading.set()

        assert watched == 1
        assert still_at_work is at_work
        assert (await write).height == 3


@in_virtual_time
async def test_a_thousand_streams_at_once_are_all_answered() -> None:
    """Each in its turn."""
    world = World(partitions=4)
    async with world.projecting(), world.copy() as copy:
        slugs = [f"team-{n}" for n in range(1000)]
        answers = await asyncio.gather(*(copy.open_account(slug, world.account(slug)) for slug in slugs))

        assert {a.height for a in answers} == {1}
        assert world.verdicts[Verdict.ACCEPTED] == 1000
        await until(lambda: not copy.writer._streams and not copy.settler.watched)


@in_virtual_time
async def test_a_run_holds_no_more_than_one_lost_race_may_void() -> None:
    """The rest waits, and costs nothing meanwhile."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        writes = [copy.execute(create(world.account(), f"asst_{n}")) for n in range(600)]
        await asyncio.wait(writes, timeout=2)
        appended, loads = world.appended(), world.loads
        world.paused = False

        assert sorted(w.height for w in await asyncio.gather(*writes)) == list(range(2, 602))
        assert appended == 1 + 256
        assert loads <= 1 + 5


@in_virtual_time
async def test_beyond_what_may_wait_nothing_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes under way and records without verdict are both bounded."""
    monkeypatch.setattr(admission, "WAITING_WRITES", 3)
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        writes = [copy.execute(create(world.account(), f"asst_{n}"), seconds=0.1) for n in range(3)]
        await turns()
        with pytest.raises(Unavailable):
            await copy.execute(create(world.account(), "asst_3"))
        answers = await asyncio.gather(*writes, return_exceptions=True)
        monkeypatch.setattr(settling, "WATCHED_RECORDS", 3)
        with pytest.raises(Unavailable):
            await copy.execute(create(world.account(), "asst_4"))
        monkeypatch.setattr(settling, "WATCHED_RECORDS", 4)
        monkeypatch.setattr(settling, "WATCHED_BYTES", 1000)
        with pytest.raises(Unavailable):
            await copy.execute(create(world.account(), "asst_4"))
        world.paused = False
        await until(lambda: not copy.settler.watched)
        late = await copy.execute(create(world.account(), "asst_5"))

        assert all(isinstance(answer, Pending) for answer in answers)
        assert late.height == 5


@in_virtual_time
async def test_a_copy_whose_clock_is_off_sends_nothing() -> None:
    """Time must follow height."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        copy.appender.clock_skew_seconds = -3.0
        with pytest.raises(Unavailable):
            await copy.execute(create(world.account(), "asst_1"))

        assert world.appended() == 1


@in_virtual_time
async def test_closing_answers_whoever_waits() -> None:
    """And leaves no task behind, whatever each was waiting for."""
    world = World()
    async with world.projecting():
        async with world.copy() as copy:
            await copy.open_account()
            world.routing_paused = True
            command = "a" * 64
            with pytest.raises(Pending):
                await copy.execute(
                    create(world.account(), "asst_1"), command_id=command, seconds=0.1, changes_routing=True
                )
            replayed = copy.execute(create(world.account(), "asst_1"), command_id=command, changes_routing=True)
            await until(lambda: world.replays == 1)
            world.loading.clear()
            loading = [copy.execute(create(world.account(), f"asst_{n}")) for n in range(100)]
            await turns()
            closed_at = asyncio.get_running_loop().time()
        answers = await asyncio.gather(replayed, *loading, return_exceptions=True)

    assert asyncio.get_running_loop().time() - closed_at < 0.1
    assert isinstance(answers[0], Pending)
    assert all(isinstance(answer, Unavailable) for answer in answers[1:])
