"""A proxy that loses answers: the API has carried the request out, and its client never hears of it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

PIECE_BYTES = 65_536


class LosingProxy:
    """Cuts connections by chance: before the request arrives, after it has, or in the middle of the answer."""

    def __init__(self, host: str, port: int, seed: int) -> None:
        self._host, self._port = host, port
        self._random = random.Random(seed)
        self.url = ""
        self.losses = {"request": 0, "answer": 0, "rest": 0}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on, and cut it sooner or later."""
        upstream_writer: asyncio.StreamWriter | None = None
        try:
            upstream, upstream_writer = await asyncio.open_connection(self._host, self._port)
            while request := await reader.read(PIECE_BYTES):
                loss = self._random.choice(("request", "answer", "rest", "", "", ""))
                if loss == "request":
                    self.losses[loss] += 1
                    return
                upstream_writer.write(request)
                answer = await upstream.read(PIECE_BYTES)
                if loss:
                    self.losses[loss] += 1
                    writer.write(answer[:20] if loss == "rest" else b"")
                    return
                writer.write(answer)
                await writer.drain()
        except ConnectionError:
            return  # the client has given up
        finally:
            for end in (writer, upstream_writer):
                if end is not None:
                    end.close()
                    with suppress(ConnectionError):
                        await end.wait_closed()


@asynccontextmanager
async def losing_proxy(url: str, seed: int) -> AsyncIterator[LosingProxy]:
    """Run a proxy before the API at `url`."""
    host, _, port = url.removeprefix("http://").partition(":")
    proxy = LosingProxy(host, int(port), seed)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await server.wait_closed()
