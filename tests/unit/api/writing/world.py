"""The writing engine without servers: a log in memory, and the fold of it as the database would show it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from tests.unit.api.writing.copies import Copy
from tests.unit.api.writing.ears import Ear
from tests.unit.api.writing.fold import Fold

from patchbay.api.writing import standings
from patchbay.api.writing.outcomes import CommandReference, CommandStatus, Position, State, Written
from patchbay.api.writing.remembering import Memory
from patchbay.api.writing.settling import Settler
from patchbay.api.writing.snapshot import Loaded, Wanted
from patchbay.api.writing.standings import Standing
from patchbay.api.writing.surroundings import Surroundings
from patchbay.api.writing.writer import Writer
from patchbay.assistants.states import Account, Number, OwnedNumber
from patchbay.eventlog.contract import Appender
from patchbay.eventlog.memory import MemoryAppender

_HEARD_AT_ONCE = 0.8


class World(Fold):
    """One log, its fold, and the copies of the API that write to it; what is slow or broken is set from outside."""

    def __init__(self, *, seed: int = 0, partitions: int = 2) -> None:
        super().__init__(seed=seed, partitions=partitions)
        self.paused = False  # the projector
        self.routing_paused = False
        self.loading = asyncio.Event()  # cleared: no snapshot is answered
        self.loading.set()
        self.settling = asyncio.Event()  # cleared: no verdict is told
        self.settling.set()
        self.database_failure: Exception | None = None
        self.quarantined: dict[str, frozenset[str]] = {}
        self.loads = 0
        self.replays = 0
        self.ears: list[Ear] = []
        self.announcing = False  # copies hear what is accepted

    def project(self) -> None:
        """Fold what is new in the log, and tell every copy."""
        if not self.paused:
            self.fold_until({})
        if not self.routing_paused:
            self.routed_heights = {stream: head.height for stream, head in self.heads.items()}
        fresh, self.fresh = self.fresh, []
        shown = [a for a in fresh if "read_model" not in self.quarantined.get(a.envelope.stream, ())]
        for ear in self.ears:
            ear.announce(shown)
            if not self.announcing or self.random.random() < _HEARD_AT_ONCE:
                ear.hear()

    # What the engine asks its database.

    async def load(self, wanted: Wanted) -> Loaded:
        """Return the stream as it is projected, after some turns of the loop."""
        self.loads += 1
        await self._turns()
        known = self.commands.get(wanted.stream, {})
        partition = self.identity.partition_of(wanted.stream)
        loaded = Loaded(
            head=self.head(wanted.stream),
            state=self._part(wanted),
            commands={command: known[command] for command in wanted.command_ids if command in known},
            quarantined_in=self.quarantined.get(wanted.stream, frozenset()),
            position=Position(partition, self._offsets[partition]),
        )
        await self._turns()
        await self.loading.wait()
        return loaded

    def _part(self, wanted: Wanted) -> State:
        state = self.state(wanted.stream)
        if not isinstance(state, Account):
            return state
        held = {number: holding for number, holding in state.holders.items() if holding}
        holders = {number: held.get(number) for number in wanted.numbers | wanted.holders_of}
        of_whom = (
            wanted.holdings_of | wanted.numbers_of | {h.assistant_id for n in wanted.holders_of if (h := holders[n])}
        )
        holders.update({number: holding for number, holding in held.items() if holding.assistant_id in of_whom})
        numbers = wanted.numbers | {n for n, holding in held.items() if holding.assistant_id in wanted.numbers_of}
        there = [assistant for assistant in state.assistants.values() if assistant is not None]
        named = {name: tuple(sorted(one.id for one in there if one.name == name)) for name in wanted.names}
        assistants = wanted.assistants | {held[n].assistant_id for n in wanted.holders_of if n in held}
        assistants |= {one for having in named.values() for one in having[:2]}
        return Account(
            id=state.id,
            slug=state.slug,
            name=state.name,
            created_at=state.created_at,
            assistants={assistant: state.assistants.get(assistant) for assistant in assistants},
            holders=holders,
            numbers={number: self._owned(number, state.id) for number in numbers},
            keys={key: state.keys.get(key) for key in wanted.keys},
            named=named,
        )

    def _owned(self, number_id: str, account: str) -> OwnedNumber | None:
        number = self.state(number_id)
        if not isinstance(number, Number) or number.account_id != account or number.phone_number is None:
            return None
        return OwnedNumber(
            id=number.id, phone_number=number.phone_number, registration=number.registration, status=number.status
        )

    async def read(self, lowest: Mapping[str, int]) -> Mapping[str, Standing]:
        """Return what the settler asks for."""
        await self._turns()
        shown = {stream: self._standing(stream, low) for stream, low in lowest.items()}
        await self._turns()
        await self.settling.wait()
        return shown

    def _standing(self, stream: str, low: int) -> Standing:
        head = self.head(stream)
        return Standing(
            height=head.height,
            stopped_at=None if head.stopped_by is None else head.height,
            routing_height=self.routed_heights.get(stream, 0),
            quarantined="read_model" in self.quarantined.get(stream, ()),
            routing_quarantined="routing" in self.quarantined.get(stream, ()),
            accepted={
                a.envelope.height: standings.Accepted(a.envelope.digest, a.position)
                for a in self.history.get(stream, [])[low - 1 :]
            },
        )

    async def replay(self, stream: str, height: int, *, routed: bool) -> Written:
        """Return the effect of an accepted event."""
        await self._turns()
        if routed:
            await self.routed(stream, height)
        a = self.history[stream][height - 1]
        return Written(event=a.event, state=a.state, height=height, position=a.position, replayed=True)

    async def routed(self, stream: str, height: int) -> None:
        """Return once the routing table shows the stream at this height."""
        self.replays += 1
        try:
            while self.routed_heights.get(stream, 0) < height:
                await asyncio.sleep(0.001)
        finally:
            self.replays -= 1

    async def look_up(self, reference: CommandReference) -> CommandStatus:
        """Return what became of a command."""
        if self.accepted(reference.command_id):
            return CommandStatus(status="accepted")
        pending = self.head(reference.stream).height < reference.height
        return CommandStatus(status="pending" if pending else "void")

    async def _turns(self) -> None:
        for _ in range(self.random.randrange(3)):
            await asyncio.sleep(0)
        if self.database_failure is not None:
            raise self.database_failure

    # The copies of the API, and time.

    @asynccontextmanager
    async def copy(self, wrap: Callable[[MemoryAppender], Appender] = lambda a: a) -> AsyncIterator[Copy]:
        """Yield one copy of the API's writing part; `wrap` may put something between it and the log."""
        async with self.log.open_appender() as in_memory:
            appender = wrap(in_memory)
            memory = Memory()
            settler = Settler(self, memory)
            ear = Ear(settler, memory)
            ear.connect(connected=self.announcing)
            writer = Writer(Surroundings(loader=self, appender=appender, settler=settler, replayer=self, memory=memory))
            self.ears.append(ear)
            settling = asyncio.create_task(settler.run())
            try:
                yield Copy(writer, in_memory, settler, self.account())
            finally:
                await writer.close()
                self.ears.remove(ear)
                settling.cancel()
                with suppress(asyncio.CancelledError):
                    await settling

    @asynccontextmanager
    async def projecting(self) -> AsyncIterator[None]:
        """Project again and again, at moments that the seed chooses."""

        async def loop() -> None:
            while True:
                await asyncio.sleep(self.random.choice((0, 0, 0.0005, 0.002)))
                self.project()

        task = asyncio.create_task(loop())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until the condition holds, at most until the deadline."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.001)


async def turns(number: int = 50) -> None:
    """Let whatever can happen at once happen."""
    for _ in range(number):
        await asyncio.sleep(0)
