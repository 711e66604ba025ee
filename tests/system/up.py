"""A `patchbay up` under test: a process of its own, watched through what it prints and writes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from tests.servers import eventually

from patchbay.embedded import free_port

READY = "Patchbay is ready"
READY_SECONDS = 120.0  # on a machine that runs other tests at the same time; the promise is 15


class Up:
    """One data directory and the `patchbay up` that runs on it, if one does."""

    def __init__(self, directory: Path, environ: Mapping[str, str] | None = None, options: Sequence[str] = ()) -> None:
        self.directory = directory
        self.options = list(options)
        self.api_port = free_port()
        self._environ = dict(environ or {})
        self._starts = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        process = self.start_unready()
        await eventually(lambda: READY in self.output or process.poll() is not None, READY_SECONDS)
        assert process.poll() is None, self.output

    def start_unready(self) -> subprocess.Popen[bytes]:
        self._starts += 1
        with self.output_path.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: S603 -- our own program
                self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self.environ()
            )
        return self.process

    def command(self) -> list[str]:
        options = ["--data-dir", str(self.directory), "--api-port", str(self.api_port), *self.options]
        return [sys.executable, "-m", "patchbay.cli", "up", *options]

    def environ(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k not in {"KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"}}
        return kept | self._environ

    @property
    def output_path(self) -> Path:
        return self.directory.with_name(f"{self.directory.name}-output-{self._starts}")

    @property
    def output(self) -> str:
        return self.output_path.read_text()

    @property
    def endpoints(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.directory / "endpoints.json").read_bytes())
        return found

    async def interrupt(self) -> int:
        """Press Ctrl-C and return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return await self.ended()

    async def ended(self) -> int:
        process = self.process
        assert process is not None
        await eventually(lambda: process.poll() is not None, 40.0)
        code = process.returncode
        assert code is not None
        return code


@contextmanager
def up_on(directory: Path, environ: Mapping[str, str] | None = None, options: Sequence[str] = ()) -> Iterator[Up]:
    """Give an `Up` on this directory, and leave none of its processes behind."""
    up = Up(directory, environ, options)
    try:
        yield up
    finally:
        process = up.process
        if process is not None and up.is_running:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def lives(pid: int) -> bool:
    """True if the process runs; one that nobody has waited for yet does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
