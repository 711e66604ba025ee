"""Clients that write without a break and keep account of every try: what was asked, and what was said of it."""

import asyncio
import secrets
from enum import StrEnum
from random import Random

import msgspec
from tests.system.guarantees.accounts import Team, new_phone_number
from tests.system.guarantees.clients import NoAnswer, NotReached, Reply, new_traceparent
from tests.thoroughness import breath

RETRY_SECONDS = 0.05  # a client's patience before it tries again
REST_SECONDS = breath(0.05)  # after each operation: two processors are for what is killed meanwhile, too


class Kind(StrEnum):
    """What a client does."""

    RENAME = "rename"
    CREATE = "create"
    ASSIGN = "assign"
    REGISTER = "register"
    REDIRECT = "redirect"
    RELEASE = "release"
    OTHER = "other"
    REFUSED = "refused"  # must not be possible, whatever happens


_WEIGHTS = {
    Kind.RENAME: 46,
    Kind.CREATE: 10,
    Kind.ASSIGN: 18,
    Kind.REGISTER: 8,
    Kind.REDIRECT: 4,
    Kind.RELEASE: 4,
    Kind.REFUSED: 10,
}


class Try(msgspec.Struct):
    """One request; its trace context finds what it left in the log. Without a reply it was not answered."""

    trace: str
    reply: Reply | None = None
    was_reached: bool = True

    @property
    def is_done(self) -> bool:
        """True if the answer said so."""
        return self.reply is not None and self.reply.status == 200

    @property
    def is_definite(self) -> bool:
        """True if the answer said that it is done, or can never be."""
        return self.reply is not None and (self.reply.status == 200 or 400 <= self.reply.status < 500)

    @property
    def left_nothing(self) -> bool:
        """True if the answer promised that this try has no effect and never will."""
        if self.reply is None:
            return not self.was_reached
        return self.reply.status >= 400 and "location" not in self.reply.fields

    @property
    def location(self) -> str | None:
        """Where to ask what became of it."""
        return None if self.reply is None else self.reply.fields.get("location")


class Operation(msgspec.Struct):
    """What a client wants, however many tries it takes."""

    kind: Kind
    team: Team
    method: str
    path: str
    body: dict[str, object] | None
    shared_assistant: str  # of the team: a write to it moves the account's stream on
    key: str | None = None  # Idempotency-Key
    if_match: str | None = None
    tries: list[Try] = []
    statuses: dict[str, str] = {}  # what became of its tries, by Location

    @property
    def last(self) -> Try:
        """The newest try."""
        return self.tries[-1]

    @property
    def may_be_tried_again(self) -> bool:
        """True if another try cannot act twice."""
        return self.key is not None or self.last.left_nothing

    async def attempt(self, api: int) -> None:
        """Send it once."""
        fields = {"traceparent": new_traceparent()}
        if self.key is not None:
            fields["Idempotency-Key"] = self.key
        if self.if_match is not None:
            fields["If-Match"] = self.if_match
        this = Try(fields["traceparent"])
        self.tries.append(this)
        try:
            this.reply = await self.team.client.request(api, self.method, self.path, self.body, fields)
        except NotReached:
            this.was_reached = False
        except NoAnswer:
            pass


class Writer:
    """One client: an operation after the other, through whichever process of the API answers."""

    def __init__(self, team: Team, shared_assistant: str, chance: Random) -> None:
        self._team = team
        self._chance = chance
        self._shared = shared_assistant
        self._assistants = [shared_assistant]
        self._numbers: list[str] = []
        self.operations: list[Operation] = []
        self.succeeded = 0

    async def work(self, stop: asyncio.Event) -> None:
        """Write until `stop` is set; what is open by then stays so."""
        while not stop.is_set():
            operation = self._next()
            self.operations.append(operation)
            await operation.attempt(self._chance.randrange(2))
            while not operation.last.is_definite and operation.may_be_tried_again and not stop.is_set():
                await asyncio.sleep(RETRY_SECONDS)
                await operation.attempt(self._chance.randrange(2))
            if operation.last.reply is not None and operation.last.is_done:
                self.succeeded += 1
                self._learn(operation, operation.last.reply)
            await asyncio.sleep(REST_SECONDS)

    def _next(self) -> Operation:
        (kind,) = self._chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
        return self._make(kind)

    def _make(self, kind: Kind) -> Operation:  # noqa: PLR0911 - one return per kind
        slug, chance = self._team.slug, self._chance
        path = f"/api/assistants/{chance.choice(self._assistants)}"
        named: dict[str, object] = {"accountSlug": slug, "name": f"Agent {secrets.token_hex(6)}"}
        if kind is Kind.CREATE:
            template = chance.choice(("inbound-support", "outbound-setter", "custom"))
            return self._operation(kind, "POST", "/api/assistants", named | {"templateId": template})
        if kind is Kind.REGISTER:
            body: dict[str, object] = {"accountSlug": slug, "phoneNumber": new_phone_number()}
            return self._operation(kind, "POST", "/api/phone-numbers", body)
        if kind is Kind.RELEASE and self._numbers:
            number_id = self._numbers.pop(chance.randrange(len(self._numbers)))
            return self._operation(kind, "DELETE", f"/api/phone-numbers/{number_id}", None)
        if kind is Kind.REDIRECT and self._numbers:
            body = {"accountSlug": slug, "fallback": new_phone_number()}
            return self._operation(kind, "PATCH", f"/api/phone-numbers/{chance.choice(self._numbers)}", body)
        if kind is Kind.ASSIGN and self._numbers:
            chosen = chance.sample(self._numbers, chance.randint(0, min(3, len(self._numbers))))
            body = {"accountSlug": slug, "phoneNumberIds": chosen, "reassign": True}
            return self._operation(kind, "PATCH", f"{path}/telephony/phone-numbers", body)
        if kind is Kind.REFUSED:
            return msgspec.structs.replace(self._operation(kind, "PATCH", path, named), if_match='"1000000"')
        return self._operation(Kind.RENAME, "PATCH", path, named)

    def _operation(self, kind: Kind, method: str, path: str, body: dict[str, object] | None) -> Operation:
        key = secrets.token_hex(8) if self._chance.random() < 0.5 else None
        return Operation(kind, self._team, method, path, body, self._shared, key)

    def _learn(self, operation: Operation, reply: Reply) -> None:
        if operation.kind is Kind.CREATE:
            self._assistants = [*self._assistants[-4:], reply.json["assistant"]["id"]]
        elif operation.kind is Kind.REGISTER:
            self._numbers.append(reply.json["phone_number"]["id"])
