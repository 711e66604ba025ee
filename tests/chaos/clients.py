"""Seeded clients: they create, change, assign, read and look up without a break, and keep account of every request."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Mapping
from random import Random
from typing import Any, Final

import msgspec
from tests.chaos.history import READS, Call, History, Kind, Told
from tests.system.guarantees.accounts import Team, new_phone_number
from tests.system.guarantees.clients import NoAnswer, NotReached, Reply, new_traceparent

TRIES: Final = 6  # then the client lives with not knowing
THINK_SECONDS: Final = 0.03  # between two operations, on average
RETRY_SECONDS: Final = 0.1
FEW: Final = 4  # assistants and numbers that a team works with: clients shall meet
KEY_SHARE: Final = 0.5
IF_MATCH_SHARE: Final = 0.3

_WEIGHTS: Final = {
    Kind.CREATE: 8,
    Kind.CHANGE: 30,
    Kind.ASSIGN: 14,
    Kind.REGISTER: 3,
    Kind.REFUSED: 4,
    Kind.READ: 60,
    Kind.LOOK_UP: 30,
    Kind.TRESPASS: 4,
}


class Ground:
    """What a team's clients work on together."""

    def __init__(self, team: Team, foreign_assistant: str = "") -> None:
        self.team = team
        self.foreign_assistant = foreign_assistant  # of another account
        self.assistants: list[str] = []
        self.numbers: list[tuple[str, str]] = []  # id, and the number itself
        self.versions: dict[str, int] = {}  # the newest that anybody was told


class _Wish(msgspec.Struct):
    """An operation to come: the facts of its calls, and its request."""

    kind: Kind
    method: str
    path: str
    body: dict[str, object] | None = None
    facts: dict[str, Any] = {}
    fields: dict[str, str] = {}


