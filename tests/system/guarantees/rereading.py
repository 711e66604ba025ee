"""A writer that reads at once what it was told that it has written, from every process of the API."""

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
from tests.system.guarantees.accounts import Team


class RereadingWriter:
    """Changes two assistants that share a number, and knows what everybody has to see after each change."""

    def __init__(self, team: Team, assistant_ids: tuple[str, str], number: tuple[str, str]) -> None:
        self._team = team
        self._ids = assistant_ids
        self._number_id, self._phone_number = number
        self._records: dict[str, bytes] = {}
        self._holder: str | None = None
        self._changes = self._all_changes()
        self.stale: list[str] = []
        self.reads = 0

    async def round(self, write_to: int) -> None:
        """Write through one process; then read at once, from the other one and from the same."""
        path, assistant_id, change = next(self._changes)
        reply = await self._team.client.written(write_to, "PATCH", path, {"accountSlug": self._team.slug, **change})
        self._records[assistant_id] = reply.assistant
        if "phoneNumberIds" in change:
            self._holder = assistant_id if change["phoneNumberIds"] else None
        await asyncio.gather(
            self._read(1 - write_to, assistant_id),
            self._read(write_to, assistant_id),
            self._look_up(1 - write_to),
            self._look_up(write_to),
        )

    def _all_changes(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield for ever: a path, the assistant that it is about, and what changes."""
        first, second = self._ids
        for turn in itertools.count():
            for assistant_id in self._ids:
                path = f"/api/assistants/{assistant_id}"
                numbers_path = f"{path}/telephony/phone-numbers"
                yield path, assistant_id, {"name": f"Agent {turn}", "first_message": f"Hello for the {turn}th time"}
                yield path, assistant_id, {"inbound_enabled": turn % 3 != 0}
                # Each takes the number from the other one, or for the first time.
                yield numbers_path, assistant_id, {"phoneNumberIds": [self._number_id], "reassign": True}
                yield path, assistant_id, {"temperature": turn % 200 / 100, "system_prompt": f"Prompt {turn}"}
            if turn % 2:
                yield f"/api/assistants/{second}/telephony/phone-numbers", second, {"phoneNumberIds": []}
                yield f"/api/assistants/{first}", first, {"inbound_enabled": turn % 4 == 1}

    async def _read(self, api: int, assistant_id: str) -> None:
        expected = self._records[assistant_id]
        reply = await self._team.client.get(api, f"/api/assistants/{assistant_id}")
        self.reads += 1
        if reply.status != 200 or reply.assistant != expected:
            self.stale.append(f"GET of api {api}: {reply.body!r} instead of {expected!r}")

    async def _look_up(self, api: int) -> None:
        expected = self._expected_route()
        reply = await self._team.client.get(api, f"/api/routing/inbound/{self._phone_number}")
        self.reads += 1
        if reply.status != 200 or msgspec.json.decode(reply.body, type=_Route) != expected:
            self.stale.append(f"look-up of api {api}: {reply.body!r} instead of {expected!r}")

    def _expected_route(self) -> "_Route":
        record = None if self._holder is None else self._records.get(self._holder)
        if record is None:
            return _Route("unassigned", None, None)
        if not msgspec.json.decode(record)["inbound_enabled"]:
            return _Route("inbound_disabled", self._holder, None)
        return _Route("routed", self._holder, msgspec.json.decode(record))


class _Route(msgspec.Struct):
    outcome: str
    assistant_id: str | None
    assistant: dict[str, Any] | None


async def hire(team: Team) -> RereadingWriter:
    """Return a writer with two assistants and a number of its own."""
    return RereadingWriter(team, (await team.assistant(), await team.assistant(1)), await team.number())
