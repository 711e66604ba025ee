"""What is measured over HTTP, on which sides, and what ratio is the goal."""

import itertools
from collections import defaultdict
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Final, Literal

import msgspec
from tests.benchmarks.generator import Figures, Load
from tests.benchmarks.sides import ACCOUNTS, Side

_runs = itertools.count()  # so that no run repeats what another has sent
_runs_of_side: defaultdict[str, "itertools.count[int]"] = defaultdict(itertools.count)

US: Final = "patchbay"
EVERYBODY: Final = ("crud", US, "fastapi", "eventsourcing", "emmett")


class Goal(msgspec.Struct, frozen=True):
    """Patchbay's figure divided by another side's: at least this for /s, at most this for ms."""

    against: str
    factor: float


class Measure(msgspec.Struct, frozen=True):
    """One figure of a run."""

    name: str
    unit: Literal["/s", "ms"]
    value: Callable[[Figures], float]
    goals: tuple[Goal, ...] = ()

    def reaches(self, goal: Goal, ratio: float) -> bool:
        """Return whether the goal is reached."""
        return ratio >= goal.factor if self.unit == "/s" else ratio <= goal.factor


class Scenario(msgspec.Struct, frozen=True):
    """One kind of load."""

    name: str  # for --only
    title: str
    sides: tuple[str, ...]
    load: Callable[[Side], Load]
    measures: tuple[Measure, ...]
    writes: bool
    is_quick: bool = True  # part of the short run, too

    def is_held_against(self, side: str) -> bool:
        """Return whether a goal is about this side."""
        against = {goal.against for measure in self.measures for goal in measure.goals}
        return bool(against) and side in {US, *against}


def creates(connections: int, accounts: int = ACCOUNTS) -> Callable[[Side], Load]:
    """Return what creates assistants, each for the next account."""
    return lambda side: Load("create.lua", (side.accounts_file(accounts),), connections)


def reads(connections: int) -> Callable[[Side], Load]:
    """Return what reads assistants by random ids."""
    return lambda side: Load("read.lua", (side.assistants_file, str(next(_runs))), connections)


def updates(connections: int) -> Callable[[Side], Load]:
    """Return what changes one assistant again and again."""

    def load(side: Side) -> Load:
        account = side.accounts[0]
        assistant_id = _first_assistant(side, account.key)
        return Load("update.lua", (account.slug, account.key, assistant_id, str(next(_runs))), connections)

    return load


def _updates_of_any(side: Side) -> Load:
    run = str(next(_runs))
    return Load("update_any.lua", (side.assistants_file, run), 64)


def _assigns(side: Side) -> Load:
    """Give numbers to assistants. Runs of a side take turns, so that none begins with what the last one left."""
    turn = "one" if next(_runs_of_side[side.name]) % 2 else "both"
    return Load("assign.lua", (side.units_file, turn), 64)


def _lookups(side: Side) -> Load:
    return Load("lookup.lua", (side.numbers_file, str(next(_runs))), 64)


def _first_assistant(side: Side, key: str) -> str:
    """Return the first assistant of one account; where keys are not asked for, the first of all would do as well."""
    with Path(side.assistants_file).open() as lines:
        return next(line.split()[0] for line in lines if line.split()[1] == key)


def _throughput(*goals: Goal) -> tuple[Measure, ...]:
    return (Measure("throughput", "/s", attrgetter("per_second"), goals),)


def _latency(p50: float | None = None, p99: float | None = None) -> tuple[Measure, ...]:
    return (
        Measure("p50", "ms", lambda figures: figures.p50_us / 1000, _against_crud(p50)),
        Measure("p99", "ms", lambda figures: figures.p99_us / 1000, _against_crud(p99)),
    )


def _against_crud(factor: float | None) -> tuple[Goal, ...]:
    return () if factor is None else (Goal("crud", factor),)


_WRITE: Final = _latency(p50=2.5, p99=3.0)
_READ: Final = _throughput(Goal("crud", 3.0), Goal("constant", 0.5))
_CRUD: Final = ("crud", US)

SCENARIOS: Final = (
    Scenario("create", "create, 64 connections", EVERYBODY, creates(64), _throughput(Goal("crud", 1.5)), writes=True),
    Scenario("create-256", "create, 256 connections", _CRUD, creates(256), _throughput(Goal("crud", 2.0)), writes=True),
    Scenario(
        "create-one",
        "create, 64 connections, 1 account",
        _CRUD,
        creates(64, accounts=1),
        _throughput(),
        writes=True,
        is_quick=False,
    ),
    Scenario(
        "update",
        "PATCH of one assistant, 64 connections",
        ("crud", US, "eventsourcing"),
        updates(64),
        _throughput(Goal("crud", 3.0)),
        writes=True,
    ),
    Scenario(
        "update-any",
        "PATCH of random assistants, 64 connections",
        EVERYBODY,
        _updates_of_any,
        _throughput(),
        writes=True,
    ),
    Scenario(
        "assign", "PATCH of numbers, 64 connections", _CRUD, _assigns, _throughput(Goal("crud", 1.0)), writes=True
    ),
    Scenario("read", "GET by random id, 64 connections", (*EVERYBODY, "constant"), reads(64), _READ, writes=False),
    Scenario(
        "lookup",
        "routing look-up, 64 connections",
        (US, "constant"),
        _lookups,
        _throughput(Goal("constant", 0.6)),
        writes=False,
    ),
    Scenario("create-1", "create, 1 connection", _CRUD, creates(1), _WRITE, writes=True),
    Scenario("update-1", "PATCH, 1 connection", _CRUD, updates(1), _WRITE, writes=True),
    Scenario("read-1", "GET by random id, 1 connection", _CRUD, reads(1), _latency(p50=1.0), writes=False),
)
