"""What can go wrong, each kind a context that begins it and ends it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Final

import msgspec
from tests.chaos.proxies import Direction
from tests.chaos.system import BROKERS, CLIENTS, EVERYTHING, System
from tests.system.guarantees.cluster import APIS, POSTGRES, PROJECTOR, ROUTING, SERVICES

from patchbay.embedded import QUORUM, REPLICATION
from patchbay.eventlog.brokers import open_admin
from patchbay.eventlog.topic import describe_partitions

READY_SECONDS: Final = 120.0
FAKETIME: Final = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
BOTH: Final[tuple[Direction, ...]] = ("upstream", "downstream")


class Fault(msgspec.Struct, frozen=True):
    """One fault: its kind, whom it hits, how long it lasts."""

    kind: str
    target: str
    seconds: float


# How often each kind is in the deck that faults are drawn from.
DECK: Final = {
    "kill": 8,
    "freeze": 6,
    "leader lost": 2,
    "too few in sync": 2,
    "brokers apart": 2,
    "partition": 4,
    "deaf": 3,  # requests arrive, answers do not
    "dumb": 3,  # requests do not arrive
    "latency": 3,
    "reset": 3,
    "cut before the ack": 2,
    "cut after commit": 2,
    "notify lost": 2,
    "clock": 2,
    "rolling restart": 1,
}


def available(kind: str) -> bool:
    """True if this machine can do it."""
    return kind != "clock" or FAKETIME.exists()


def targets(kind: str) -> Sequence[str]:  # noqa: PLR0911 - one return per kind
    """Return whom this kind may hit: a process, or a link as `source>target`, where the target may be a prefix."""
    match kind:
        case "kill" | "freeze":
            return EVERYTHING
        case "leader lost" | "too few in sync" | "rolling restart":
            return ("kafka",) if kind != "rolling restart" else ("everything",)
        case "brokers apart":
            return [f"{listener}>{broker}" for broker in BROKERS for listener in (REPLICATION, QUORUM)]
        case "cut before the ack":
            return [f"{api}>kafka" for api in APIS]
        case "cut after commit":
            return [f"{name}>{POSTGRES}" for name in (PROJECTOR, ROUTING)]
        case "notify lost":
            return [f"{api}>{POSTGRES}" for api in APIS]
        case "clock":
            return APIS
        case _:
            links = [f"{name}>{server}" for name in SERVICES for server in ("kafka", POSTGRES)]
            return [*links, *(f"{CLIENTS}>{api}" for api in APIS), *(f"{api}>{BROKERS[0]}" for api in APIS)]


async def inflict(system: System, fault: Fault, chance: Random) -> None:
    """Begin the fault, let it last, and end it; what was killed is started again, and not waited for."""
    async with AsyncExitStack() as stack:
        match fault.kind:
            case "kill":
                await stack.enter_async_context(system.processes.killed(fault.target))
            case "leader lost":
                await stack.enter_async_context(system.processes.killed(await _leader(system, chance)))
            case "freeze":
                stack.enter_context(system.processes.frozen(fault.target))
            case "too few in sync":
                for broker in chance.sample(BROKERS, 2):
                    stack.enter_context(system.processes.frozen(broker))
            case "clock":
                offset = chance.choice(("+2h", "-1h"))
                environ = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
                await stack.enter_async_context(system.processes.replaced(fault.target, environ))
            case "rolling restart":
                await _roll(system)
            case _:
                source, _, target = fault.target.partition(">")
                for link in system.proxies.of(source, target):
                    await stack.enter_async_context(_poisoned(system, link, fault.kind, chance))
        await asyncio.sleep(fault.seconds)  # the fault itself, and no wait for anything


@contextlib.asynccontextmanager
async def _poisoned(system: System, link: str, kind: str, chance: Random) -> AsyncIterator[None]:
    toxic, directions, attributes = _toxic(kind, chance)
    async with AsyncExitStack() as stack:
        for direction in directions:
            await system.proxies.poison(link, toxic, direction, attributes)
            stack.push_async_callback(system.proxies.heal, link, toxic, direction)
        yield


def _toxic(kind: str, chance: Random) -> tuple[str, tuple[Direction, ...], dict[str, int]]:
    match kind:
        case "partition" | "brokers apart":
            return "timeout", BOTH, {"timeout": 0}
        case "deaf" | "notify lost":
            return "timeout", ("downstream",), {"timeout": 0}
        case "dumb":
            return "timeout", ("upstream",), {"timeout": 0}
        case "latency":
            latency_ms = chance.choice((20, 100, 400))
            return "latency", BOTH, {"latency": latency_ms, "jitter": latency_ms // 2}
        case "reset":
            return "reset_peer", ("downstream",), {"timeout": 0}
        case "cut before the ack" | "cut after commit":
            # What was asked has been done; the first byte of the answer ends the connection.
            return "limit_data", ("downstream",), {"bytes": 0}
    raise AssertionError(f"no toxic does {kind}")


async def _leader(system: System, chance: Random) -> str:
    """Return a broker that leads a partition now."""
    async with open_admin(system.cluster.kafka) as admin:
        partitions = await describe_partitions(admin, (await system.cluster.identity()).topic)
    return f"kafka-{max(1, chance.choice(partitions)['leader'])}"


async def _roll(system: System) -> None:
    """Restart everything in order, one after the other, each when the one before is ready."""
    for name in EVERYTHING:
        async with system.processes.replaced(name):
            pass
        async with asyncio.timeout(READY_SECONDS):
            while not await system.processes.is_ready(name):
                await asyncio.sleep(0.1)
