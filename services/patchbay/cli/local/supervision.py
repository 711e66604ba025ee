"""Keep processes running: start, start again with backoff, stop in order."""

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from patchbay.embedded import Launch, Running, ServerNotStarted, start

Say = Callable[[str], None]

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0
_GOOD_LIFE_SECONDS: Final = 60.0  # after it, a death is the first one again
_LIFE_LOOK_SECONDS: Final = 5.0
_LOOKS_IN_VAIN: Final = 3  # one after the other: then only a new start helps
_LOG_BYTES: Final = 20_000_000  # of each process; one older part of the same size is kept
_LOG_LOOK_SECONDS: Final = 10.0


class Supervisor:
    """Keeps the processes of one data directory running."""

    def __init__(
        self,
        say: Say,
        on_change: Callable[[Mapping[str, Running]], None],
        *,
        life_look_seconds: float = _LIFE_LOOK_SECONDS,
    ) -> None:
        """
        Start nothing yet.

        Args:
            say: Tells people, one line at a time.
            on_change: Called when a process was started, before it is ready, and when one has ended.
            life_look_seconds: Between two looks whether a process that was ready is still alive.
        """
        self._say = say
        self._on_change = on_change
        self._life_look_seconds = life_look_seconds
        self._running: dict[str, Running] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._log_paths: list[Path] = []

    @property
    def running(self) -> Mapping[str, Running]:
        """The processes that run now, by name."""
        return self._running

    async def start(self, launches: Sequence[Launch]) -> None:
        """
        Start these processes together, wait until all are ready, and keep them running from then on.

        Raises:
            ServerNotStarted: One of them ended, or was not ready in time.
            OSError: A log cannot be written.
        """
        for launch in launches:
            await self._start_one(launch)
        try:
            async with asyncio.TaskGroup() as group:
                for launch in launches:
                    group.create_task(self._running[launch.name].wait_ready())
        except* ServerNotStarted as group_error:
            raise group_error.exceptions[0] from None
        for launch in launches:
            self._keepers[launch.name] = asyncio.create_task(self._keep(launch), name=f"keep {launch.name}")

    async def stop(self, order: Sequence[str]) -> None:
        """Stop the processes one after the other, each within its deadline."""
        await self._dismiss_keepers()
        for name in order:
            process = self._running.get(name)
            if process is not None and not await process.stop():
                seconds = process.launch.stop_timeout_seconds
                self._say(f"{name} did not stop within {seconds:g} s and was killed")
        self._running.clear()
        self._on_change(self._running)

    def kill_now(self) -> None:
        """End all processes at once, without waiting for it."""
        for process in self._running.values():
            process.kill_now()

    async def bound_logs(self) -> None:
        """Keep every log below its bound until cancelled."""
        while True:
            for path in self._log_paths:
                await asyncio.to_thread(_cut_log, path)
            await asyncio.sleep(_LOG_LOOK_SECONDS)

    async def _start_one(self, launch: Launch) -> Running:
        if launch.log_path not in self._log_paths:
            self._log_paths.append(launch.log_path)
        process = await start(launch)
        self._running[launch.name] = process
        self._on_change(self._running)
        return process

    async def _keep(self, launch: Launch) -> None:
        process = self._running[launch.name]
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            born_at = time.monotonic()
            code = await self._end_of(process)
            self._running.pop(launch.name, None)
            self._on_change(self._running)
            if time.monotonic() - born_at > _GOOD_LIFE_SECONDS:
                pause_seconds = _FIRST_PAUSE_SECONDS
            self._say(f"{launch.name} ended ({describe_exit(code)}); it is started again in {pause_seconds:g} s")
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(_LONGEST_PAUSE_SECONDS, 2 * pause_seconds)
            process = await self._start_one(launch)
            await self._tell_when_ready(launch, process)

    async def _end_of(self, process: Running) -> int:
        """Return its exit code once it has ended; one that is there and does nothing any more is killed."""
        watching = asyncio.create_task(self._kill_when_hung(process), name=f"watch {process.launch.name}")
        try:
            return await process.wait()
        finally:
            watching.cancel()
            await asyncio.wait([watching])

    async def _kill_when_hung(self, process: Running) -> None:
        is_alive, looks_in_vain = process.launch.alive_probe, 0
        if is_alive is None:
            return
        while looks_in_vain < _LOOKS_IN_VAIN:
            await asyncio.sleep(self._life_look_seconds)
            looks_in_vain = 0 if await is_alive() else looks_in_vain + 1
        self._say(f"{process.launch.name} hangs: it did not say that it is alive {_LOOKS_IN_VAIN} times; it is killed")
        process.kill_now()

    async def _tell_when_ready(self, launch: Launch, process: Running) -> None:
        while process.exit_code is None:
            try:
                await process.wait_ready()
            except ServerNotStarted as error:
                if process.exit_code is None:
                    self._say(str(error))  # it may wait for another one: only its own death ends it
            else:
                self._say(f"{launch.name} is ready again (process {process.pid})")
                return

    async def _dismiss_keepers(self) -> None:
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        self._keepers.clear()


def describe_exit(code: int) -> str:
    """Return an exit code for people."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _cut_log(path: Path) -> None:
    # Copied and emptied, not renamed: the process goes on appending to the file that it has open.
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        shutil.copyfile(path, path.with_name(f"{path.name}.1"))
        with path.open("ab") as log:
            log.truncate(0)
