"""A Kamailio with the configuration that is shipped, as a process on loopback."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

from tests.servers import eventually
from tests.system.telephony.sip import open_caller
from tests.system.telephony.tools import KAMAILIO, find

from patchbay.embedded import free_port

CONFIGURATION: Final = Path(__file__).parents[3] / "deploy" / "kamailio" / "kamailio.cfg"
VOICE_HOST: Final = "voice.patchbay.test:5080"
STOP_SECONDS: Final = 10.0


class Router:
    """A running Kamailio."""

    def __init__(self, port: int, log_path: Path) -> None:
        self.port = port
        self.log_path = log_path

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self.log_path.read_text(errors="replace")


def environ(database_url: str, port: int) -> Mapping[str, str]:
    """Return the settings."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PATCHBAY_DATABASE_URL": database_url,
        "PATCHBAY_VOICE_HOST": VOICE_HOST,
        "PATCHBAY_LISTEN": f"udp:127.0.0.1:{port}",
        "PATCHBAY_WORKERS": "4",
        "PATCHBAY_LOG_STDERR": "yes",
    }


@contextlib.asynccontextmanager
async def run_router(directory: Path, database_url: str) -> AsyncIterator[Router]:
    """Run it until the body is left."""
    port = free_port()
    router = Router(port, directory / "kamailio.log")
    command = (find(KAMAILIO), "-DD", "-E", "-f", str(CONFIGURATION), "-Y", str(directory), "-w", str(directory))
    with router.log_path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, env=environ(database_url, port), stdout=log, stderr=log, start_new_session=True
        )
    try:
        await eventually(lambda: answers_options(port), 20.0)
        yield router
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def answers_options(port: int) -> bool:
    """Return whether somebody who listens there answers."""
    async with open_caller(port) as caller:
        try:
            async with asyncio.timeout(1.0):
                return (await caller.request("OPTIONS", "ping")).status == 200
        except TimeoutError:
            return False
