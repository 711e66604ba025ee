"""Somebody who changes who answers, over REST, and calls after every change to see whether it holds."""

import contextlib
import secrets
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

import msgspec
from tests.system.guarantees.accounts import Team
from tests.system.guarantees.clients import Client, NoAnswer, Reply
from tests.system.telephony.lines import NOT_IN_COPY, UNKNOWN, Line, Told
from tests.system.telephony.sip import Caller

LINES: Final = 3
FALLBACKS: Final = (
    None,
    "+14155550199",
    "sip:desk@pbx.patchbay.test",
    "sips:night@pbx.patchbay.test:5061;transport=tls",
)
_RETRIED: Final = {202, 503}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A request, what it does to the model once it is answered, and the lines whose calls it concerns."""

    method: str
    path: str
    body: object
    apply: Callable[[], None]
    lines: Sequence[Line]
    client: Client


class Changer:
    """Changes its own assistants and numbers, one change after another."""

    def __init__(self, team: Team, operator: Client, caller: Caller, random: Random) -> None:
        self.lines: list[Line] = []
        self.changes = 0  # answered with 200
        self.tries_in_doubt = 0
        self.calls = 0  # after a change's 200, answered by the table
        self.calls_by_copy = 0
        self.faults: list[str] = []
        self._team = team
        self._operator = operator
        self._caller = caller
        self._random = random
        self._assistants: list[str] = []
        self._answering: set[str] = set()

    async def prepare(self) -> None:
        """Create the assistants, and register the numbers."""
        self._assistants = [await self._team.assistant(inbound_enabled=True) for _ in range(2)]
        self._answering = set(self._assistants)
        for _ in range(LINES):
            number_id, phone_number = await self._team.number()
            line = Line(number_id=number_id, phone_number=phone_number)
            self.lines.append(line)
            await self._call(line)

    def expected(self) -> list[tuple[str, int, str | None]]:
        """Return number, status and Contact of a call to each line."""
        return [(line.phone_number, *line.told(self._answering)) for line in self.lines]

    async def change(self) -> None:
        """Make one change, and call every number that it concerns."""
        change = self._next()
        for line in change.lines:
            line.possible |= {line.told(self._answering), msgspec.structs.replace(line, holder=None).told(set())}
        before = {line.number_id: line.told(self._answering) for line in change.lines}
        change.apply()
        for line in change.lines:
            line.possible.add(line.told(self._answering))
        await self._until_answered(change)
        self.changes += 1
        for line in change.lines:
            await self._call(line, before[line.number_id])

    async def _until_answered(self, change: Change) -> None:
        """Send the change until it is answered with 200, and call meanwhile: nobody is left without an answer."""
        key = {"Idempotency-Key": secrets.token_hex(16)}
        while True:
            reply: Reply | None = None
            with contextlib.suppress(NoAnswer):
                reply = await change.client.request(
                    self._random.randrange(2), change.method, change.path, change.body, key
                )
            if reply is not None and reply.status == 200:
                return
            assert reply is None or reply.status in _RETRIED, (change.method, change.path, change.body, reply)
            self.tries_in_doubt += 1
            for line in change.lines:
                answer = await self._caller.invite(line.phone_number)
                self._hold_against_possible(line, answer.told, "while a change was in doubt")

    async def _call(self, line: Line, before: Told | None = None) -> None:
        expected = line.told(self._answering)
        answer = await self._caller.invite(line.phone_number)
        if answer.is_of_copy or answer.told == NOT_IN_COPY:
            self.calls_by_copy += 1
            self._hold_against_possible(line, answer.told, "by the copy")
            return
        self.calls += 1
        line.possible = {expected}
        if answer.told != expected:
            kind = "stale" if answer.told == before else "wrong"
            self.faults.append(f"{kind}: {answer.told} instead of {expected}")

    def _hold_against_possible(self, line: Line, told: Told, when: str) -> None:
        if told not in line.possible and not (told == NOT_IN_COPY and UNKNOWN in line.possible):
            self.faults.append(f"wrong {when}: {told} is none of {line.possible}")

    def _next(self) -> Change:
        line = self._random.choice(self.lines)
        if not line.is_registered:
            return self._register(line)
        kinds = (self._move, self._move, self._move, self._redirect, self._suspend, self._switch, self._release)
        return self._random.choice(kinds)(line)

    def _move(self, line: Line) -> Change:
        targets = [one for one in (*self._assistants, None) if one != line.holder]
        target = self._random.choice(targets)
        assistant = target or line.holder
        held = [one.number_id for one in self.lines if one.holder == assistant and one is not line]
        body = {"phoneNumberIds": [*held, line.number_id] if target else held, "reassign": True}

        def apply() -> None:
            line.holder = target

        return self._change("PATCH", f"/api/assistants/{assistant}/telephony/phone-numbers", body, apply, [line])

    def _switch(self, _: Line) -> Change:
        assistant = self._random.choice(self._assistants)
        is_enabled = assistant not in self._answering

        def apply() -> None:
            (self._answering.add if is_enabled else self._answering.discard)(assistant)

        lines = [line for line in self.lines if line.holder == assistant]
        return self._change("PATCH", f"/api/assistants/{assistant}", {"inbound_enabled": is_enabled}, apply, lines)

    def _redirect(self, line: Line) -> Change:
        fallback = self._random.choice([one for one in FALLBACKS if one != line.fallback])

        def apply() -> None:
            line.fallback = fallback

        return self._change("PATCH", f"/api/phone-numbers/{line.number_id}", {"fallback": fallback}, apply, [line])

    def _suspend(self, line: Line) -> Change:
        status = "active" if line.is_suspended else "suspended"

        def apply() -> None:
            line.is_suspended = not line.is_suspended

        path = f"/api/phone-numbers/{line.number_id}"
        return self._change("PATCH", path, {"status": status}, apply, [line], client=self._operator)

    def _release(self, line: Line) -> Change:
        def apply() -> None:
            line.is_registered, line.is_suspended, line.fallback, line.holder = False, False, None, None

        path = f"/api/phone-numbers/{line.number_id}"
        return Change(method="DELETE", path=path, body=None, apply=apply, lines=[line], client=self._team.client)

    def _register(self, line: Line) -> Change:
        def apply() -> None:
            line.is_registered = True

        return self._change("POST", "/api/phone-numbers", {"phoneNumber": line.phone_number}, apply, [line])

    def _change(
        self,
        method: str,
        path: str,
        body: dict[str, object],
        apply: Callable[[], None],
        lines: Sequence[Line],
        *,
        client: Client | None = None,
    ) -> Change:
        named = {"accountSlug": self._team.slug, **body}
        return Change(
            method=method, path=path, body=named, apply=apply, lines=lines, client=client or self._team.client
        )
