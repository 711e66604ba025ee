"""Start a process from a plan, wait until it answers, and stop it within a deadline."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from patchbay.embedded.errors import ServerNotStarted
from patchbay.embedded.unprivileged import Identity, shim_command

Probe = Callable[[], Awaitable[bool]]

_PROBE_INTERVAL_SECONDS = 0.05


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """All that is needed to start a process, as often as it takes."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    log_path: Path  # standard output and error, appended
    probe: Probe  # true once the process does its work; never raises
    alive_probe: Probe | None = None  # false where only a new start helps; None: its death alone is noticed
    identity: Identity = "same"
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_seconds: float = 10.0
    start_timeout_seconds: float = 60.0


class Process(Protocol):
    """A child process, such as one of `asyncio.subprocess`."""

    @property
    def pid(self) -> int:
        """Its id."""

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""

    async def wait(self) -> int:
        """Wait until it has ended."""


class Running:
    """A process that was started: in a session of its own, dying with this process (on Linux)."""

    def __init__(self, launch: Launch, process: Process) -> None:
        self.launch = launch
        self.pid = process.pid
        self._process = process

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait until it has ended."""
        return await self._process.wait()

    async def wait_ready(self) -> None:
        """
        Wait until the probe says yes.

        Raises:
            ServerNotStarted: It ended before, or the time is up.
        """
        try:
            async with asyncio.timeout(self.launch.start_timeout_seconds):
                while not await self.launch.probe():
                    if self.exit_code is not None:
                        raise self._not_started(f"it ended with exit code {self.exit_code}{self._last_words()}")
                    await asyncio.sleep(_PROBE_INTERVAL_SECONDS)
        except TimeoutError:
            reason = f"it was not ready after {self.launch.start_timeout_seconds:g} s"
            raise self._not_started(reason) from None

    async def stop(self) -> bool:
        """Ask it to stop, kill it at the deadline; false if it had to be killed."""
        if self.exit_code is not None:
            return True
        self._signal(self.launch.stop_signal)
        try:
            async with asyncio.timeout(self.launch.stop_timeout_seconds):
                await self.wait()
        except TimeoutError:
            await self.kill()
            return False
        return True

    async def kill(self) -> None:
        """End it and all in its session's process group at once."""
        self.kill_now()
        await self.wait()

    def kill_now(self) -> None:
        """Have it ended at once, without waiting for it."""
        self._signal(signal.SIGKILL)

    def _signal(self, signum: signal.Signals) -> None:
        if self.exit_code is None:
            try:
                if signum == signal.SIGKILL:
                    os.killpg(self.pid, signum)
                else:
                    os.kill(self.pid, signum)
            except ProcessLookupError:
                pass  # it ended a moment ago, and wait() will tell

    def _not_started(self, reason: str) -> ServerNotStarted:
        return ServerNotStarted(self.launch.name, reason, self.launch.log_path)

    def _last_words(self) -> str:
        with self.launch.log_path.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
            lines = log.read().decode(errors="replace").strip().splitlines()
        return f', saying "{_words_of(lines[-1].strip())[:300]}"' if lines else ""


def _words_of(line: str) -> str:
    """Return the reason that a structured line gives; any other line as it is."""
    try:
        found = json.loads(line)
    except ValueError:
        return line
    return str(found.get("reason") or found.get("event") or line) if isinstance(found, dict) else line


async def start(launch: Launch) -> Running:
    """
    Start the process; it is not ready yet.

    Raises:
        OSError: The log cannot be written.
    """
    launch.log_path.parent.mkdir(parents=True, exist_ok=True)
    with launch.log_path.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *shim_command(launch.identity, launch.stop_signal, launch.command),
            env=dict(launch.environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C at the terminal is for this process alone: it stops the others in order
        )
    return Running(launch, process)


@asynccontextmanager
async def running(launch: Launch) -> AsyncIterator[Running]:
    """
    Run the process, ready, until the block is left.

    Raises:
        ServerNotStarted: It ended at once, or did not become ready.
        OSError: The log cannot be written.
    """
    process = await start(launch)
    try:
        await process.wait_ready()
        yield process
    finally:
        await process.stop()
