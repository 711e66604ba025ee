"""Who has the faults happen: drawn from a seed, alone or together, each with its time and what came after it."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final

import msgspec
from tests.chaos.faults import DECK, Fault, available, inflict, targets
from tests.chaos.probing import Probe
from tests.chaos.system import System, Tell

ALONE: Final = 0.3  # of all rounds; in the others two or three faults overlap
RECOVERY_SECONDS: Final = 90.0  # then it has not recovered
APART_SECONDS: Final = 2.0  # at most, between the beginnings of faults in one round
SHORT_RUN_SECONDS: Final = 600.0
NOTHING_LONGER_SECONDS: Final = (6.0, 60.0)  # in a short run, in a long one


class Entry(msgspec.Struct):
    """A fault that has happened; times in seconds of the clock of the history."""

    number: int
    round: int
    kind: str
    target: str
    began: float
    ended: float
    company: int  # faults in the same round
    recovered_seconds: float = -1.0  # from the end of the round's last fault until every API had written again


class Nemesis:
    """Has faults happen, round after round."""

    def __init__(self, system: System, probe: Probe, chance: Random, *, seconds: float, tell: Tell) -> None:
        self._system = system
        self._probe = probe
        self._chance = chance
        self._seconds = seconds
        self._longest = NOTHING_LONGER_SECONDS[seconds > SHORT_RUN_SECONDS]
        self._tell = tell
        self._faults = self._draw()
        self.journal: list[Entry] = []
        self.rounds = 0

    async def work(self) -> None:
        """
        Have faults happen until the time is up, and restart everything in order at the end.

        Raises:
            TimeoutError: Writes did not come back.
        """
        ends_at = time.monotonic() + self._seconds
        while time.monotonic() < ends_at:
            self.rounds += 1
            await self._round(self.rounds, self._gather())
            await asyncio.sleep(self._chance.uniform(0.2, 0.6))
        self.rounds += 1
        await self._round(self.rounds, [Fault("rolling restart", "everything", 0.0)])

    async def _round(self, number: int, faults: Sequence[Fault]) -> None:
        delays = [0.0, *(self._chance.uniform(0, APART_SECONDS) for _ in faults[1:])]
        entries = await asyncio.gather(
            *(self._one(fault, delay, number, len(faults)) for fault, delay in zip(faults, delays, strict=True))
        )
        healed_at = max(entry.ended for entry in entries)
        try:
            recovered_seconds = await self._probe.recovery(healed_at, RECOVERY_SECONDS)
        finally:
            self.journal += entries
        for entry in entries:
            entry.recovered_seconds = recovered_seconds
        named = ", ".join(f"{e.kind} of {e.target} for {e.ended - e.began:.1f} s" for e in entries)
        self._tell(f"round {number}: {named}; all write again after {recovered_seconds:.1f} s")

    async def _one(self, fault: Fault, delay: float, number: int, company: int) -> Entry:
        chance = Random(self._chance.random())  # whatever happens beside it, it is the same again
        await asyncio.sleep(delay)
        began = time.monotonic()
        await inflict(self._system, fault, chance)
        return Entry(
            number=len(self.journal) + 1,
            round=number,
            kind=fault.kind,
            target=fault.target,
            began=began,
            ended=time.monotonic(),
            company=company,
        )

    def _gather(self) -> Sequence[Fault]:
        """Return the faults of one round: none twice on the same process, and a rolling restart alone."""
        wanted = 1 if self._chance.random() < ALONE else self._chance.choice((2, 3))
        found = [next(self._faults)]
        while len(found) < wanted and found[0].kind not in _ALONE_KINDS:
            more = next(self._faults)
            if more.kind in _ALONE_KINDS or any(_meet(more, one) for one in found):
                break
            found.append(more)
        return found

    def _draw(self) -> Iterator[Fault]:
        """Yield faults for ever: every kind of the deck before the next one is shuffled, every target in its turn."""
        turns = {kind: self._shuffled(targets(kind)) for kind in DECK}
        while True:
            for kind in self._chance.sample(list(DECK), counts=list(DECK.values()), k=sum(DECK.values())):
                if available(kind) and (kind != "rolling restart" or self._seconds > SHORT_RUN_SECONDS):
                    if not turns[kind]:
                        turns[kind] = self._shuffled(targets(kind))
                    yield Fault(kind, turns[kind].pop(), self._duration(kind))

    def _shuffled(self, names: Sequence[str]) -> list[str]:
        return self._chance.sample(list(names), len(names))

    def _duration(self, kind: str) -> float:
        """Return how long it lasts: mostly short, seldom long; a kill hardly at all, as if somebody watched."""
        if kind in ("kill", "leader lost", "rolling restart"):
            return 0.0
        return float(min(self._longest, 1.0 + self._chance.expovariate(1 / 3.0 if self._longest < 10 else 1 / 4.0)))


_ALONE_KINDS: Final = ("rolling restart", "leader lost", "too few in sync")


def _meet(one: Fault, other: Fault) -> bool:
    return bool({one.target, *one.target.split(">")} & {other.target, *other.target.split(">")})


def write_journal(path: Path, journal: Sequence[Entry]) -> None:
    """Keep the faults, a line of JSON each."""
    path.write_bytes(b"".join(msgspec.json.encode(entry) + b"\n" for entry in journal))
