"""Copies that write at random while everything that can go wrong does, and what must have been true of each answer."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from hashlib import sha256
from secrets import token_hex

import msgspec
from tests.unit.api.writing.copies import Copy, assign, create, rename, unassign
from tests.unit.api.writing.world import World

from patchbay.api.writing.kinds import decide
from patchbay.api.writing.outcomes import Contended, KeyReused, Quarantined, Unavailable, Unsettled, Written
from patchbay.assistants.codec import touched_assistants
from patchbay.assistants.commands import Command, CreateAssistant, RegisterNumber, ReleaseNumber, UpdateAssistant
from patchbay.assistants.ids import number_id
from patchbay.assistants.rejections import Rejection
from patchbay.assistants.states import Account
from patchbay.eventlog import Verdict
from patchbay.eventlog.memory import Fault

_FAULTS = (Fault.REFUSED, Fault.ACK_LOST, Fault.DELAYED, Fault.NOT_SENT, Fault.SKIPPED, Fault.REDELIVERED)
_DEFINITE = (Rejection, Contended, Unavailable, Quarantined, KeyReused)


class Try(msgspec.Struct):
    """One call of a copy, and what became of it."""

    stream: str
    command: Command
    command_id: str
    digest: str
    changes_routing: bool
    repeats: bool  # it has an idempotency key
    started_at: float
    ended_at: float = 0.0
    outcome: Written | BaseException | None = None


class Simulation:
    """One seed's run."""

    def __init__(self, seed: int, *, steps: int = 40) -> None:
        self.world = World(seed=seed)
        self.world.announcing = seed % 4 > 0
        self.random = self.world.random
        self.steps = steps
        self.tries: list[Try] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.went_back = False
        self.phones = [f"+1415555010{n}" for n in range(4)]
        self.numbers = [number_id(self.world.identity.log_id, phone) for phone in self.phones]

    async def run(self) -> None:
        """Write at random, heal, and check every answer."""
        world = self.world
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(world.projecting())
            copies = [await opened.enter_async_context(world.copy()) for _ in range(self.random.randint(2, 3))]
            await copies[0].open_account()
            await asyncio.gather(*map(copies[0].register, self.numbers, self.phones))
            account = world.account()
            await asyncio.gather(*(copies[0].execute(create(account, f"asst_{n}")) for n in range(4)))
            for _ in range(self.steps):
                self._write(self.random.choice(copies))
                self._disturb_log(copies)
                self._disturb_database()
                await asyncio.sleep(self.random.choice((0, 0, 0, 0.001, 0.01, 0.05)))
            await self._heal(copies)
            await self._check(copies[0])

    def _write(self, copy: Copy) -> None:
        keyed = [a_try for a_try in self.tries if a_try.repeats]
        if keyed and self.random.random() < 0.15:
            first = self.random.choice(keyed)
            again = msgspec.structs.replace(first, started_at=0.0, ended_at=0.0, outcome=None)
            if self.random.random() < 0.1:
                again.digest = "1" * 64
        else:
            stream, command = self._command()
            # An assistant's id stands for one command alone: both are minted together.
            command_id = token_hex(32)
            if isinstance(command, CreateAssistant):
                command_id = sha256(command.assistant_id.encode()).hexdigest()
            is_minted_twice = isinstance(command, CreateAssistant) and command.assistant_id == "asst_4"
            repeats = is_minted_twice or self.random.random() < 0.3
            again = Try(stream, command, command_id, "0" * 64, self.random.random() < 0.5, repeats, 0.0)
        again.started_at = asyncio.get_running_loop().time()
        self.tries.append(again)
        write = copy.execute(
            again.command,
            stream=again.stream,
            command_id=again.command_id,
            request_digest=again.digest,
            seconds=self.random.choice((0.02, 0.3, 4.0)),
            changes_routing=again.changes_routing,
            repeats=again.repeats,
        )
        self.tasks.append(asyncio.create_task(self._note(again, write)))
        if self.random.random() < 0.03:
            asyncio.get_running_loop().call_later(self.random.random() * 0.1, write.cancel)

    async def _note(self, a_try: Try, write: "asyncio.Task[Written]") -> None:
        try:
            a_try.outcome = await write
        except (Exception, asyncio.CancelledError) as outcome:  # noqa: BLE001 - it is looked at later
            a_try.outcome = outcome
        a_try.ended_at = asyncio.get_running_loop().time()

    def _command(self) -> tuple[str, Command]:
        account, choose = self.world.account(), self.random.choice
        assistant = f"asst_{self.random.randrange(5)}"
        commands: list[Callable[[], tuple[str, Command]]] = [
            lambda: (account, create(account, choose(("asst_4", token_hex(4), token_hex(4))))),
            lambda: (account, rename(assistant, choose("ABC"))),
            lambda: (account, rename(assistant, token_hex(4))),
            lambda: (account, rename(assistant, token_hex(4))),
            lambda: (account, msgspec.structs.replace(rename(assistant, choose("DE")), if_match=(choose((1, 2, 3)),))),
            lambda: (account, assign(assistant, *self._some_numbers(), reassign=choose((True, True, False)))),
            lambda: (account, assign(assistant, *self._some_numbers())),
            lambda: (account, unassign(choose(self.numbers))),
            lambda: (account, unassign(choose(self.numbers))),
            self._number_command,
        ]
        return choose(commands)()

    def _some_numbers(self) -> Sequence[str]:
        return self.random.sample(self.numbers, self.random.randrange(3))

    def _number_command(self) -> tuple[str, Command]:
        n = self.random.randrange(len(self.numbers))
        number, phone, account = self.numbers[n], self.phones[n], self.world.account()
        if self.random.random() < 0.4:
            return number, ReleaseNumber(number_id=number, account_id=account)
        return number, RegisterNumber(number_id=number, phone_number=phone, account_id=account)

    def _disturb_log(self, copies: Sequence[Copy]) -> None:
        world, chance = self.world, self.random.random
        if chance() < 0.2:
            world.log.inject(self.random.choice(_FAULTS), count=self.random.choice((1, 1, 1, 5)))
        if chance() < 0.2:
            world.log.land_delayed()
        if chance() < 0.05:
            self.random.choice(copies).appender.end_session()

    def _disturb_database(self) -> None:
        world, chance = self.world, self.random.random
        if chance() < 0.1:
            world.paused = not world.paused
        if chance() < 0.1:
            world.routing_paused = not world.routing_paused
        if chance() < 0.1:
            self.random.choice((world.loading, world.settling)).clear()
        if chance() < 0.2:
            world.loading.set()
            world.settling.set()
        if world.announcing and chance() < 0.1:
            self.random.choice(world.ears).connect(connected=chance() < 0.8)
        if chance() < 0.02:
            world.database_failure = OSError("away")
        elif chance() < 0.5:
            world.database_failure = None
        if chance() < 0.01:
            self.went_back = world.paused = True
            world.go_back(self.random.randint(1, 5))

    async def _heal(self, copies: Sequence[Copy]) -> None:
        world = self.world
        world.paused = world.routing_paused = False
        world.database_failure = None
        world.loading.set()
        world.settling.set()
        world.log._faults.clear()
        world.log.land_delayed()
        await asyncio.gather(*self.tasks)
        world.project()
        async with asyncio.timeout(5):
            while any(c.writer._streams or c.writer._attempts or c.settler.watched for c in copies) or world.replays:
                await asyncio.sleep(0.01)

    async def _check(self, copy: Copy) -> None:
        assert self.world.verdicts[Verdict.BROKEN] == 0
        for a_try in self.tries:
            accepted = self.world.accepted(a_try.command_id)
            same = [t.outcome for t in self.tries if t.command_id == a_try.command_id]

            assert len(accepted) <= 1
            if all(isinstance(outcome, _DEFINITE) for outcome in same):
                assert not accepted, same
            match a_try.outcome:
                case Written(event=None):
                    self._check_unchanged(a_try, a_try.outcome)
                case Written():
                    self._check_written(a_try, a_try.outcome)
                case Unsettled():
                    status = await copy.writer.look_up(a_try.outcome.reference)
                    assert (status.status == "accepted") == bool(accepted)
                case asyncio.CancelledError():
                    pass
                case _:
                    assert isinstance(a_try.outcome, _DEFINITE), a_try.outcome
        self._check_order()

    def _check_written(self, a_try: Try, written: Written) -> None:
        history = self.world.history[a_try.stream]
        (accepted,) = self.world.accepted(a_try.command_id)
        assert accepted is history[written.height - 1]
        assert (accepted.event, accepted.position) == (written.event, written.position)
        if isinstance(written.state, Account):
            assert isinstance(accepted.state, Account)
            for assistant_id in touched_assistants(accepted.event)[:1]:
                assistant = written.state.assistants[assistant_id]
                touching = [a for a in history[: written.height] if assistant_id in touched_assistants(a.event)]
                assert assistant == accepted.state.assistants[assistant_id]
                assert assistant is not None
                assert assistant.version == len(touching)
        else:
            assert written.state == accepted.state

    def _check_unchanged(self, a_try: Try, written: Written) -> None:
        if isinstance(a_try.command, UpdateAssistant):
            assert decide(a_try.command, self.world.history[a_try.stream][written.height - 1].state, None) is None

    def _check_order(self) -> None:
        """What was asked for after an answer stands above it; a repetition may join an older one."""
        if self.went_back:
            return
        first = {a_try.command_id: a_try for a_try in reversed(self.tries)}.values()
        written = [(t, t.outcome) for t in first if isinstance(t.outcome, Written)]
        for earlier, before in written:
            for later, after in written:
                if earlier.stream == later.stream and earlier.ended_at < later.started_at:
                    assert before.height <= after.height
