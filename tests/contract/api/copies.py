"""A second copy of the API beside the first one: allowed to read only, and with its log kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from tests.contract.api.service import Caller, Service, is_ready, run_process
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
        **service.environment,
        "DATABASE_URL": service.environment["DATABASE_URL"] + "?default_transaction_read_only=on",
        "API_PORT": str(port),
        "LOG_LEVEL": "debug",
        **settings,
    }
    async with run_process(service.start, "patchbay.api", environment, log):
        copy = Caller(service.operator.session, url, service.operator.secret)
        assert await eventually(lambda: is_ready(copy), READY_SECONDS), log
        yield Copy(url, log)
