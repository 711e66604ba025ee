"""The writing engine without servers: a log in memory, and the fold of it as the database would show it."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from secrets import token_hex

from patchbay.api.writing import standings
from patchbay.api.writing.kinds import evolve
from patchbay.api.writing.outcomes import CommandReference, CommandStatus, Position, State, Write, Written
from patchbay.api.writing.settling import Settler
from patchbay.api.writing.snapshot import KnownCommand, Loaded, Wanted
from patchbay.api.writing.standings import Standing
from patchbay.api.writing.surroundings import Surroundings
from patchbay.api.writing.writer import Writer
from patchbay.assistants import events
from patchbay.assistants.codec import decode_event
from patchbay.assistants.commands import Command, CreateAssistant, OpenAccount
from patchbay.assistants.ids import account_id
from patchbay.assistants.states import Account, Number, Operators, OwnedNumber
from patchbay.eventlog import Envelope, Foreign, Head, Verdict, advance, judge, read_envelope
from patchbay.eventlog.memory import MemoryAppender, MemoryLog


class Accepted:
    """An accepted event, its envelope, and the stream's state after it."""

    def __init__(self, envelope: Envelope, event: events.Event, state: State, position: Position) -> None:
        self.envelope = envelope
        self.event = event
        self.state = state
        self.position = position


