"""The processes of a run: killed, frozen and stopped by name, and started again when one has ended by itself."""

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Final

import msgspec
import psutil

from patchbay.embedded import Launch, Running, start

_LOOK_SECONDS: Final = 0.1
_PAUSE_SECONDS: Final = 0.5  # before what ended by itself is started again


class Processes:
    """Every process that was started here, each of which is ended by its id."""

    def __init__(self, launches: Mapping[str, Launch]) -> None:
        self.launches = dict(launches)
        self.ended: list[tuple[str, int]] = []  # by themselves: name, exit code
        self._running: dict[str, Running] = {}
        self._is_held: set[str] = set()  # somebody else sees to it that it runs

    async def start(self, *names: str) -> None:
        """
        Start these processes and wait until all are ready.

        Raises:
            ServerNotStarted: One ended, or was not ready in time.
        """
        for name in names:
            await self.spawn(name)
        await asyncio.gather(*(self._running[name].wait_ready() for name in names))

    async def spawn(self, name: str, environ: Mapping[str, str] | None = None) -> None:
        """Start a process, with these variables added, and do not wait for it."""
        launch = self.launches[name]
        if environ:
            launch = msgspec.structs.replace(launch, environ={**launch.environ, **environ})
        self._running[name] = await start(launch)

    def endings(self) -> dict[str, int]:
        """Return which processes have ended by themselves, and how often."""
        return dict(Counter(f"{name} (exit code {code})" for name, code in self.ended))

    async def is_ready(self, name: str) -> bool:
        """True if the process does its work."""
        return await self.launches[name].probe()

    @contextlib.asynccontextmanager
    async def killed(self, name: str) -> AsyncIterator[None]:
        """End a process as `kill -9` does, and start it again behind the body."""
        with self._held(name):
            await self._running[name].kill()
            try:
                yield
            finally:
                await self.spawn(name)

    @contextlib.asynccontextmanager
    async def replaced(self, name: str, environ: Mapping[str, str] | None = None) -> AsyncIterator[None]:
        """Stop a process in order; during the body it runs with these variables, or not at all if there are none."""
        with self._held(name):
            await self._running[name].stop()
            if environ:
                await self.spawn(name, environ)
            try:
                yield
            finally:
                await self._running[name].stop()
                await self.spawn(name)

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Freeze a process with its children for as long as the body runs: connections stay, and nobody answers."""
        with self._held(name):
            family = self._family(name)
            try:
                _send(family, signal.SIGSTOP)
                yield
            finally:
                _send(family, signal.SIGCONT)

    @contextlib.asynccontextmanager
    async def supervised(self) -> AsyncIterator[None]:
        """Start again what ends by itself, for as long as the body runs."""
        task = asyncio.create_task(self._supervise(), name="supervision")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def stop(self, *names: str) -> None:
        """Have these stop in order, one after the other; who does not is killed."""
        for name in names:
            process = self._running.get(name)
            if process is not None:
                await process.stop()

    async def _supervise(self) -> None:
        while True:
            for name, process in list(self._running.items()):
                if process.exit_code is not None and name not in self._is_held:
                    self.ended.append((name, process.exit_code))
                    await asyncio.sleep(_PAUSE_SECONDS)
                    await self.spawn(name)
            await asyncio.sleep(_LOOK_SECONDS)

    @contextlib.contextmanager
    def _held(self, name: str) -> Iterator[None]:
        self._is_held.add(name)
        try:
            yield
        finally:
            self._is_held.discard(name)

    def _family(self, name: str) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._running[name].pid)
            return [root, *root.children(recursive=True)]
        return []


def _send(family: Sequence[psutil.Process], signum: signal.Signals) -> None:
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signum)
