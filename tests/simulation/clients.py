"""Clients that write and read at random, and note what they asked, when, and what they were told."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from tests.simulation.processes import Answered, ApiNode, Gone
from tests.simulation.system import PHONES, SLUGS, Beginning, System, number_ids

CLIENT_SECONDS: Final = 15.0  # then it hangs up; nothing is cancelled by that

_THINKING: Final = (0.0, 0.0, 0.0005, 0.003, 0.03, 0.2)  # seconds between two requests
_UNKNOWN: Final = (202, 503)


class Try(msgspec.Struct, kw_only=True, eq=False):
    """One request, and what its client was told."""

    kind: str
    team: int  # whose account
    method: str
    path: str
    body: dict[str, Any] | None = None
    key: str | None = None  # Idempotency-Key
    if_match: int | None = None
    traceparent: str = ""
    node: ApiNode | None = None
    started_at: float = 0.0
    ended_at: float = 0.0
    status: int = 0  # 0: the connection broke, or the client went
    answer: Any = None
    location: str | None = None
    version: int | None = None  # of the ETag

    @property
    def is_definite_no(self) -> bool:
        """True if the answer promises that this try left nothing."""
        return 400 <= self.status < 500 or (self.status == 503 and self.location is None)

    @property
    def is_unknown(self) -> bool:
        """True if the client cannot know what became of it."""
        return self.status == 0 or (self.status in _UNKNOWN and self.location is not None)


class Clients:
    """Some clients of two accounts."""

    def __init__(self, system: System, beginning: Beginning, *, clients: int, requests: int) -> None:
        self.system = system
        self.random = system.random
        self.tries: list[Try] = []
        self._keys = beginning.keys
        self._assistants = [list(assistants) for assistants in beginning.assistants]
        self._numbers = number_ids()
        self._clients = clients
        self._requests = requests
        self._made = 0

    async def run(self) -> None:
        """Send everything, and wait for all answers."""
        await asyncio.gather(*(self._be_client(requests=self._requests) for _ in range(self._clients)))

    async def _be_client(self, *, requests: int) -> None:
        chance = self.random.random
        for _ in range(requests):
            await asyncio.sleep(self.random.choice(_THINKING))
            wish = self._wish()
            told = await self.send(wish)
            for _ in range(2):
                if told.method == "GET" or not (told.is_unknown or told.status == 503) or chance() < 0.3:
                    break
                if wish.key is None:
                    break
                await asyncio.sleep(self.random.choice(_THINKING))
                told = await self.send(wish)
            if told.method != "GET" and told.status == 200 and chance() < 0.6:
                await self.send(self._look_after(told))
            elif told.status == 200 and told.key is not None and chance() < 0.1:
                await self.send(wish)

    async def send(self, wish: Try, node: ApiNode | None = None) -> Try:
        """Send a request, as a try of its own."""
        self._made += 1
        made = msgspec.structs.replace(wish, traceparent=f"00-{self._made:032x}-{1:016x}-01")
        made.node = node or self.random.choice(self.system.apis)
        made.started_at = self.system.loop.time()
        self.tries.append(made)
        body = b"" if made.body is None else msgspec.json.encode(made.body)
        try:
            async with asyncio.timeout(CLIENT_SECONDS):
                self._note(made, await made.node.ask(made.method, made.path, self._fields(made), body))
        except (Gone, TimeoutError):
            made.status = 0
        made.ended_at = self.system.loop.time()
        return made

    def _fields(self, made: Try) -> Mapping[str, str]:
        fields = {"Authorization": f"Bearer {self._keys[made.team]}", "traceparent": made.traceparent}
        if made.key is not None:
            fields["Idempotency-Key"] = made.key
        if made.if_match is not None:
            fields["If-Match"] = f'"{made.if_match}"'
        return fields

    def _note(self, made: Try, answered: Answered) -> None:
        made.status = answered.status
        made.answer = json.loads(answered.body) if answered.body else None
        made.location = answered.fields.get("Location")
        if (etag := answered.fields.get("ETag")) is not None:
            made.version = int(etag.strip('"'))
        if made.kind == "create" and made.status == 200:
            assistant_id = made.answer["assistant"]["id"]
            if assistant_id not in self._assistants[made.team]:
                self._assistants[made.team].append(assistant_id)

    def _look_after(self, told: Try) -> Try:
        """Return the read that must show what was just written."""
        if told.kind in ("assign", "number", "release") and self.random.random() < 0.6:
            return self._route(told.team, self.random.choice(PHONES))
        if "assistant" in told.answer:
            return self._read(told.team, told.answer["assistant"]["id"])
        return self._read_number(told.team, self.random.choice(self._numbers))

    def _wish(self) -> Try:
        choose, team = self.random.choice, 0 if self.random.random() < 0.85 else 1
        wish: Try = choose((self._create, self._rename, self._rename, self._rename, self._switch, self._switch,
                            self._assign, self._assign, self._assign, self._assign, self._register, self._register,
                            self._release, self._number, self._get))(team)  # fmt: skip
        if wish.method != "GET" and self.random.random() < 0.8:
            self._made += 1
            wish.key = f"key-{self._made}"
        return wish

    def _assistant(self, team: int) -> str:
        return self.random.choice(self._assistants[team])

    def _create(self, team: int) -> Try:
        body = {"accountSlug": SLUGS[team], "name": f"N{self._made}", "templateId": "custom"}
        return Try(kind="create", team=team, method="POST", path="/api/assistants", body=body)

    def _rename(self, team: int) -> Try:
        body = {"accountSlug": SLUGS[team], "name": self.random.choice(("A", "B", f"R{self._made}"))}
        path = f"/api/assistants/{self._assistant(team)}"
        if_match = self.random.choice((None, None, None, 1, 2, 3))
        return Try(kind="update", team=team, method="PATCH", path=path, body=body, if_match=if_match)

    def _switch(self, team: int) -> Try:
        body = {"accountSlug": SLUGS[team], "inbound_enabled": self.random.random() < 0.6}
        path = f"/api/assistants/{self._assistant(team)}"
        return Try(kind="update", team=team, method="PATCH", path=path, body=body)

    def _assign(self, team: int) -> Try:
        wanted = self.random.sample(self._numbers, self.random.choice((0, 1, 1, 2)))
        reassign = self.random.random() < 0.6
        body = {"accountSlug": SLUGS[team], "phoneNumberIds": wanted, "reassign": reassign}
        path = f"/api/assistants/{self._assistant(team)}/telephony/phone-numbers"
        return Try(kind="assign", team=team, method="PATCH", path=path, body=body)

    def _register(self, team: int) -> Try:
        body = {"accountSlug": SLUGS[team], "phoneNumber": self.random.choice(PHONES)}
        return Try(kind="number", team=team, method="POST", path="/api/phone-numbers", body=body)

    def _number(self, team: int) -> Try:
        body = {"accountSlug": SLUGS[team], "fallback": self.random.choice((None, "+14155550199", "+14155550198"))}
        path = f"/api/phone-numbers/{self.random.choice(self._numbers)}"
        return Try(kind="number", team=team, method="PATCH", path=path, body=body)

    def _release(self, team: int) -> Try:
        path = f"/api/phone-numbers/{self.random.choice(self._numbers)}"
        return Try(kind="release", team=team, method="DELETE", path=path)

    def _get(self, team: int) -> Try:
        choose = self.random.choice
        return choose((
            self._read(team, self._assistant(team)),
            self._read_number(team, choose(self._numbers)),
            self._route(team, choose(PHONES)),
        ))  # fmt: skip

    def _read(self, team: int, assistant_id: str) -> Try:
        return Try(kind="read", team=team, method="GET", path=f"/api/assistants/{assistant_id}")

    def _read_number(self, team: int, number_id: str) -> Try:
        return Try(kind="read number", team=team, method="GET", path=f"/api/phone-numbers/{number_id}")

    def _route(self, team: int, phone: str) -> Try:
        return Try(kind="route", team=team, method="GET", path=f"/api/routing/inbound/{phone}")

    async def look_at_everything(self) -> None:
        """Read, from every copy, what there is in the end, and ask what became of what was left open."""
        for node in self.system.apis:
            await self.send(self._get(0), node)
        for told in [told for told in self.tries if told.location is not None]:
            await self.send(Try(kind="status", team=told.team, method="GET", path=told.location or ""))
