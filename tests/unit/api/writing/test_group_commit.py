"""What a copy of the API promises while it writes: nothing lost, nothing twice, nothing said too early."""

import asyncio
from secrets import token_hex

import pytest
from tests.unit.api.writing.copies import assign, create, rename, unassign
from tests.unit.api.writing.virtual_time import in_virtual_time
from tests.unit.api.writing.world import World, until

from patchbay.api.writing.outcomes import Contended, KeyReused, OutcomeUnknown, Pending, Unavailable, Write, Written
from patchbay.assistants.commands import OpenAccount
from patchbay.assistants.events import AccountOpened, AssistantCreated, AssistantUpdated
from patchbay.assistants.ids import number_id
from patchbay.assistants.rejections import AccountExists, AssistantNotFound
from patchbay.assistants.states import Account
from patchbay.eventlog import Verdict
from patchbay.eventlog.memory import Fault


@in_virtual_time
async def test_a_write_that_is_answered_is_in_the_log_once() -> None:
    """Its event is accepted, and the answer shows the state after it."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        written = await copy.open_account()

        assert isinstance(written.event, AccountOpened)
        assert [a.envelope.height for a in world.history[world.account()]] == [1]
        assert isinstance(written.state, Account)
        assert written.state.slug == "my-team"


@in_virtual_time
async def test_commands_that_wait_together_are_decided_on_few_snapshots() -> None:
    """A hundred creates of one account chain on each other instead of waiting for each other."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.loads = 0
        answers = await asyncio.gather(*(copy.execute(create(world.account(), f"asst_{n}")) for n in range(100)))

        assert sorted(a.height for a in answers) == list(range(2, 102))
        assert world.verdicts[Verdict.ACCEPTED] == 101
        assert world.verdicts[Verdict.VOID] == 0
        assert world.loads < 20


@in_virtual_time
async def test_a_command_is_decided_on_what_is_pending() -> None:
    """An assistant that nobody can see yet is renamed, and holds a number that is taken off it again."""
    world = World()
    number = number_id(world.identity.log_id, "+14155550100")
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        await copy.register(number, "+14155550100")
        world.paused = True
        commands = (
            create(world.account(), "asst_1"),
            rename("asst_1", "B"),
            assign("asst_1", number),
            unassign(number),
        )
        before = world.appended()
        writes = []
        for length, command in enumerate(commands, start=1):
            writes.append(copy.execute(command))
            await until(lambda length=length: world.appended() == before + length)  # type: ignore[misc]
        world.paused = False

        assert [w.height for w in await asyncio.gather(*writes)] == [2, 3, 4, 5]


@in_virtual_time
async def test_nothing_is_answered_before_it_is_projected() -> None:
    """An acknowledgement is no verdict."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        write = copy.execute(create(world.account(), "asst_1"))
        await until(lambda: world.appended() == 2)
        await asyncio.wait([write], timeout=0.05)
        early = write.done()
        world.paused = False

        assert not early
        assert (await write).height == 2


@in_virtual_time
async def test_what_changes_routing_waits_for_the_routing_table_too() -> None:
    """Else the next call could go where the answer says it does not."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.routing_paused = True
        write = copy.execute(create(world.account(), "asst_1"), changes_routing=True)
        await until(lambda: world.head(world.account()).height == 2)
        await asyncio.wait([write], timeout=0.05)
        early = write.done()
        world.routing_paused = False

        assert not early
        assert (await write).height == 2


@in_virtual_time
async def test_a_rejection_on_a_pending_state_waits_for_its_verdict() -> None:
    """The pending parent may turn void, and the rejection with it."""
    world = World()
    account = world.account()
    async with world.projecting(), world.copy() as copy:
        world.paused = True
        first = copy.execute(OpenAccount(account_id=account, slug="my-team", name="One"), stream=account)
        await until(lambda: world.appended() == 1)
        second = copy.execute(OpenAccount(account_id=account, slug="my-team", name="Two"), stream=account)
        await asyncio.wait([second], timeout=0.05)
        early = second.done()
        world.paused = False

        assert not early
        assert (await first).event is not None
        with pytest.raises(AccountExists):
            await second


