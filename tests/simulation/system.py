"""A whole system: log, database, copies of the API, projections; and one from which every seed begins."""

import asyncio
import contextlib
import copy
import json
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, Final

import msgspec
import structlog
from tests.simulation.database.connections import Network
from tests.simulation.database.server import Server
from tests.simulation.database.tables import TABLES, Access, Schema
from tests.simulation.logging_in_time import Brokers
from tests.simulation.processes import OPERATOR_KEY, Answered, ApiNode, Node, ProjectionNode, simulated
from tests.simulation.scheduling import SimulatedLoop

from patchbay.assistants import ids
from patchbay.eventlog.memory import MemoryLog
from patchbay.eventlog.record import StoredRecord
from patchbay.projection import Projection
from patchbay.projector.composition import PROJECTION as READ_MODEL
from patchbay.routing.composition import PROJECTION as ROUTING

PARTITIONS: Final = 2
LOG_ID: Final = "5" * 64
SLUGS: Final = ("my-team", "other-team")
_GIVEN_UP_SECONDS: Final = 500.0  # loop time; what a failed seed has left is let go of by then
PHONES: Final = ("+14155550100", "+14155550101", "+14155550102")

PROJECTIONS: Final = ("read_model", "routing")


class Beginning(msgspec.Struct):
    """What there is when a seed begins."""

    records: list[list[StoredRecord]]
    schemas: dict[str, Schema]
    keys: list[str]  # of each account
    assistants: list[list[str]]  # of each account


