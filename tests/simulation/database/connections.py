"""Connections to the simulated database as asyncpg's are used: every round trip takes time and may go wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Final

import asyncpg
from tests.simulation.database.server import Server, Session
from tests.simulation.scheduling import Process, SimulatedLoop, current_process

_NEVER: Final = float("inf")


class Trouble:
    """What is wrong between the processes and the database."""

    def __init__(self) -> None:
        self.is_away = False  # nobody gets a connection, nothing is answered
        self.hangs = False  # what was asked is done when it goes on
        self.cut_before = 0.0  # how likely a round trip breaks before the statement is done
        self.cut_after = 0.0  # and after
        self.delays: Sequence[float] = (0.0003,)  # seconds, one way
        self.drops_notifications = False


class Network:
    """The way to the server: whatever happens on it happens to the world, not to the process that asks."""

    def __init__(self, loop: SimulatedLoop, server: Server) -> None:
        self.loop = loop
        self.server = server
        self.trouble = Trouble()
        self._connections: dict[Process, dict[FakeConnection, None]] = {}
        self._held: list[Callable[[], object]] = []

    def delay(self) -> float:
        """Return how long one way takes."""
        return self.loop.random.choice(self.trouble.delays)

    def go_on(self) -> None:
        """End what is wrong, and do what was held up."""
        self.trouble.is_away = self.trouble.hangs = self.trouble.drops_notifications = False
        self.trouble.cut_before = self.trouble.cut_after = 0.0
        held, self._held = self._held, []
        for work in held:
            self.loop.in_world(0.0, work)

    def arrive(self, work: Callable[[], object]) -> None:
        """Do this at the server, unless it hangs."""
        if self.trouble.hangs:
            self._held.append(work)
        else:
            work()

    def opened(self, connection: "FakeConnection") -> None:
        """Know of a connection."""
        self._connections.setdefault(connection.process, {})[connection] = None

    def closed(self, connection: "FakeConnection") -> None:
        """Know of it no longer."""
        self._connections.get(connection.process, {}).pop(connection, None)

    def cut(self, process: Process) -> None:
        """Break all connections of a process, as its end or the network does; what is under way may still be done."""
        for connection in list(self._connections.get(process, ())):
            connection.break_()


class FakeConnection:
    """One connection."""

    def __init__(self, network: Network, *, command_timeout_seconds: float) -> None:
        self.process = current_process()
        self._network = network
        self._loop = network.loop
        self._timeout = command_timeout_seconds
        self._session: Session = network.server.connect(self._deliver)
        self._asking: dict[asyncio.Future[Any], None] = {}
        self._listeners: dict[str, Callable[..., None]] = {}
        self._on_end: list[Callable[..., None]] = []
        self._notified_at = 0.0
        self._context = self._loop.context_of(self.process)
        self.is_broken = False
        network.opened(self)

    async def fetch(self, text: str, *arguments: Any) -> Any:
        """Do a statement, and return its rows."""
        return await self._ask(lambda tell: self._network.server.run(self._session, text, arguments, tell))

    async def execute(self, text: str, *arguments: Any) -> str:
        """Do a statement."""
        await self.fetch(text, *arguments)
        return ""

    async def fetchrow(self, text: str, *arguments: Any) -> Any:
        """Return the first row; None if there is none."""
        rows = await self.fetch(text, *arguments)
        return rows[0] if rows else None

    async def fetchval(self, text: str, *arguments: Any) -> Any:
        """Return the first column of the first row; None if there is none."""
        row = await self.fetchrow(text, *arguments)
        return None if row is None else row[0]

    async def copy_records_to_table(
        self, table: str, *, schema_name: str, columns: Sequence[str], records: Any, **_options: Any
    ) -> None:
        """Copy rows."""
        rows = tuple(records)
        await self._ask(lambda tell: tell(self._network.server.copy(self._session, schema_name, table, columns, rows)))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Do all statements of the block, or none."""
        server, session = self._network.server, self._session
        await self._ask(lambda tell: _done(server.begin, session, tell))
        try:
            yield
        except BaseException:
            if not self.is_broken:
                await self._ask(lambda tell: _done(server.rollback, session, tell))
            raise
        await self._ask(lambda tell: _done(server.commit, session, tell))

    async def add_listener(self, channel: str, callback: Callable[..., None]) -> None:
        """Hear what is notified on a channel."""
        await self._ask(lambda tell: _done(self._session.channels.add, channel, tell))
        self._listeners[channel] = callback

    def add_termination_listener(self, callback: Callable[..., None]) -> None:
        """Tell when the connection is no more."""
        self._on_end.append(callback)

    def get_server_version(self) -> Any:
        """Return a version that is new enough."""
        return SimpleNamespace(major=18, minor=0)

    async def close(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's signature
        """Close it."""
        assert timeout is None or timeout > 0
        self.terminate()

    def terminate(self) -> None:
        """End it at once."""
        self._network.closed(self)
        self._network.loop.in_world(self._network.delay(), self._network.server.disconnect, self._session)
        self.is_broken = True
        self._on_end.clear()

    def break_(self) -> None:
        """Let it be broken, from outside."""
        self.is_broken = True
        self._network.closed(self)
        self._network.loop.in_world(self._network.delay(), self._network.server.disconnect, self._session)
        for future in list(self._asking):
            _fail(future, ConnectionResetError("the connection broke"))
        for callback in self._on_end:
            self._loop.call_soon(callback, self, context=self._context)

    async def _ask(self, work: Callable[[Callable[[object], None]], None]) -> Any:
        """One round trip."""
        if self.is_broken:
            raise asyncpg.InterfaceError("the connection is closed")
        loop, network, future = self._loop, self._network, self._loop.create_future()
        trouble = network.trouble
        self._asking[future] = None
        timer = loop.call_later(self._timeout, _fail, future, TimeoutError("the statement takes too long"))
        chance = loop.random.random() if trouble.cut_before or trouble.cut_after else 1.0

        def tell(result: object) -> None:
            if chance < trouble.cut_before + trouble.cut_after:
                self.break_()
            else:
                loop.in_world(network.delay(), _answer, future, result)

        if trouble.is_away or chance < trouble.cut_before:
            loop.in_world(network.delay(), self.break_)
        else:
            loop.in_world(network.delay(), network.arrive, lambda: self._work(work, tell))
        try:
            return await future
        finally:
            timer.cancel()
            self._asking.pop(future, None)

    def _work(self, work: Callable[[Callable[[object], None]], None], tell: Callable[[object], None]) -> None:
        if self._session.is_open:
            work(tell)

    def _deliver(self, sender: int, channel: str, payload: str) -> None:
        """Bring a notification, behind those before it."""
        if self._network.trouble.drops_notifications or self.is_broken:
            return
        loop = self._loop
        self._notified_at = max(loop.time() + self._network.delay(), self._notified_at)
        loop.call_at(self._notified_at, self._hear, sender, channel, payload, context=self._context)

    def _hear(self, sender: int, channel: str, payload: str) -> None:
        callback = self._listeners.get(channel)
        if callback is not None and not self.is_broken:
            callback(self, sender, channel, payload)


class FakePool:
    """A pool whose connections are opened at need; each use is one statement."""

    def __init__(self, network: Network, *, command_timeout_seconds: float) -> None:
        self._network = network
        self._timeout = command_timeout_seconds
        self._free: list[FakeConnection] = []

    async def fetch(self, text: str, *arguments: Any) -> Any:
        """Do a statement, and return its rows."""
        connection = self._take()
        rows = await connection.fetch(text, *arguments)  # one that is given up, or fails, is not used again
        self._free.append(connection)
        return rows

    async def fetchrow(self, text: str, *arguments: Any) -> Any:
        """Return the first row; None if there is none."""
        rows = await self.fetch(text, *arguments)
        return rows[0] if rows else None

    async def fetchval(self, text: str, *arguments: Any) -> Any:
        """Return the first column of the first row; None if there is none."""
        row = await self.fetchrow(text, *arguments)
        return None if row is None else row[0]

    def _take(self) -> FakeConnection:
        if self._network.trouble.is_away:
            raise ConnectionRefusedError("the database is away")
        while self._free:
            connection = self._free.pop()
            if not connection.is_broken:
                return connection
        return FakeConnection(self._network, command_timeout_seconds=self._timeout)


def opening(network: Network) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return what opens a connection and what opens a pool, as `patchbay.postgres` does."""

    @asynccontextmanager
    async def open_connection(
        _url: str, *, name: str, command_timeout_seconds: float = 10.0, session: Mapping[str, str] | None = None
    ) -> AsyncIterator[FakeConnection]:
        assert name or session is None
        await asyncio.sleep(network.delay())
        if network.trouble.is_away:
            raise ConnectionRefusedError("the database is away")
        connection = FakeConnection(network, command_timeout_seconds=command_timeout_seconds)
        try:
            yield connection
        finally:
            connection.terminate()

    @asynccontextmanager
    async def open_pool(
        _url: str, *, name: str, command_timeout_seconds: float = 5.0, **_options: Any
    ) -> AsyncIterator[FakePool]:
        assert name
        yield FakePool(network, command_timeout_seconds=command_timeout_seconds)

    return open_connection, open_pool


def _done(work: Callable[[Any], None], subject: Any, tell: Callable[[object], None]) -> None:
    work(subject)
    tell(None)


def _answer(future: "asyncio.Future[Any]", result: object) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()