class Actor:
    """One client: an operation after the other, through whichever process of the API answers."""

    def __init__(self, number: int, history: History, chance: Random) -> None:
        self.number = number
        self._history = history
        self._chance = chance
        self._token = ""

    async def work(self, ground: Ground, stop: asyncio.Event) -> None:
        """Act on this ground until `stop` is set."""
        self._token = ""
        while not stop.is_set():
            await self.act(ground, self._wish(ground))
            await asyncio.sleep(self._chance.random() * 2 * THINK_SECONDS)

    async def establish(self, ground: Ground) -> None:
        """Make what the team begins with."""
        while len(ground.assistants) < FEW:
            await self.act(ground, self._create(ground))
        while len(ground.numbers) < FEW:
            await self.act(ground, self._register(ground))

    async def nudge(self, ground: Ground) -> None:
        """Write to the account's stream: a record that lost its height is void once others have passed it."""
        await self.act(ground, self._change(ground, ground.assistants[0], is_conditional=False))

    async def register_again(self, ground: Ground, number: str) -> None:
        """Write to the number's stream, which has no other events: the same for a registration that was left open."""
        await self.act(ground, self._register(ground, number))

    async def probe(self, ground: Ground, api: int) -> Call:
        """Write once, through this process of the API."""
        wish = self._change(ground, ground.assistants[0], is_conditional=False)
        return await self._send(ground, wish, self._history.new_operation(), api, has_key=False)

    async def act(self, ground: Ground, wish: _Wish) -> Call:
        """Send the request until the answer is definite, as often as that cannot act twice; return the last call."""
        operation = self._history.new_operation()
        has_key = wish.kind not in READS and self._chance.random() < KEY_SHARE
        if has_key:
            wish.fields["Idempotency-Key"] = secrets.token_hex(8)
        call = await self._send(ground, wish, operation, self._chance.randrange(2), has_key=has_key)
        for _ in range(TRIES):
            if call.is_definite or wish.kind in READS or not (has_key or call.left_nothing):
                break
            await asyncio.sleep(RETRY_SECONDS)
            call = await self._send(ground, wish, operation, self._chance.randrange(2), has_key=has_key)
        return call

    async def _send(self, ground: Ground, wish: _Wish, operation: int, api: int, *, has_key: bool) -> Call:
        trace = new_traceparent()
        call = Call(
            operation=operation,
            client=self.number,
            account=ground.team.account_id,
            kind=wish.kind,
            api=api,
            began=time.monotonic(),
            trace=trace,
            has_key=has_key,
            **wish.facts,
        )
        try:
            reply = await ground.team.client.request(
                api, wish.method, wish.path, wish.body, {**wish.fields, "traceparent": trace}
            )
        except NotReached:
            call.was_reached = False
        except NoAnswer:
            pass
        else:
            self._note(ground, call, reply)
        call.ended = time.monotonic()
        self._history.add(call)
        return call

    def _note(self, ground: Ground, call: Call, reply: Reply) -> None:
        call.status = reply.status
        call.location = reply.fields.get("location", "")
        if reply.status != 200:
            call.code = reply.code if reply.status != 202 else ""
            return
        call.told = told_by(call.kind, reply)
        if call.kind not in READS:
            self._token = reply.fields["patchbay-position"]
        if call.told is not None and call.kind is not Kind.LOOK_UP:
            known = ground.versions.get(call.told.assistant, 0)
            ground.versions[call.told.assistant] = max(known, call.told.version)
        if call.kind is Kind.CREATE and call.told is not None and len(ground.assistants) < FEW:
            ground.assistants.append(call.told.assistant)
        if call.kind is Kind.REGISTER and len(ground.numbers) < 2 * FEW:
            record = reply.json["phone_number"]
            ground.numbers.append((record["id"], record["phone_number"]))

    def _wish(self, ground: Ground) -> _Wish:  # noqa: PLR0911 - one return per kind
        (kind,) = self._chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
        assistant = self._chance.choice(ground.assistants)
        match kind:
            case Kind.CREATE:
                return self._create(ground)
            case Kind.REGISTER:
                return self._register(ground)
            case Kind.ASSIGN:
                return self._assign(ground, assistant)
            case Kind.READ:
                return self._read(kind, f"/api/assistants/{assistant}", assistant)
            case Kind.LOOK_UP:
                number = self._chance.choice(ground.numbers)[1]
                return self._read(kind, f"/api/routing/inbound/{number}", number)
            case Kind.TRESPASS if ground.foreign_assistant:
                return self._read(kind, f"/api/assistants/{ground.foreign_assistant}", ground.foreign_assistant)
            case Kind.REFUSED:
                return self._refused(ground, assistant)
            case _:
                return self._change(ground, assistant, is_conditional=self._chance.random() < IF_MATCH_SHARE)

    def _create(self, ground: Ground) -> _Wish:
        name = _new_name()
        template = self._chance.choice(("inbound-support", "outbound-setter", "custom"))
        body: dict[str, object] = {"accountSlug": ground.team.slug, "name": name, "templateId": template}
        return _Wish(Kind.CREATE, "POST", "/api/assistants", body, {"name": name})

    def _register(self, ground: Ground, number: str | None = None) -> _Wish:
        number = number or new_phone_number()
        body: dict[str, object] = {"accountSlug": ground.team.slug, "phoneNumber": number}
        return _Wish(Kind.REGISTER, "POST", "/api/phone-numbers", body, {"subject": number})

    def _change(self, ground: Ground, assistant: str, *, is_conditional: bool) -> _Wish:
        name = _new_name()
        body: dict[str, object] = {"accountSlug": ground.team.slug, "name": name}
        if self._chance.random() < 0.2:
            body["inbound_enabled"] = self._chance.random() < 0.5
        version = ground.versions.get(assistant, 0) if is_conditional else 0
        fields = {"If-Match": f'"{version}"'} if version else {}
        facts = {"subject": assistant, "name": name, "if_match": version}
        return _Wish(Kind.CHANGE, "PATCH", f"/api/assistants/{assistant}", body, facts, fields)

    def _refused(self, ground: Ground, assistant: str) -> _Wish:
        body: dict[str, object] = {"accountSlug": ground.team.slug, "name": _new_name()}
        facts = {"subject": assistant, "name": body["name"], "if_match": 1_000_000}
        return _Wish(Kind.REFUSED, "PATCH", f"/api/assistants/{assistant}", body, facts, {"If-Match": '"1000000"'})

    def _assign(self, ground: Ground, assistant: str) -> _Wish:
        chosen = self._chance.sample(ground.numbers, self._chance.randint(0, min(3, len(ground.numbers))))
        numbers = tuple(number_id for number_id, _ in chosen)
        reassign = self._chance.random() < 0.8
        body: dict[str, object] = {"accountSlug": ground.team.slug, "phoneNumberIds": numbers, "reassign": reassign}
        facts = {"subject": assistant, "numbers": numbers, "reassign": reassign}
        return _Wish(Kind.ASSIGN, "PATCH", f"/api/assistants/{assistant}/telephony/phone-numbers", body, facts)

    def _read(self, kind: Kind, path: str, subject: str) -> _Wish:
        is_after = bool(self._token) and kind is not Kind.TRESPASS and self._chance.random() < 0.7
        fields = {"Patchbay-After": self._token} if is_after else {}
        return _Wish(kind, "GET", path, None, {"subject": subject, "is_after": is_after}, fields)


def told_by(kind: Kind, reply: Reply) -> Told | None:
    """Return what a 200 says of an assistant."""
    if kind is Kind.REGISTER:
        return None
    said: Mapping[str, Any] = reply.json
    if kind is Kind.LOOK_UP:
        return Told(assistant=said["assistant_id"] or "", account=said["account_id"] or "")
    record = said["assistant"]
    return Told(
        assistant=record["id"],
        account=record["account_id"],
        version=record["version"],
        name=record["name"],
        numbers=tuple(record["phone_number_ids"]),
        digest=hashlib.sha256(reply.assistant).hexdigest(),
    )


def _new_name() -> str:
    return f"Agent {secrets.token_hex(6)}"