class System:
    """Everything of one seed."""

    def __init__(self, seed: int, beginning: Beginning | None) -> None:
        self.loop = SimulatedLoop(seed)  # type: ignore[abstract] # what of a loop is not simulated raises
        self.random = self.loop.random
        self.log = MemoryLog(PARTITIONS, log_id=LOG_ID, clock_ms=lambda: round(self.loop.time() * 1000))
        schemas = _empty_schemas()
        if beginning is not None:
            self.log._partitions = [list(records) for records in beginning.records]
            schemas = {name: dict(schema) for name, schema in beginning.schemas.items()}
        self.server = Server(schemas, self.loop.time)
        self.network = Network(self.loop, self.server)
        self.brokers = Brokers(self.loop, self.log)
        self.apis: list[ApiNode] = []
        self.projections: list[ProjectionNode] = []

    @property
    def nodes(self) -> Iterator[Node]:
        """Every process."""
        yield from self.apis
        yield from self.projections

    def add_api(self) -> ApiNode:
        """Start one more copy of the API."""
        node = ApiNode(self.loop, self.network, f"api-{len(self.apis)}")
        self.apis.append(node)
        node.start()
        return node

    def add_projection(self, projection: Projection[Any]) -> ProjectionNode:
        """Start one more process of a projection."""
        name = f"{projection.tables.projection}-{len(self.projections)}"
        node = ProjectionNode(self.loop, self.network, name, self.brokers, projection)
        self.projections.append(node)
        node.start()
        return node

    def swap_generation(self, projection: str) -> bool:
        """
        Make a new generation live, in one transaction, at the position of the old one; False if a commit is under way.

        Whoever projects the old one is fenced in the same transaction: else it could go on with the history, which is
        the new one's from here on.
        """
        generation = self.server.view().live(projection)
        if self.server.is_locked(f"{projection}_{generation}"):
            return False

        def swap(at: Access) -> None:
            old = self.server.schemas[f"{projection}_{generation}"]
            new: Schema = {name: dict(table) for name, table in old.items()}
            old["checkpoints"] = dict(old["checkpoints"])
            for partition, line in list(new["checkpoints"].items()):
                free = {"owner": None, "epoch": line["epoch"] + 1, "lease_until": float("-inf"), "backend_pid": None}
                new["checkpoints"][partition] = old["checkpoints"][partition] = {**line, **free}
            self.server.schemas[f"{projection}_{generation + 1}"] = new
            line = {"projection": projection, "generation": generation + 1}
            at.changes.writable("projection", "live")[projection] = line

        self.server.alter(swap)
        return True

    def caught_up(self) -> bool:
        """True if nothing is on its way to the log any more, and both projections show all of it."""
        if self.brokers.under_way:
            return False
        at = self.server.view()
        return all(
            line["next_offset"] == len(self.log.records(line["partition"]))
            for projection in ("read_model", "routing")
            for line in at.read(f"{projection}_{at.live(projection)}", "checkpoints").values()
        )

    async def until(self, condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        """Wait until the condition holds."""
        deadline = self.loop.time() + seconds
        while not condition():
            assert self.loop.time() < deadline, f"not within {seconds} s: {what}"
            await asyncio.sleep(0.02)

    async def end(self) -> None:
        """End every process, and see that nothing of it is left."""
        for node in self.nodes:
            node.stop.set()
            for process in node.lives:  # what is left of the dead comes to its end too, where it can do nothing
                self.loop.resume(process)
        self.network.trouble.is_away = True
        tasks = [task for node in self.nodes for task in node.tasks if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=30.0)


@contextmanager
def running(system: System) -> Iterator[Callable[[Coroutine[Any, Any, None]], None]]:
    """Let everything run on the system's loop; an error that nobody saw, or a task that is left, fails."""
    random.seed(system.random.random())  # what the processes' own code leaves to chance
    with simulated(system.loop, system.network, system.brokers):
        try:
            yield system.loop.run_until_complete
            left = [task for task in asyncio.all_tasks(system.loop) if not task.done()]
            assert not left, left
            assert not system.loop.unhandled, system.loop.unhandled
        except BaseException:
            _let_go(system)
            raise


def _let_go(system: System) -> None:
    """End all that a seed that failed has left: the failure is what is to be heard of, and nothing else."""
    ends: list[Callable[[], Coroutine[Any, Any, None]]] = [system.end]
    while ends:
        system.loop.unhandled.clear()
        with contextlib.suppress(Exception):
            system.loop.run_until_complete(ends.pop()())
        if asyncio.all_tasks(system.loop) and system.loop.time() < _GIVEN_UP_SECONDS:
            ends.append(partial(_cancel_all, system))


async def _cancel_all(system: System) -> None:
    tasks = [task for task in asyncio.all_tasks(system.loop) if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=30.0)
    await asyncio.sleep(1.0)  # what ends may begin something else


def _empty_schemas() -> dict[str, Schema]:
    schemas: dict[str, Schema] = {
        name if name == "history" else f"{name}_1": {table: {} for table in tables} for name, tables in TABLES.items()
    }
    live = {name: {"projection": name, "generation": 1} for name in PROJECTIONS}
    schemas["projection"] = {"live": live}
    return schemas


def read_json(answered: Answered) -> Any:
    """Return the body of an answer that must be 200."""
    assert answered.status == 200, answered.body
    return json.loads(answered.body)


async def set_up(system: System, made: Beginning) -> None:
    """Start one of each process, and make what every seed begins with."""
    system.add_projection(READ_MODEL)
    system.add_projection(ROUTING)
    api = system.add_api()
    await system.until(lambda: api.application is not None, "the API is up")
    by_operator = {"Authorization": f"Bearer {OPERATOR_KEY}"}

    async def post(path: str, **body: object) -> Any:
        return read_json(await api.ask("POST", path, by_operator, msgspec.json.encode(body)))

    for slug in SLUGS:
        await post("/api/accounts", accountSlug=slug, name=slug)
        issued = await post("/api/keys", accountSlug=slug, name="all", scopes=["*"])
        made.keys.append(issued["key"]["secret"])
        assistants = [await post("/api/assistants", accountSlug=slug, name=f"{slug} {n}") for n in range(2)]
        made.assistants.append([each["assistant"]["id"] for each in assistants])
    for phone in PHONES:
        await post("/api/phone-numbers", accountSlug=SLUGS[0], phoneNumber=phone)
    await system.until(system.caught_up, "the projections are there")


def _make_beginning() -> Beginning:
    system = System(0, None)
    beginning = Beginning([], {}, [], [])

    async def main() -> None:
        await set_up(system, beginning)
        await system.end()

    with structlog.testing.capture_logs(), running(system) as run:
        run(main())
    beginning.records = [list(system.log.records(partition)) for partition in range(PARTITIONS)]
    beginning.schemas = copy.copy(system.server.schemas)
    for projection in PROJECTIONS:
        checkpoints = beginning.schemas[f"{projection}_1"]["checkpoints"]
        for partition, line in list(checkpoints.items()):
            checkpoints[partition] = {**line, "lease_until": float("-inf")}
    return beginning


_beginnings: list[Beginning] = []


def beginning() -> Beginning:
    """Return what every seed begins with; made once."""
    if not _beginnings:
        _beginnings.append(_make_beginning())
    return _beginnings[0]


@cache
def account_ids() -> list[str]:
    """Return the ids of the accounts that clients are of."""
    return [ids.account_id(LOG_ID, slug) for slug in SLUGS]


@cache
def number_ids() -> list[str]:
    """Return the ids of the numbers that clients use."""
    return [ids.number_id(LOG_ID, phone) for phone in PHONES]
