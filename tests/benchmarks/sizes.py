"""Cost against size: a Patchbay with many assistants and events beside one with few, asked in turn."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Final

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from tests.benchmarks.generator import Load, run_load
from tests.benchmarks.installation import PARTITIONS, TOPIC, run_patchbay
from tests.benchmarks.rebuilding.filling import append_all, created, sealed
from tests.benchmarks.rows import NOT_WRITTEN, WRITTEN, Row, verdict_of
from tests.benchmarks.scenarios import creates, reads
from tests.benchmarks.sides import Side

from patchbay.assistants import ids
from patchbay.assistants.events import AccountOpened
from patchbay.eventlog import Head, LogIdentity, SealedRecord, open_log

GET_GOAL: Final = 1.2
WRITE_GOAL: Final = 1.1
SMALL: Final = 1_000
LARGE: Final = 1_000_000
_ASSISTANTS_OF_EACH: Final = 20
_SETTLE_SECONDS: Final = 0.3
_CALM_SECONDS: Final = 2.0  # after much was written, for what the servers do behind it
_LOOK_SECONDS: Final = 0.2
_SECONDS_AT_MOST: Final = 3_600.0
_POSITIONS: Final = "SELECT coalesce(sum(next_offset), 0) FROM {}.checkpoints"


Pairs = list[tuple[float, float]]  # the small one's and the large one's, of each round


class Step(msgspec.Struct, frozen=True):
    """One size, beside the small one; medians of the rounds."""

    assistants: int
    get_p50_ms: float
    write_p50_ms: float
    get_ratio: float  # of each round's pair
    write_ratio: float


def rows_of_sizes(steps: Sequence[Step], rounds: int) -> list[Row]:
    """Return the lines of the table, of the largest size."""
    last = steps[-1]
    is_large = last.assistants >= LARGE
    size, tries = f"{last.assistants:,}", f"median of {rounds} pairs"
    return [
        Row(
            what=f"GET p50, {size} assistants against {SMALL:,}",
            goal=f"<= {GET_GOAL}x, at 1,000,000",
            measured=f"{last.get_ratio:.2f}x",
            verdict=verdict_of(reached=last.get_ratio <= GET_GOAL) if is_large else "not judged",
            figures=f"{last.get_p50_ms:.2f} ms, {tries}",
            durability=NOT_WRITTEN,
        ),
        Row(
            what=f"write p50, {size} events against {SMALL:,}",
            goal=f"<= {WRITE_GOAL}x, at 1,000,000",
            measured=f"{last.write_ratio:.2f}x",
            verdict=verdict_of(reached=last.write_ratio <= WRITE_GOAL) if is_large else "not judged",
            figures=f"{last.write_p50_ms:.2f} ms, {tries}",
            durability=WRITTEN,
        ),
    ]


async def measure_sizes(
    directory: Path, sizes: Sequence[int], rounds: int, seconds: float, tell: Callable[[str], None]
) -> list[Step]:
    """Let one of two grow, and ask both at each size; the first step is the one that stays small."""
    tell("sizes: starting two of Patchbay")
    async with AsyncExitStack() as stack:
        both = [stack.enter_async_context(_filled(directory / name, tell)) for name in ("small", "large")]
        small, large = await asyncio.gather(*both)
        await small.grow(SMALL)
        steps: list[Step] = []
        for size in sizes:
            await large.grow(size)
            pairs = [await _pairs(small.side, large.side, load, rounds, seconds) for load in (reads(1), creates(1))]
            if not steps:
                steps.append(_step(SMALL, [[(ours, ours) for ours, _ in kind] for kind in pairs]))
            steps.append(_step(size, pairs))
        return steps


class Filled:
    """A Patchbay whose log is appended to from outside; an operator's key reads all of it."""

    def __init__(self, side: Side, identity: LogIdentity, tell: Callable[[str], None]) -> None:
        self.side = side
        self._identity = identity
        self._tell = tell
        self._assistants = 0
        self._kafka = side.environ["KAFKA_BOOTSTRAP_SERVERS"]

    async def grow(self, assistants: int) -> None:
        """Append until there are so many, and wait until both projections show them."""
        began_at = time.monotonic()
        names = [f"asst_{secrets.token_hex(13)}" for _ in range(self._assistants, assistants)]
        await append_all(self._kafka, self._identity, self._records(names))
        _add_lines(self.side.assistants_file, [f"{name} {self.side.operator_key}\n" for name in names])
        self._assistants = assistants
        await self._shown()
        await asyncio.sleep(_CALM_SECONDS)
        self._tell(f"sizes: {assistants:,} assistants in {self.side.name}, after {time.monotonic() - began_at:.0f} s")

    def _records(self, names: Sequence[str]) -> Iterator[SealedRecord]:
        for first in range(0, len(names), _ASSISTANTS_OF_EACH):
            slug = f"filled-{self._assistants + first}"
            account, heads = ids.account_id(self._identity.log_id, slug), dict[str, Head]()
            yield sealed(self._identity, heads, account, AccountOpened(account_id=account, slug=slug, name=slug))
            for name in names[first : first + _ASSISTANTS_OF_EACH]:
                yield sealed(self._identity, heads, account, created(name, account))

    async def _shown(self) -> None:
        end, deadline = await self._end(), time.monotonic() + _SECONDS_AT_MOST
        connection = await asyncpg.connect(self.side.environ["DATABASE_URL"])
        try:
            for schema in ("read_model_1", "routing_1"):
                while int(await connection.fetchval(_POSITIONS.format(schema))) < end:
                    if time.monotonic() > deadline:
                        raise SystemExit(f"{schema} does not get on")
                    await asyncio.sleep(_LOOK_SECONDS)
        finally:
            await connection.close()

    async def _end(self) -> int:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka, enable_auto_commit=False)
        await consumer.start()
        try:
            ends = await consumer.end_offsets([TopicPartition(TOPIC, each) for each in range(PARTITIONS)])
        finally:
            await consumer.stop()
        return sum(ends.values())


@asynccontextmanager
async def _filled(directory: Path, tell: Callable[[str], None]) -> AsyncIterator[Filled]:
    _make(directory)
    async with run_patchbay(directory, directory.name) as side:
        yield Filled(side, await open_log(side.environ["KAFKA_BOOTSTRAP_SERVERS"], TOPIC), tell)


def _step(size: int, pairs: Sequence[Pairs]) -> Step:
    gets, writes = pairs
    return Step(
        assistants=size,
        get_p50_ms=median(theirs for _, theirs in gets),
        write_p50_ms=median(theirs for _, theirs in writes),
        get_ratio=median(theirs / ours for ours, theirs in gets),
        write_ratio=median(theirs / ours for ours, theirs in writes),
    )


async def _pairs(small: Side, large: Side, load: Callable[[Side], Load], rounds: int, seconds: float) -> Pairs:
    """Return the p50 of the small and of the large one in milliseconds, of each round."""
    for side in (small, large):
        await run_load(side.base_url, load(side), 1)
    found = []
    for number in range(rounds):
        p50 = {}
        for side in (small, large) if number % 2 else (large, small):
            await asyncio.sleep(_SETTLE_SECONDS)
            p50[side.name] = (await run_load(side.base_url, load(side), seconds)).p50_us / 1000
        found.append((p50[small.name], p50[large.name]))
    return found


def _make(directory: Path) -> None:
    directory.mkdir()


def _add_lines(path: str, lines: Sequence[str]) -> None:
    with Path(path).open("a") as file:
        file.writelines(lines)
