"""Whoever was told that a write is done finds it done, wherever the next question goes."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import msgspec
from tests.servers import eventually
from tests.system.guarantees.accounts import Team, open_team
from tests.system.guarantees.cluster import PROJECTOR, ROUTING, Cluster
from tests.system.guarantees.noting import Note

ROUNDS = 10_000
WRITERS = 64
TEAMS = 32
HICCUPS = 20
HICCUP_SECONDS = 0.1
READS_PER_ROUND = 4
PROGRESS_SECONDS = 30.0  # for a twentieth of all rounds


class Writer:
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


async def test_the_very_next_read_of_any_process_shows_what_was_written(cluster: Cluster, note: Note) -> None:
    """After a PATCH's 200, GET and the routing look-up of both processes of the API show it: never a stale answer."""
    numbers = iter(range(ROUNDS))

    async def go_on(writer: Writer) -> None:
        for number in numbers:  # shared: whoever is free takes the next
            await writer.round(number % 2)

    async with AsyncExitStack() as stack:
        teams = [await stack.enter_async_context(open_team(cluster)) for _ in range(TEAMS)]
        writers = await asyncio.gather(*(_hire(teams[index % TEAMS]) for index in range(WRITERS)))
        begun_at = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for writer in writers:
                group.create_task(go_on(writer))
            await _have_hiccups(cluster, writers)
        seconds = time.monotonic() - begun_at
    stale = [line for writer in writers for line in writer.stale]
    reads = sum(writer.reads for writer in writers)
    note(f"{ROUNDS} writes, {reads} reads right after them, {len(stale)} stale, {seconds:.1f} s")

    assert stale == []


async def _have_hiccups(cluster: Cluster, writers: Sequence[Writer]) -> None:
    """Hold one projection up for a moment, again and again: whoever does not wait for it is found out."""
    for number in range(HICCUPS):
        due = READS_PER_ROUND * ROUNDS * number // HICCUPS
        await eventually(partial(_have_read, writers, due), PROGRESS_SECONDS)
        with cluster.frozen((ROUTING, PROJECTOR)[number % 2]):
            await asyncio.sleep(HICCUP_SECONDS)  # the fault itself, and no wait for anything


def _have_read(writers: Sequence[Writer], reads: int) -> bool:
    return sum(writer.reads for writer in writers) >= reads


async def _hire(team: Team) -> Writer:
    return Writer(team, (await team.assistant(), await team.assistant(1)), await team.number())
