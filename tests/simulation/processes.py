"""The processes of a system as their own code has them, on what is simulated: started, paused, killed."""

import asyncio
import contextlib
import hashlib
import random
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any, Final

from aiohttp import HttpVersion11
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web import BaseRequest, StreamResponse
from multidict import CIMultiDict, CIMultiDictProxy
from tests.simulation.database.connections import Network, opening
from tests.simulation.logging_in_time import Brokers
from tests.simulation.scheduling import Process, SimulatedLoop, current_process
from typeid import TypeID
from yarl import URL

from patchbay import eventlog, postgres
from patchbay.api import __main__ as api_process
from patchbay.api import chance as api_chance
from patchbay.api.application import Application
from patchbay.api.description import published
from patchbay.api.settings import ApiSettings
from patchbay.api.writing import clock as writing_clock
from patchbay.process import Secret
from patchbay.projection import Progress, Projection, Projector

EPOCH: Final = datetime(2026, 3, 1, tzinfo=UTC)
OPERATOR_KEY: Final = "tk_test_operator"
OPERATOR_SHA256: Final = hashlib.sha256(OPERATOR_KEY.encode()).hexdigest()


class Gone(Exception):
    """The connection to the process broke: whatever was asked may have been done."""


class Answered:
    """An answer as a client gets it."""

    def __init__(self, response: StreamResponse) -> None:
        head, _, self.body = response._bytes.partition(b"\r\n\r\n")  # type: ignore[attr-defined] # our own response
        self.status = response.status
        self.fields = CIMultiDict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:])


class Node:
    """One process: what it runs, for as long as it lives."""

    def __init__(self, loop: SimulatedLoop, network: Network, name: str) -> None:
        self.loop = loop
        self.network = network
        self.name = name
        self.process = Process(name)
        self.lives: list[Process] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.stop = asyncio.Event()
        self.is_up = False

    def start(self) -> None:
        """Start the process anew."""
        self.process = Process(self.name, clock_skew_seconds=self.process.clock_skew_seconds)
        self.lives.append(self.process)
        self.stop = asyncio.Event()
        self.is_up = True
        context = self.loop.context_of(self.process)
        self.tasks.append(context.run(self.loop.create_task, self.serve()))

    async def serve(self) -> None:
        """Be the process, until told to stop."""
        raise NotImplementedError

    def kill(self) -> None:
        """End it between two steps."""
        self.loop.kill(self.process)
        self.network.cut(self.process)
        self.is_up = False

    def pause(self) -> None:
        """Let it stand still, as SIGSTOP does."""
        self.process.paused = True

    def resume(self) -> None:
        """Let it go on, unless it is dead."""
        if not self.process.killed:
            self.loop.resume(self.process)


class ApiNode(Node):
    """A copy of the API."""

    def __init__(self, loop: SimulatedLoop, network: Network, name: str) -> None:
        super().__init__(loop, network, name)
        self.application: Application | None = None
        self._asking: dict[asyncio.Future[Answered], None] = {}

    async def serve(self) -> None:
        """Put everything together as the process does, and answer."""
        settings = ApiSettings(
            kafka_bootstrap_servers="",
            database_url=Secret(""),
            operator_key_sha256=OPERATOR_SHA256,
            instance_id=self.name,
        )
        async with api_process._open_backend(settings, self.stop) as opened:
            self.application = Application(opened[0])
            await self.stop.wait()
            self.application = None

    def kill(self) -> None:
        """End it; who waits for an answer gets none."""
        super().kill()
        self.application = None
        for future in list(self._asking):
            if not future.done():
                future.set_exception(Gone())

    async def ask(self, method: str, path: str, fields: Mapping[str, str], body: bytes = b"") -> Answered:
        """
        Send a request, and return its answer.

        Raises:
            Gone: There is none.
        """
        await asyncio.sleep(self.network.delay())
        application, loop = self.application, self.loop
        if application is None or not self.is_up:
            raise Gone
        future: asyncio.Future[Answered] = loop.create_future()
        self._asking[future] = None
        context = loop.context_of(self.process)
        request = _request(loop, method, path, fields, body)
        task = context.run(loop.create_task, application.handle(request))
        self.tasks.append(task)
        task.add_done_callback(lambda done: loop.in_world(self.network.delay(), _pass_on, future, done))
        try:
            return await future
        finally:
            self._asking.pop(future, None)


