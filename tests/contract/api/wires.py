"""A copy of the API whose way to Postgres can be cut, or frozen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.contract.api.service import Caller, Service, is_ready, run_process
from tests.servers import eventually

from patchbay.embedded import free_port


class Wire:
    """A TCP wire to a server, which can be cut."""

    def __init__(self, host: str, port: int) -> None:
        self.is_cut = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        if self.is_cut:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._pipe(reader, far_writer), self._pipe(far_reader, writer))

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._flows.wait()
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.close()
            self._writers.discard(writer)

    def cut(self) -> None:
        """Cut all connections, and let none through until it is mended."""
        self.is_cut = True
        for writer in list(self._writers):
            writer.close()

    def freeze(self) -> None:
        """Let nothing through, and say nothing of it: as if the other side were halted."""
        self._flows.clear()

    def mend(self) -> None:
        """Let everything through again."""
        self.is_cut = False
        self._flows.set()


@asynccontextmanager
async def copy_behind_a_wire(service: Service) -> AsyncIterator[tuple[Caller, Wire]]:
    """Run another copy of the API, whose way to Postgres is a wire."""
    url = urlsplit(service.environment["DATABASE_URL"])
    wire = Wire(str(url.hostname), int(url.port or 5432))
    proxy = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    database_port = proxy.sockets[0].getsockname()[1]
    port = str(free_port())
    through = url._replace(netloc=f"{url.username}:{url.password}@127.0.0.1:{database_port}").geturl()
    caller = service.own.at(f"http://127.0.0.1:{port}")
    try:
        async with run_process(
            service.start, "patchbay.api", dict(service.environment) | {"API_PORT": port, "DATABASE_URL": through}
        ):
            await eventually(lambda: is_ready(caller), 30.0)
            yield caller, wire
    finally:
        wire.mend()
        wire.cut()
        proxy.close()
        await proxy.wait_closed()
