"""What stands before the copies of the API: a balancer of connections, which asks each copy whether it is ready."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from tests.system.guarantees.readiness import is_ready

LOOK_SECONDS = 0.1


class Balancer:
    """Gives each new connection to the first copy that is ready, and keeps it there: it knows nothing of HTTP."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = tuple(ports)  # of the copies, the preferred one first
        self._ready = set(ports)
        self._pumps: set[asyncio.Task[None]] = set()

    async def look(self) -> None:
        """Ask each copy again and again."""
        while True:
            for port in self._ports:
                if await is_ready(port):
                    self._ready.add(port)
                else:
                    self._ready.discard(port)
            await asyncio.sleep(LOOK_SECONDS)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect a client with a copy, until one of the two goes."""
        for port in sorted(self._ports, key=lambda port: port not in self._ready):
            with contextlib.suppress(ConnectionRefusedError):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
                for source, sink in ((reader, far_writer), (far_reader, writer)):
                    pump = asyncio.create_task(_pump(source, sink))
                    self._pumps.add(pump)
                    pump.add_done_callback(self._pumps.discard)
                return
        writer.close()

    async def close(self) -> None:
        """Let go of all connections."""
        for pump in self._pumps:
            pump.cancel()
        if self._pumps:
            await asyncio.wait(self._pumps)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while content := await reader.read(65_536):
            writer.write(content)
            await writer.drain()
    except (ConnectionError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def balanced(ports: Sequence[int]) -> AsyncIterator[int]:
    """Yield the port of a balancer before these copies, the first of which it prefers."""
    balancer = Balancer(ports)
    server = await asyncio.start_server(balancer.serve, "127.0.0.1", 0)
    looking = asyncio.create_task(balancer.look())
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        looking.cancel()
        await asyncio.wait([looking])
        server.close()
        await balancer.close()