class ProjectionNode(Node):
    """A process that projects."""

    def __init__(
        self, loop: SimulatedLoop, network: Network, name: str, brokers: Brokers, projection: Projection[Any]
    ) -> None:
        super().__init__(loop, network, name)
        self._brokers = brokers
        self._projection = projection

    async def serve(self) -> None:
        """Project, as the process does."""
        projector: Projector[Any] = Projector(
            self._projection,
            self._brokers.log.identity,
            self._brokers.open_reader,
            database_url="",
            instance_id=self.name,
            progress=Progress(self._projection.tables.projection),
        )
        await projector.run(self.stop)


class _NoConnection:
    """What a request stands on where there is no wire."""

    ssl_context = peername = sockname = transport = handler = None
    is_chunked = False
    _reading_paused = False

    def resume_reading(self, **_options: object) -> None:
        """Do nothing: all has come."""


def _request(loop: SimulatedLoop, method: str, path: str, fields: Mapping[str, str], body: bytes) -> BaseRequest:
    headers = CIMultiDict(fields)
    if body:
        headers["Content-Type"] = "application/json"
        headers["Content-Length"] = str(len(body))
    no = False  # it closes, changes its protocol, is chunked
    url = URL(path, encoded=True)
    message = RawRequestMessage(method, path, HttpVersion11, CIMultiDictProxy(headers), (), no, None, no, no, url)
    protocol: Any = _NoConnection()
    content = StreamReader(protocol, 2**16, loop=loop)
    if body:
        content.feed_data(body)
    content.feed_eof()
    nothing: Any = None
    return BaseRequest(message, content, protocol, nothing, nothing, loop)


def _pass_on(future: "asyncio.Future[Answered]", task: "asyncio.Task[StreamResponse]") -> None:
    if future.done():
        return
    if task.cancelled() or task.exception() is not None:
        future.set_exception(Gone())
    else:
        future.set_result(Answered(task.result()))


@contextlib.contextmanager
def simulated(loop: SimulatedLoop, network: Network, brokers: Brokers) -> Iterator[None]:
    """Let the processes' own code find the simulated log, database, clock and chance in place of the real ones."""
    open_connection, open_pool = opening(network)

    async def open_log(*_place: object, **_options: object) -> object:
        await asyncio.sleep(brokers.delay())
        return brokers.log.identity

    def now() -> str:
        skew = current_process().clock_skew_seconds
        return (EPOCH + timedelta(seconds=loop.time() + skew)).isoformat(timespec="microseconds")[:26] + "Z"

    clock = SimpleNamespace(monotonic=loop.time, perf_counter=loop.time, time=loop.time)
    chance = SimpleNamespace(
        token_hex=lambda octets: random.randbytes(octets).hex(),
        token_bytes=random.randbytes,
        token_urlsafe=lambda octets: random.randbytes(octets).hex(),
        randbits=random.getrandbits,
    )
    parts = (
        open_log,
        open_pool,
        lambda *_: brokers.open_appender(),
        open_connection,
        now,
        clock,
        chance,
        _mint,
        _publish,
        _random_hex,
    )
    before = [(module, name, vars(module)[name]) for module, name, _ in _places()]
    for module, name, index in _places():
        setattr(module, name, parts[index])
    try:
        yield
    finally:
        for module, name, real in before:
            setattr(module, name, real)


_REAL: Final = (
    eventlog.open_log,
    postgres.open_pool,
    eventlog.open_appender,
    postgres.open_connection,
    writing_clock.now,
    time,
    secrets,
    TypeID,
    published.publish,
    api_chance.random_hex,
)
_publish = cache(published.publish)  # the same for every copy, and long


@cache
def _places() -> list[tuple[ModuleType, str, int]]:
    """Return where our modules have the real parts, each with its place in `_REAL`."""
    numbers = {id(part): number for number, part in enumerate(_REAL)}
    ours = [module for name, module in sys.modules.items() if name.startswith("patchbay.")]
    return [(m, name, numbers[id(part)]) for m in ours for name, part in vars(m).items() if id(part) in numbers]


def _random_hex(count: int) -> str:
    return random.randbytes(count).hex()


def _mint(prefix: str) -> str:
    return f"{prefix}_01{random.randbytes(12).hex()}"
