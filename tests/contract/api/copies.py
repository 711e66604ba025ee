"""A second copy of the API beside the first one: allowed to read only, and with its log kept."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from tests.contract.api.service import STOP_SECONDS, Caller, Service, is_ready
from tests.servers import eventually

from patchbay.embedded.ports import free_port

READY_SECONDS = 60.0


class Copy(msgspec.Struct, frozen=True):
    """A running copy."""

    url: str
    log: Path


@asynccontextmanager
async def another_copy(service: Service, log: Path, **settings: str) -> AsyncIterator[Copy]:
    """
    Run one more copy of the API.

    It may write no table: what copies share they share by NOTIFY.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        **service.environment,
        "DATABASE_URL": service.environment["DATABASE_URL"] + "?default_transaction_read_only=on",
        "API_PORT": str(port),
        "LOG_LEVEL": "debug",
        **settings,
    }
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "patchbay.api", env=environment, stdout=file, stderr=file
        )
        try:
            copy = Caller(service.operator.session, url, service.operator.secret)
            assert await eventually(lambda: is_ready(copy), READY_SECONDS), log
            yield Copy(url, log)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                try:
                    await asyncio.wait_for(process.wait(), STOP_SECONDS)
                except TimeoutError:
                    process.kill()
                    await process.wait()
