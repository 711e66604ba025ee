"""What is measured, and what ratio is the goal."""

import itertools
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Final, Literal

import msgspec
from tests.benchmarks.generator import Figures, Load
from tests.benchmarks.sides import ACCOUNTS, Side

_runs = itertools.count()  # so that no run repeats what another has sent


class Measure(msgspec.Struct, frozen=True):
    """One figure of a run."""

    name: str
    unit: Literal["/s", "ms"]
    value: Callable[[Figures], float]
    goal: float | None = None  # Patchbay's figure divided by CRUD's: at least for /s, at most for ms

    def reaches(self, ratio: float) -> bool | None:
        """Whether the goal is reached; None if there is none."""
        if self.goal is None:
            return None
        return ratio >= self.goal if self.unit == "/s" else ratio <= self.goal


class Scenario(msgspec.Struct, frozen=True):
    """One kind of load."""

    name: str  # for --only
    title: str
    load: Callable[[Side], Load]
    measures: tuple[Measure, ...]
    writes: bool


def _creates(connections: int, accounts: int = ACCOUNTS) -> Callable[[Side], Load]:
    return lambda side: Load("create.lua", (side.accounts_file(accounts),), connections)


def _reads(connections: int) -> Callable[[Side], Load]:
    return lambda side: Load("read.lua", (side.assistants_file, str(next(_runs))), connections)


def _updates(connections: int) -> Callable[[Side], Load]:
    def load(side: Side) -> Load:
        account = side.accounts[0]
        assistant_id = _first_assistant(side, account.key)
        return Load("update.lua", (account.slug, account.key, assistant_id, str(next(_runs))), connections)

    return load


def _first_assistant(side: Side, key: str) -> str:
    """Return the first assistant of one account; where keys are not asked for, the first of all would do as well."""
    with Path(side.assistants_file).open() as lines:
        return next(line.split()[0] for line in lines if line.split()[1] == key)


def _throughput(goal: float | None = None) -> tuple[Measure, ...]:
    return (Measure("throughput", "/s", attrgetter("per_second"), goal),)


def _latency(p50_goal: float | None = None, p99_goal: float | None = None) -> tuple[Measure, ...]:
    return (
        Measure("p50", "ms", lambda figures: figures.p50_us / 1000, p50_goal),
        Measure("p99", "ms", lambda figures: figures.p99_us / 1000, p99_goal),
    )


SCENARIOS: Final = (
    Scenario("create", f"create, 64 connections, {ACCOUNTS} accounts", _creates(64), _throughput(0.9), writes=True),
    Scenario("create-256", f"create, 256 connections, {ACCOUNTS} accounts", _creates(256), _throughput(), writes=True),
    Scenario("create-one", "create, 64 connections, 1 account", _creates(64, accounts=1), _throughput(), writes=True),
    Scenario("read", "GET by random id, 64 connections", _reads(64), _throughput(2.5), writes=False),
    Scenario("update", "PATCH of one assistant, 64 connections", _updates(64), _throughput(), writes=True),
    Scenario("create-1", "create, 1 connection", _creates(1), _latency(), writes=True),
    Scenario("update-1", "PATCH, 1 connection", _updates(1), _latency(), writes=True),
    Scenario("read-1", "GET by random id, 1 connection", _reads(1), _latency(), writes=False),
)
