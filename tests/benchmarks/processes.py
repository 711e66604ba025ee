"""What a process costs by being there: its start, its memory, and the command line's help."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
import psutil
from tests.benchmarks.generator import run_load
from tests.benchmarks.rows import NOT_WRITTEN, Row, verdict_of
from tests.benchmarks.scenarios import creates
from tests.benchmarks.sides import Side
from tests.benchmarks.starting import is_ready

from patchbay.embedded.ports import free_port

START_SECONDS: Final = 1.0
REST_MEGABYTES: Final = 80.0
LOADED_MEGABYTES: Final = 200.0
HELP_SECONDS: Final = 0.3
_LONGEST_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.005
_LOAD_SECONDS: Final = 2.0


class Processes(msgspec.Struct, frozen=True):
    """What was measured."""

    start_seconds: tuple[float, ...]  # from the command to the first `/readyz` that is 200
    start_cpu_seconds: tuple[float, ...]
    rest_megabytes: tuple[float, ...]
    loaded_megabytes: float  # the most that the API had while 256 connections wrote
    help_seconds: tuple[float, ...]

    def rows(self) -> list[Row]:
        """Return them as lines of the table."""
        cpu = f"CPU {median(self.start_cpu_seconds):.2f} s"
        tries = f"median of {len(self.start_seconds)}"
        return [
            _row("API process, start until ready", "s", median(self.start_seconds), START_SECONDS, f"{tries}; {cpu}"),
            _row("API process, memory at rest", "MB", median(self.rest_megabytes), REST_MEGABYTES, tries),
            _row("API process, memory with 256 connections", "MB", self.loaded_megabytes, LOADED_MEGABYTES, "peak"),
            _row("`patchbay --help`, whole process", "s", median(self.help_seconds), HELP_SECONDS, tries),
        ]


async def measure_processes(side: Side, tries: int) -> Processes:
    """Start the API beside the one that runs, load the one that runs, ask for help."""
    started = [await _start(side.environ) for _ in range(tries)]
    await run_load(side.base_url, creates(256)(side), _LOAD_SECONDS)
    return Processes(
        start_seconds=tuple(seconds for seconds, _, _ in started),
        start_cpu_seconds=tuple(cpu for _, cpu, _ in started),
        rest_megabytes=tuple(megabytes for _, _, megabytes in started),
        loaded_megabytes=max(_peak_megabytes(pid) for pid in _tree(side.pids["api"])),
        help_seconds=tuple([await _help() for _ in range(tries)]),
    )


async def _start(environ: Mapping[str, str]) -> tuple[float, float, float]:
    """Return the seconds, those of CPU, and the megabytes at rest."""
    port = free_port()
    its_own = {**os.environ, **environ, "API_PORT": str(port), "LOG_LEVEL": "error"}
    began_at = time.monotonic()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "patchbay.api", env=its_own)
    try:
        while not await is_ready(f"http://127.0.0.1:{port}/readyz"):
            if process.returncode is not None or time.monotonic() > began_at + _LONGEST_SECONDS:
                raise SystemExit("the API did not become ready")
            await asyncio.sleep(_LOOK_SECONDS)
        seconds, watched = time.monotonic() - began_at, psutil.Process(process.pid)
        cpu = sum(watched.cpu_times()[:2])
        await asyncio.sleep(1.0)  # what it does once, it has done by then
        return seconds, cpu, watched.memory_info().rss / 1e6
    finally:
        process.terminate()
        await process.wait()


async def _help() -> float:
    command = (sys.executable, "-m", "patchbay.cli", "--help")
    began_at = time.monotonic()
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    await process.wait()
    return time.monotonic() - began_at


def _tree(pid: int) -> Sequence[int]:
    process = psutil.Process(pid)
    return [process.pid, *(child.pid for child in process.children(recursive=True))]


def _peak_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM"))


def _row(what: str, unit: str, value: float, goal: float, figures: str) -> Row:
    digits = 2 if unit == "s" else 0
    return Row(
        what=what,
        goal=f"<= {goal:g} {unit}",
        measured=f"{value:.{digits}f} {unit}",
        verdict=verdict_of(reached=value <= goal),
        figures=figures,
        durability=NOT_WRITTEN if "256" not in what else "all fsync before they answer",
    )
