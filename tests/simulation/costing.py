"""
What a request costs, counted and not timed: steps of Python, round trips to the database, records of the log.

    python -m tests.simulation.costing [--write]

A request goes through the real handlers, the writer, the log and both projections, as in every simulation. A step is a
line of Python executed, or a call into C, by Patchbay's code or a library's; those of the standard library and of the
tests are not counted. The counts are the same on every machine and at every load. `--write` keeps them in `costs.json`,
which a test holds later ones against.
"""

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final
from unittest.mock import patch

import msgspec
import structlog
from tests.simulation.processes import Answered
from tests.simulation.scheduling import current_process
from tests.simulation.system import (
    PARTITIONS,
    PHONES,
    SLUGS,
    Beginning,
    System,
    beginning,
    number_ids,
    read_json,
    running,
)

from patchbay.projector.composition import PROJECTION as READ_MODEL
from patchbay.routing.composition import PROJECTION as ROUTING

KEPT: Final = Path(__file__).with_name("costs.json")
MARGIN: Final = 1.1  # what another version of Python counts otherwise is less
SLACK: Final = 0.15  # of a request; what many share may fall into one batch more
TIMES: Final = 16  # each request, so that what happens now and then has its part
TOGETHER: Final = 16  # clients at once, where they are to be decided together
_OURS: Final = ("/patchbay/", "/site-packages/")
_TESTS: Final = str(Path(__file__).parents[1]) + "/"

Costs = dict[str, dict[str, float]]  # by request, then by what is counted; of one request


class Counting:
    """Steps by process, while it is on."""

    def __init__(self) -> None:
        self.steps: Counter[str] = Counter()
        self._counts: dict[CodeType, bool] = {}

    @contextmanager
    def on(self) -> Iterator[None]:
        """Count in the block; who traces already, as a debugger does, goes on after it."""
        before = sys.gettrace(), sys.getprofile()
        sys.setprofile(self._profile)
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(before[0])
            sys.setprofile(before[1])

    def _is_counted(self, code: CodeType) -> bool:
        known = self._counts.get(code)
        if known is None:
            path = code.co_filename
            known = any(part in path for part in _OURS) and not path.startswith(_TESTS)
            self._counts[code] = known
        return known

    def _profile(self, frame: FrameType, event: str, _subject: object) -> None:
        if event == "c_call" and self._is_counted(frame.f_code):
            self.steps[_process()] += 1

    def _call(self, frame: FrameType, _event: str, _subject: object) -> Callable[..., Any] | None:
        return self._line if self._is_counted(frame.f_code) else None

    def _line(self, _frame: FrameType, event: str, _subject: object) -> Callable[..., Any]:
        if event == "line":
            self.steps[_process()] += 1
        return self._line


def _process() -> str:
    return current_process().name.rpartition("-")[0]


class Client:
    """Sends requests of one account, and counts what they cost."""

    def __init__(self, system: System, made: Beginning) -> None:
        self._system = system
        self._fields = {"Authorization": f"Bearer {made.keys[0]}"}
        self._turn = 0
        self.assistants = made.assistants[0]
        self.costs: Costs = {}

    async def ask(self, method: str, path: str, **body: object) -> Answered:
        """Send one request; it must be answered with 200."""
        encoded = msgspec.json.encode({"accountSlug": SLUGS[0], **body}) if body else b""
        answered = await self._system.apis[0].ask(method, path, self._fields, encoded)
        read_json(answered)
        return answered

    async def create(self) -> None:
        """Create an assistant."""
        self._turn += 1
        await self.ask("POST", "/api/assistants", name=f"Agent {self._turn}", templateId="outbound-setter")

    async def update(self) -> None:
        """Change an assistant."""
        self._turn += 1
        await self.ask("PATCH", f"/api/assistants/{self.assistants[0]}", first_message=f"Hello {self._turn}")

    async def assign(self) -> None:
        """Give an assistant another number than it has."""
        self._turn += 1
        path = f"/api/assistants/{self.assistants[0]}/telephony/phone-numbers"
        await self.ask("PATCH", path, phoneNumberIds=[number_ids()[self._turn % 2]])

    async def read(self) -> None:
        """Read an assistant."""
        await self.ask("GET", f"/api/assistants/{self.assistants[0]}")

    async def look_up(self) -> None:
        """Ask who answers a number."""
        await self.ask("GET", f"/api/routing/inbound/{PHONES[0]}")

    async def count(self, name: str, request: Callable[[], Awaitable[None]], *, together: int = 1) -> None:
        """Send it often, one after the other or so many at once, and keep what one of them costs."""
        for _ in range(2):
            await asyncio.gather(*[request() for _ in range(together)])  # what is made once is there by then
        await self._system.until(self._system.caught_up, "the projections are there")
        counting, trace, records = Counting(), self._system.server.trace, self._records()
        self._system.server.trace = []
        with counting.on():
            for _ in range(TIMES // together):
                await asyncio.gather(*[request() for _ in range(together)])
            await self._system.until(self._system.caught_up, "the projections are there")
        trips, self._system.server.trace = self._system.server.trace, trace
        found = {f"steps, {process}": steps for process, steps in sorted(counting.steps.items()) if process}
        found["round trips to the database"] = len(trips)
        found["records"] = self._records() - records
        self.costs[name] = {what: round(count / TIMES, 2) for what, count in found.items()}

    def _records(self) -> int:
        return sum(len(self._system.log.records(partition)) for partition in range(PARTITIONS))


def count_costs() -> Costs:
    """Return what each kind of request costs, its line in the log with it."""
    lines = [(logging.INFO, "example", _drop, _flush)]  # as a process of its own has it that logs JSON
    with structlog.testing.capture_logs(), patch("patchbay.process.logs._frequent", lines):
        return _count_costs()


def _drop(_line: str) -> None:
    """Write a line nowhere."""


def _flush() -> None:
    """Do nothing."""


def _count_costs() -> Costs:
    made = beginning()
    system = System(1, made)
    client = Client(system, made)

    async def main() -> None:
        system.add_projection(READ_MODEL)
        system.add_projection(ROUTING)
        api = system.add_api()
        await system.until(lambda: api.application is not None, "the API is up")
        await client.count("create", client.create)
        await client.count(f"create, {TOGETHER} at once", client.create, together=TOGETHER)
        await client.count("PATCH", client.update)
        await client.count(f"PATCH, {TOGETHER} at once", client.update, together=TOGETHER)
        await client.count("PATCH of numbers", client.assign)
        await client.count("GET", client.read)
        await client.count(f"GET, {TOGETHER} at once", client.read, together=TOGETHER)
        await client.count("routing look-up", client.look_up)
        await system.end()

    with running(system) as run:
        run(main())
    return client.costs


def exceeded(costs: Costs, kept: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return, in words, each cost that is higher than the one kept by more than the margin, or was not there."""
    found = []
    for request, counts in costs.items():
        for what, count in counts.items():
            held = kept.get(request, {}).get(what, 0.0)
            if count > held * MARGIN + SLACK:
                found.append(f"{request}: {count:g} {what}, {held:g} are held")
    return found


def read_kept() -> Costs:
    """Return the costs that are held."""
    return msgspec.json.decode(KEPT.read_bytes(), type=Costs)


def main() -> None:
    """Count, print, and keep if asked to."""
    costs = count_costs()
    text = msgspec.json.format(msgspec.json.encode(costs), indent=2).decode() + "\n"
    sys.stdout.write(text)
    if "--write" in sys.argv[1:]:
        KEPT.write_text(text)


if __name__ == "__main__":
    main()
