"""Real calls, answered by a real SIP router, while who answers changes and while processes die."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

import msgspec
from tests.servers import eventually
from tests.system.guarantees.accounts import Team, open_team
from tests.system.guarantees.cluster import KAFKA, POSTGRES, ROUTING, Cluster
from tests.system.guarantees.folding import read_log
from tests.system.guarantees.tables import differences, differences_in_memory
from tests.system.telephony.changing import Changer
from tests.system.telephony.router import VOICE_HOST, Router
from tests.system.telephony.sip import Caller, open_caller
from tests.system.telephony.sipp import Expected, call_each, calling_on
from tests.thoroughness import breath, rounds

TEAMS = 4
CHANGERS = 16
ROUNDS = rounds(2, 5)
CHANGES_A_ROUND = 13  # of each changer
CALLS_PER_LINE = 4
LOAD_CALLS_PER_SECOND = 50
CHANGES_BETWEEN = rounds(30, 60)
CALLS_IN_OUTAGE = 150
RECOVERY_SECONDS = 30.0
REST_SECONDS = breath(0.1)
SEED = 11

Directory = Callable[[str], Path]
Figure = Callable[[str], None]


class Steady(msgspec.Struct):
    """Numbers that nobody changes, with what calls to them are told, and one that nobody calls."""

    expected: list[Expected]
    quiet: Expected


class Stage(msgspec.Struct):
    """Who changes, who calls, and what stays as it is."""

    changers: list[Changer]
    steady: Steady
    caller: Caller

    @property
    def changes(self) -> int:
        """How many changes were answered with 200."""
        return sum(changer.changes for changer in self.changers)

    @property
    def calls_by_copy(self) -> int:
        """How many calls after a change's 200 were answered by the router's copy."""
        return sum(changer.calls_by_copy for changer in self.changers)

    def faults(self) -> list[str]:
        """Return every call that went elsewhere than it should."""
        return [fault for changer in self.changers for fault in changer.faults]

    def expected(self) -> list[Expected]:
        """Return what a call to each number is told now."""
        return [*(one for changer in self.changers for one in changer.expected()), *self.steady.expected]


async def steady_lines(team: Team) -> Steady:
    """Register numbers whose calls go to an assistant, to a fallback or nowhere."""
    assistant = await team.assistant(inbound_enabled=True)
    numbers = [await team.number() for _ in range(12)]
    held = [number_id for number_id, _ in numbers[:7]]
    path = f"/api/assistants/{assistant}/telephony/phone-numbers"
    await team.client.written(0, "PATCH", path, {"accountSlug": team.slug, "phoneNumberIds": held})
    for number_id, _ in numbers[7:10]:
        body = {"accountSlug": team.slug, "fallback": "+14155550199"}
        await team.client.written(0, "PATCH", f"/api/phone-numbers/{number_id}", body)
    routed = [(phone_number, 302, f"sip:{assistant}@{VOICE_HOST}") for _, phone_number in numbers[:7]]
    redirected = [(phone_number, 302, "tel:+14155550199") for _, phone_number in numbers[7:10]]
    refused = [(phone_number, 480, None) for _, phone_number in numbers[10:]]
    return Steady([*routed[1:], *redirected, *refused], routed[0])


@asynccontextmanager
async def staged(cluster: Cluster, router: Router) -> AsyncIterator[Stage]:
    """Give everybody, prepared."""
    async with AsyncExitStack() as stack:
        teams = [await stack.enter_async_context(open_team(cluster)) for _ in range(TEAMS)]
        operator = await stack.enter_async_context(cluster.operator())
        caller = await stack.enter_async_context(open_caller(router.port))
        changers = [Changer(teams[n % TEAMS], operator, caller, Random(SEED + n)) for n in range(CHANGERS)]
        await asyncio.gather(*(changer.prepare() for changer in changers))
        yield Stage(changers, await steady_lines(teams[0]), caller)


async def test_every_call_goes_where_the_last_answered_change_says(
    cluster: Cluster, router: Router, sipp_directory: Directory, figure: Figure
) -> None:
    """Whoever got a 200 may rely on it: the next INVITE to any number concerned is answered by that change."""
    began_at = time.monotonic()
    successful = failed = 0
    async with staged(cluster, router) as stage:

        async def change_on(changer: Changer) -> None:
            for _ in range(CHANGES_A_ROUND):
                await changer.change()

        async with calling_on(
            sipp_directory("load"), router.port, stage.steady.expected, rate=LOAD_CALLS_PER_SECOND
        ) as load:
            for number in range(ROUNDS):
                await asyncio.gather(*(change_on(changer) for changer in stage.changers))
                directory = sipp_directory(f"round-{number}")
                calls = await call_each(directory, router.port, stage.expected(), times=CALLS_PER_LINE)
                successful, failed = successful + calls.successful, failed + calls.failed
                assert calls.failed == 0, calls.errors
        called = sum(changer.calls for changer in stage.changers)
    seconds = time.monotonic() - began_at
    figure(
        f"{stage.changes} changes in {seconds:.0f} s; {called} INVITEs sent after a change's 200, and "
        f"{successful + load.calls.successful} calls of SIPp: {len(stage.faults())} stale or wrong, "
        f"{failed + load.calls.failed} failed"
    )

    assert stage.changes >= ROUNDS * 200
    assert called >= ROUNDS * 200
    assert stage.faults() == []
    assert load.calls.successful > 0
    assert load.calls.failed == 0, load.calls.errors


async def test_calls_are_routed_on_through_kill_9_and_the_table_catches_up(
    cluster: Cluster, router: Router, sipp_directory: Directory, figure: Figure
) -> None:
    """Of the routing process, Kafka and Postgres in turn, while calls come in and changes go on."""
    stop = asyncio.Event()

    async def change_on(changer: Changer) -> None:
        while not stop.is_set():
            await changer.change()
            await asyncio.sleep(REST_SECONDS)

    async with staged(cluster, router) as stage:
        async with (
            calling_on(sipp_directory("load"), router.port, stage.steady.expected, rate=LOAD_CALLS_PER_SECOND) as load,
            asyncio.TaskGroup() as group,
        ):
            for changer in stage.changers:
                group.create_task(change_on(changer))
            for victim in (ROUTING, KAFKA, POSTGRES):
                await _changes_go_on(stage)
                by_copy = await _call_through_outage(cluster, victim, stage, figure)
                assert (by_copy > 0) == (victim == POSTGRES)
            by_copy_then = stage.calls_by_copy
            await _changes_go_on(stage)
            by_copy_since = stage.calls_by_copy - by_copy_then
            stop.set()
        calls = await call_each(sipp_directory("after"), router.port, stage.expected(), times=CALLS_PER_LINE)
        await cluster.catch_up()
        log = await read_log(cluster.kafka)
        in_doubt = sum(changer.tries_in_doubt for changer in stage.changers)
        figure(
            f"{stage.changes} changes, {in_doubt} tries without a 200; calls after a 200 that the copy answered: "
            f"{stage.calls_by_copy}; SIPp: {load.calls.successful + calls.successful} calls, "
            f"{load.calls.failed + calls.failed} failed"
        )

        assert stage.faults() == []
        assert by_copy_since == 0  # Postgres was back
        assert load.calls.failed == 0, load.calls.errors
        assert calls.failed == 0, calls.errors
        assert in_doubt > 0
        assert await differences(log, cluster.database_url) == []
        assert await differences_in_memory(log, cluster.kafka) == []


async def _call_through_outage(cluster: Cluster, victim: str, stage: Stage, figure: Figure) -> int:
    """Kill a process, call while it is away, start it again; return how many calls the copy has answered."""
    by_copy, slowest = 0, 0.0
    async with cluster.without(victim):
        numbers = [*stage.steady.expected, stage.steady.quiet] if victim == POSTGRES else stage.steady.expected
        for call in range(CALLS_IN_OUTAGE):
            phone_number, *told = numbers[-1 - call % len(numbers)]
            called_at = time.monotonic()
            answer = await stage.caller.invite(phone_number)
            slowest = max(slowest, time.monotonic() - called_at)
            assert list(answer.told) == told, (victim, answer)
            by_copy += answer.is_of_copy
    figure(f"{victim} away: {CALLS_IN_OUTAGE} calls, {by_copy} by the copy, slowest {slowest * 1000:.0f} ms")
    return by_copy


async def _changes_go_on(stage: Stage) -> None:
    """Wait until so many more changes were answered with 200, some of every changer's."""
    begun = [changer.changes for changer in stage.changers]

    def is_so() -> bool:
        gained = [changer.changes - before for changer, before in zip(stage.changers, begun, strict=True)]
        return sum(gained) >= CHANGES_BETWEEN and min(gained) > 0

    await eventually(is_so, RECOVERY_SECONDS)
