"""The API's own listener by TLS, as a process."""

import asyncio
import ssl
import sys
from pathlib import Path

import aiohttp
import pytest
from tests.forked import Start
from tests.secured import Secured
from tests.system.guarantees.servers import SYSTEM

from patchbay.embedded import Launch, free_port

_READY_SECONDS = 60.0


async def test_the_api_speaks_https_alone(secured: Secured, starting: Start, tmp_path: Path) -> None:
    """A client that trusts the authority is served, and one that speaks plain HTTP is not."""
    shown, port = secured.authority.issue("api"), free_port()
    environ = {
        **SYSTEM,
        **secured.environ("api", "api"),
        "API_PORT": str(port),
        "API_TLS_CERTIFICATE_FILE": str(shown.certificate),
        "API_TLS_KEY_FILE": str(shown.key),
    }
    url = f"https://127.0.0.1:{port}/readyz"
    trusting = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=secured.authority.file))
    async with aiohttp.ClientSession(connector=trusting) as session:

        async def is_ready() -> bool:
            try:
                async with session.get(url) as answer:
                    return answer.status == 200
            except aiohttp.ClientConnectorError:
                return False

        launch = Launch(
            name="api-tls",
            command=(sys.executable, "-m", "patchbay.api"),
            environ=environ,
            log_path=tmp_path / "api.log",
            probe=is_ready,
        )
        process = await starting(launch)
        try:
            await process.wait_ready()
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await _get_trusting_nobody(url)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await asyncio.wait_for(reader.readexactly(12), _READY_SECONDS)
            writer.close()
        finally:
            await process.stop()


async def _get_trusting_nobody(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(url):
        pass
