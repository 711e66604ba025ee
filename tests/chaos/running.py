"""One run: clients and faults for its time, then every check."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from random import Random
from typing import Final

import msgspec
from tests.chaos.checks.agreement import disagreements, lag_seconds, replay_differences, unverified
from tests.chaos.checks.deadlines import late_answers
from tests.chaos.checks.isolation import crossed_answers, crossed_events, crossed_rows
from tests.chaos.checks.linearity import lines, not_linearizable
from tests.chaos.checks.numbers import held_twice
from tests.chaos.checks.promises import broken_promises, outcome, tally
from tests.chaos.checks.restoring import restore_differences
from tests.chaos.checks.sessions import stale_reads
from tests.chaos.clients import Actor, Ground
from tests.chaos.history import History, keep_history
from tests.chaos.nemesis import Nemesis, write_journal
from tests.chaos.probing import probing
from tests.chaos.report import Figures, by_kind, recoveries
from tests.chaos.settling import settle
from tests.chaos.system import System, Tell, run_system
from tests.system.guarantees.accounts import open_team
from tests.system.guarantees.folding import Log, read_log
from tests.system.guarantees.tables import differences, differences_in_memory

CLIENTS: Final = 80
TEAMS_AT_ONCE: Final = 20
OPENING: Final = 8  # clients that open the accounts, at the same time
SHIFT_SECONDS: Final = 100.0  # then the clients go to other accounts: a history is checked as a whole

Violations = dict[str, list[str]]


class Plan(msgspec.Struct, frozen=True):
    """What is to be run."""

    seed: int
    minutes: float
    directory: Path


async def run(plan: Plan, tell: Tell) -> tuple[Figures, Violations]:
    """
    Run everything, and check it.

    Raises:
        EmbeddedError: A server cannot be run.
        ProgramMissing: A program in Go cannot be built.
    """
    with keep_history(plan.directory / "history.jsonl") as history:
        async with run_system(plan.directory, seed=plan.seed, tell=tell) as system:
            return await _run(plan, system, history, tell)


async def _run(plan: Plan, system: System, history: History, tell: Tell) -> tuple[Figures, Violations]:
    chance = Random(plan.seed)
    actors = [Actor(number, history, Random(f"{plan.seed}.{number}")) for number in range(CLIENTS + 3)]
    *clients, first, second, closer = actors
    shifts = max(1, math.ceil(plan.minutes * 60 / SHIFT_SECONDS))
    violations: Violations = {"writes go on after every fault": []}
    async with AsyncExitStack() as stack:
        tell(f"opening {shifts * TEAMS_AT_ONCE + 1} accounts")
        grounds = await _open_all(system, stack, clients[:OPENING], shifts * TEAMS_AT_ONCE + 1)
        for ground, other in zip(grounds, [*grounds[1:], grounds[0]], strict=True):
            ground.foreign_assistant = other.assistants[0]
        async with probing(grounds[-1], [first, second]) as probe:
            nemesis = Nemesis(system, probe, chance, seconds=plan.minutes * 60, tell=tell)
            stop = asyncio.Event()
            working = asyncio.create_task(_work(clients, grounds[:-1], stop))
            try:
                await nemesis.work()
            except TimeoutError:
                violations["writes go on after every fault"] = [f"not after that of round {nemesis.rounds}"]
            except asyncio.CancelledError:
                working.cancel()  # somebody has pressed Ctrl-C
                raise
            finally:
                write_journal(plan.directory / "journal.jsonl", nemesis.journal)
                stop.set()
                await asyncio.wait([working])
            await working
        tell("settling what was left open")
        await settle(history, {ground.team.account_id: ground for ground in grounds}, closer)
        lag = await _lag(system, violations)
    tell("reading the log")
    log = await read_log(system.cluster.kafka)
    violations |= await _check(plan, system, history, log, tell)
    violations["requests end in time"] = late_answers(history, nemesis.journal)
    figures = Figures(
        seed=plan.seed,
        minutes=plan.minutes,
        requests=len(history.calls),
        outcome=outcome(history),
        answers=dict(tally(history).most_common()),
        records=dict(log.verdicts),
        faults=len(nemesis.journal),
        faults_by_kind=by_kind(nemesis.journal),
        recovery=recoveries(nemesis.journal),
        ended_by_themselves=system.processes.endings(),
        lag_seconds=lag,
        violations={check: len(found) for check, found in violations.items()},
    )
    return figures, violations


async def _open_all(system: System, stack: AsyncExitStack, actors: Sequence[Actor], count: int) -> list[Ground]:
    grounds: list[Ground] = []

    async def work(actor: Actor, share: range) -> None:
        for _ in share:
            ground = Ground(await stack.enter_async_context(open_team(system.cluster)))
            await actor.establish(ground)
            grounds.append(ground)

    async with asyncio.TaskGroup() as group:
        for number, actor in enumerate(actors):
            group.create_task(work(actor, range(number, count, len(actors))))
    return grounds


async def _work(clients: Sequence[Actor], grounds: Sequence[Ground], stop: asyncio.Event) -> None:
    """Have the clients work, a shift on each handful of accounts, the last one until `stop` is set."""
    for begin in range(0, len(grounds), TEAMS_AT_ONCE):
        is_last = begin + TEAMS_AT_ONCE >= len(grounds)
        over = stop if is_last else asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for number, client in enumerate(clients):
                group.create_task(client.work(grounds[begin + number % TEAMS_AT_ONCE], over))
            if not is_last:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), SHIFT_SECONDS)
                over.set()
        if stop.is_set():
            return


async def _lag(system: System, violations: Violations) -> float:
    try:
        violations["the lag returns to zero"] = []
        return await lag_seconds(system)
    except AssertionError as failure:
        violations["the lag returns to zero"] = [str(failure)]
        return math.inf


async def _check(plan: Plan, system: System, history: History, log: Log, tell: Tell) -> Violations:
    url, kafka = system.cluster.database_url, system.cluster.kafka

    async def pure(check: Callable[[], list[str]]) -> list[str]:
        return await asyncio.to_thread(check)

    checks: dict[str, Callable[[], Awaitable[list[str]]]] = {
        "each answer is true of the log": lambda: pure(lambda: broken_promises(history, log)),
        "clients see what they wrote and saw": lambda: pure(lambda: stale_reads(history)),
        "a number has one assistant at every prefix": lambda: pure(lambda: held_twice(log.accepted)),
        "no answer crosses accounts": lambda: pure(lambda: crossed_answers(history)),
        "no event crosses accounts": lambda: pure(lambda: crossed_events(log)),
        "no row crosses accounts": lambda: crossed_rows(url),
        "every table is a fold of the log": lambda: differences(log, url),
        "routing in memory is a fold of the log": lambda: differences_in_memory(log, kafka),
        "all readers give the same verdicts": lambda: disagreements(system, log),
        "the verifier finds the log whole": lambda: unverified(system),
        "a replay from zero is as the live tables": lambda: replay_differences(system),
        "an import of an export has the same tables": lambda: restore_differences(system),
        "each account is linearizable": lambda: not_linearizable(lines(history, log), plan.directory),
    }
    found = {}
    for name, check in checks.items():
        tell(f"checking: {name}")
        try:
            found[name] = await check()
        except Exception as failure:  # noqa: BLE001 - a check that cannot be made has not been passed; others go on
            found[name] = [f"could not be checked: {failure!r}"]
    return found