@in_virtual_time
async def test_a_rejection_whose_parent_turns_void_is_decided_again() -> None:
    """A rename that was rejected on a pending state without its assistant succeeds once another copy's create won."""
    world = World()
    account = world.account()
    async with world.copy() as one, world.copy() as two:
        async with world.projecting():
            await one.open_account()
        slow = one.execute(create(account, "asst_slow"))
        await until(lambda: world.appended() == 2)
        rejected_for_now = one.execute(rename("asst_fast", "B"))
        # A record of another copy that took the height first: put before by hand, since the log only appends.
        fast = two.execute(create(account, "asst_fast"))
        await until(lambda: world.appended() == 3)
        partition = world.log._partitions[world.identity.partition_of(account)]
        partition[2], partition[3] = partition[3], partition[2]
        async with world.projecting():
            await asyncio.gather(slow, fast)
            renamed = await rejected_for_now

    assert isinstance(renamed.event, AssistantUpdated)


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.ACK_LOST, Fault.DELAYED, Fault.NOT_SENT, Fault.SKIPPED])
@in_virtual_time
async def test_a_lost_session_decides_its_commands_again_and_each_takes_effect_once(fault: Fault) -> None:
    """Under the same ids: whichever record of a command is accepted, no second one is."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.log.inject(fault)
        ids = [token_hex(32) for _ in range(5)]
        writes = [
            copy.execute(create(world.account(), f"asst_{n}"), command_id=command) for n, command in enumerate(ids)
        ]
        answers = await asyncio.gather(*writes)
        world.log.land_delayed()
        world.project()

        assert all(isinstance(a.event, AssistantCreated) for a in answers)
        assert [len(world.accepted(command)) for command in ids] == [1] * 5
        assert world.verdicts[Verdict.BROKEN] == 0


@in_virtual_time
async def test_two_copies_racing_on_one_account_lose_nothing_and_repeat_nothing() -> None:
    """Every answer is in the log exactly once, and nothing else is accepted."""
    world = World(seed=3)
    async with world.projecting(), world.copy() as one, world.copy() as two:
        await one.open_account()
        ids = [token_hex(32) for _ in range(200)]
        answers = await asyncio.gather(
            *(
                (one, two)[n % 2].execute(create(world.account(), f"asst_{n}"), command_id=command)
                for n, command in enumerate(ids)
            ),
            return_exceptions=True,
        )
        answered = {i for i, a in zip(ids, answers, strict=True) if isinstance(a, Written)}

        assert answered
        assert all(isinstance(a, Written | Contended) for a in answers)
        assert [len(world.accepted(command)) for command in answered] == [1] * len(answered)
        assert world.verdicts[Verdict.ACCEPTED] == 1 + len(answered)
        assert world.verdicts[Verdict.BROKEN] == 0


@in_virtual_time
async def test_a_repetition_gets_the_first_answer_and_has_no_effect_of_its_own() -> None:
    """By its command id, while the first is under way and ever after."""
    world = World()
    command = token_hex(32)
    async with world.projecting(), world.copy() as one, world.copy() as two:
        await one.open_account()
        first, joined = (one.execute(create(world.account(), "asst_1"), command_id=command) for _ in range(2))
        elsewhere = two.execute(create(world.account(), "asst_2"), command_id=command)
        answers = await asyncio.gather(first, joined, elsewhere)
        later = await one.execute(create(world.account(), "asst_3"), command_id=command)

        assert len({a.height for a in [*answers, later]}) == 1
        assert later.replayed
        assert len(world.accepted(command)) == 1


@in_virtual_time
async def test_a_command_id_that_stands_for_another_request_is_refused() -> None:
    """While it is under way and after."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        command = token_hex(32)
        await copy.execute(create(world.account(), "asst_1"), command_id=command)
        other = Write(
            stream=world.account(),
            command=create(world.account(), "asst_9"),
            command_id=command,
            request_digest="1" * 64,
            actor="key_test",
        )
        with pytest.raises(KeyReused):
            await copy.writer.execute(other, deadline=asyncio.get_running_loop().time() + 5)


@in_virtual_time
async def test_a_write_that_nobody_projects_is_pending_and_settles_later() -> None:
    """It is in the log: the reference tells its verdict once the projector is back."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.paused = True
        with pytest.raises(Pending) as pending:
            await copy.execute(create(world.account(), "asst_1"), seconds=0.1)
        before = await copy.writer.look_up(pending.value.reference)
        world.paused = False
        await until(lambda: world.head(world.account()).height == 2)
        after = await copy.writer.look_up(pending.value.reference)

        assert (before.status, after.status) == ("pending", "accepted")


@in_virtual_time
async def test_a_delayed_record_is_an_unknown_outcome_until_its_height_is_taken() -> None:
    """Nothing definite is said while the record may still land."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.log.inject(Fault.DELAYED, count=1000)
        with pytest.raises(OutcomeUnknown) as unknown:
            await copy.execute(create(world.account(), "asst_1"), seconds=0.1)
        world.log._faults.clear()
        await copy.execute(create(world.account(), "asst_2"))
        await copy.execute(create(world.account(), "asst_3"))
        world.log.land_delayed()
        status = await copy.writer.look_up(unknown.value.reference)
        world.project()

        assert status.status == "void"
        assert not world.accepted(unknown.value.reference.command_id)


@in_virtual_time
async def test_a_log_that_takes_nothing_is_unavailable() -> None:
    """Nothing was sent, and nothing ever will be."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        world.log.inject(Fault.NOT_SENT, count=1000)
        with pytest.raises(Unavailable):
            await copy.execute(create(world.account(), "asst_1"), seconds=0.1)
        world.log._faults.clear()
        world.project()

        assert world.verdicts[Verdict.ACCEPTED] == 1


@in_virtual_time
async def test_an_idle_copy_keeps_nothing() -> None:
    """Streams and records that are done with are let go."""
    world = World()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account()
        with pytest.raises(AssistantNotFound):
            await copy.execute(rename("asst_none", "X"))
        await copy.execute(create(world.account(), "asst_1"))
        await until(lambda: not copy.writer._streams)

        assert not copy.writer._attempts
