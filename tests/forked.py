"""Services that are forked from one process, which has imported all that they need: see `tests.forking`."""

import asyncio
import json
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio
from tests.thoroughness import IS_THOROUGH

from patchbay.embedded import Launch, Running, start

Start = Callable[[Launch], Awaitable[Running]]  # as `patchbay.embedded.start`

_SCRIPT = Path(__file__).with_name("forking.py")
_PREFIX = "patchbay."


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def starting() -> AsyncIterator[Start]:
    """Give what starts services: forks of one process that has imported all; with `THOROUGH`, each by itself."""
    if IS_THOROUGH:
        yield start
    else:
        async with forking() as start_by_fork:
            yield start_by_fork


@asynccontextmanager
async def forking() -> AsyncIterator[Start]:
    """Yield what starts services by forks, and everything else as usual; all services end with the body."""
    loop = asyncio.get_running_loop()
    transport, forks = await loop.subprocess_exec(
        _Forks, sys.executable, "-P", str(_SCRIPT), stderr=None, start_new_session=True
    )
    stdin = transport.get_pipe_transport(0)
    assert isinstance(stdin, asyncio.WriteTransport)
    one_at_a_time = asyncio.Lock()

    async def start_by_fork(launch: Launch) -> Running:
        python, flag, module, *arguments = (*launch.command, "", "", "")
        if (python, flag) != (sys.executable, "-m") or not module.startswith(_PREFIX):
            return await start(launch)
        wanted = {
            "service": module.removeprefix(_PREFIX),
            "arguments": [argument for argument in arguments if argument],
            "environ": dict(launch.environ),
            "log": str(launch.log_path),
            "death_signal": int(launch.stop_signal),
        }
        async with one_at_a_time:
            started = loop.create_future()
            forks.waiting.append(started)
            stdin.write(json.dumps(wanted).encode() + b"\n")
            return Running(launch, await started)

    try:
        yield start_by_fork
    finally:
        stdin.close()
        await forks.gone.wait()
        transport.close()


class _Process:
    """A forked service."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.ended = asyncio.Event()

    async def wait(self) -> int:
        """Wait until it has ended, and return its exit code."""
        await self.ended.wait()
        assert self.returncode is not None
        return self.returncode


class _Forks(asyncio.SubprocessProtocol):
    """Hears what was started, and what has ended."""

    def __init__(self) -> None:
        self.waiting: deque[asyncio.Future[_Process]] = deque()
        self.gone = asyncio.Event()
        self._running: dict[int, _Process] = {}
        self._rest = b""

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Take whole lines."""
        assert fd == 1
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            fact = json.loads(line)
            if "started" in fact:
                process = self._running[fact["started"]] = _Process(fact["started"])
                self.waiting.popleft().set_result(process)
            else:
                process = self._running.pop(fact["ended"])
                process.returncode = fact["code"]
                process.ended.set()

    def process_exited(self) -> None:
        """Leave nobody waiting."""
        self.gone.set()
        while self.waiting:
            self.waiting.popleft().set_exception(ConnectionResetError("what forks services has ended"))