class World:
    """One log, its fold, and the copies of the API that write to it. `lag` holds projecting back until it is called."""

    def __init__(self, *, seed: int = 0, partitions: int = 2) -> None:
        self.log = MemoryLog(partition_count=partitions)
        self.identity = self.log.identity
        self.random = random.Random(seed)
        self.heads: dict[str, Head] = {}
        self.history: dict[str, list[Accepted]] = {}
        self.verdicts: dict[Verdict, int] = dict.fromkeys(Verdict, 0)
        self.routed_heights: dict[str, int] = {}
        self.quarantined: dict[str, frozenset[str]] = {}
        self.paused = False
        self.routing_paused = False
        self.loads = 0
        self._offsets = [1] * partitions
        self._settlers: list[Settler] = []

    def account(self, slug: str = "my-team") -> str:
        """Return the account's id."""
        return account_id(self.identity.log_id, slug)

    def project(self) -> None:
        """Fold what is new in the log, and tell every copy."""
        if not self.paused:
            for partition in range(self.identity.partition_count):
                for record in self.log.records(partition)[self._offsets[partition] :]:
                    self._fold(read_envelope(record, self.identity), Position(partition, record.offset + 1))
                    self._offsets[partition] += 1
        if not self.routing_paused:
            self.routed_heights = {stream: head.height for stream, head in self.heads.items()}
        for settler in self._settlers:
            settler.wake()

    def _fold(self, envelope: Envelope | Foreign, position: Position) -> None:
        if isinstance(envelope, Foreign):
            self.verdicts[Verdict.FOREIGN] += 1
            return
        head = self.head(envelope.stream)
        verdict = judge(envelope, head)
        self.verdicts[verdict] += 1
        self.heads[envelope.stream] = advance(head, envelope, verdict)
        if verdict is Verdict.ACCEPTED:
            event = decode_event(envelope.type, envelope.dataschema, envelope.value)
            state = evolve(self.state(envelope.stream), event, height=envelope.height, time=envelope.time)
            self.history.setdefault(envelope.stream, []).append(Accepted(envelope, event, state, position))

    def head(self, stream: str) -> Head:
        """Return the stream's head as far as it is projected."""
        return self.heads.get(stream) or Head.genesis(self.identity.log_id)

    def state(self, stream: str) -> State:
        """Return the stream's whole state as far as it is projected."""
        accepted = self.history.get(stream)
        if accepted:
            return accepted[-1].state
        if stream.startswith("pn_"):
            return Number(id=stream)
        return Operators() if stream.startswith("oper_") else Account(id=stream)

    def accepted(self, command_id: str) -> list[Accepted]:
        """Return the accepted events of a command; more than one is a broken promise."""
        return [a for stream in self.history.values() for a in stream if a.envelope.command_id == command_id]

    # What the engine asks its database.

    async def load(self, wanted: Wanted) -> Loaded:
        """Return the stream as it is projected, after some turns of the loop."""
        await self._turns()
        self.loads += 1
        accepted = self.history.get(wanted.stream, [])
        partition = self.identity.partition_of(wanted.stream)
        return Loaded(
            head=self.head(wanted.stream),
            state=self._part(wanted),
            commands={
                a.envelope.command_id: KnownCommand(a.envelope.height, a.envelope.request_digest or "")
                for a in accepted
                if a.envelope.command_id in wanted.command_ids
            },
            quarantined_in=self.quarantined.get(wanted.stream, frozenset()),
            position=Position(partition, self._offsets[partition]),
        )

    def _part(self, wanted: Wanted) -> State:
        state = self.state(wanted.stream)
        if not isinstance(state, Account):
            return state
        held = {number: holding for number, holding in state.holders.items() if holding}
        holders = {number: held.get(number) for number in wanted.numbers | wanted.holders_of}
        of_whom = wanted.holdings_of | {holding.assistant_id for holding in holders.values() if holding}
        holders.update({number: holding for number, holding in held.items() if holding.assistant_id in of_whom})
        assistants = wanted.assistants | {held[n].assistant_id for n in wanted.holders_of if n in held}
        return Account(
            id=state.id,
            slug=state.slug,
            name=state.name,
            created_at=state.created_at,
            assistants={assistant: state.assistants.get(assistant) for assistant in assistants},
            holders=holders,
            numbers={number: self._owned(number, state.id) for number in wanted.numbers},
            keys={key: state.keys.get(key) for key in wanted.keys},
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
        return {stream: self._standing(stream, low) for stream, low in lowest.items()}

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
        if routed:
            await self.routed(stream, height)
        a = self.history[stream][height - 1]
        return Written(event=a.event, state=a.state, height=height, position=a.position, replayed=True)

    async def routed(self, stream: str, height: int) -> None:
        """Return once the routing table shows the stream at this height."""
        while self.routed_heights.get(stream, 0) < height:
            await asyncio.sleep(0.001)

    async def look_up(self, reference: CommandReference) -> CommandStatus:
        """Return what became of a command."""
        if self.accepted(reference.command_id):
            return CommandStatus(status="accepted")
        pending = self.head(reference.stream).height < reference.height
        return CommandStatus(status="pending" if pending else "void")

    async def _turns(self) -> None:
        for _ in range(self.random.randrange(4)):
            await asyncio.sleep(0)

    # The copies of the API, and time.

    @asynccontextmanager
    async def copy(self) -> AsyncIterator["Copy"]:
        """Yield one copy of the API's writing part."""
        async with self.log.open_appender() as appender:
            settler = Settler(self)
            writer = Writer(Surroundings(loader=self, appender=appender, settler=settler, replayer=self))
            appender.on_session_end(writer.session_ended)
            self._settlers.append(settler)
            settling = asyncio.create_task(settler.run())
            try:
                yield Copy(self, writer, appender)
            finally:
                await writer.close()
                self._settlers.remove(settler)
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


class Copy:
    """One copy of the API's writing part."""

    def __init__(self, world: World, writer: Writer, appender: MemoryAppender) -> None:
        self.world = world
        self.writer = writer
        self.appender = appender

    def execute(
        self,
        command: Command,
        *,
        stream: str | None = None,
        command_id: str | None = None,
        seconds: float = 5.0,
        changes_routing: bool = False,
    ) -> "asyncio.Task[Written]":
        """Start a write; await the task for its outcome."""
        write = Write(
            stream=stream or self.world.account(),
            command=command,
            command_id=command_id or token_hex(32),
            request_digest="0" * 64,
            actor="key_test",
            changes_routing=changes_routing,
        )
        deadline = asyncio.get_running_loop().time() + seconds
        return asyncio.create_task(self.writer.execute(write, deadline=deadline))

    async def open_account(self, slug: str = "my-team") -> Written:
        """Open the account."""
        account = self.world.account(slug)
        return await self.execute(OpenAccount(account_id=account, slug=slug, name=slug), stream=account)


def create(account: str, assistant_id: str, name: str = "Agent") -> CreateAssistant:
    """Return the command that creates a custom assistant."""
    return CreateAssistant(
        assistant_id=assistant_id,
        account_id=account,
        name=name,
        template_id="custom",
        fields=events.AssistantUpdated(assistant_id=assistant_id),
    )
