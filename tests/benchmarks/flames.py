"""Flame graphs of our processes under load, by py-spy, which looks at them from outside and does not stop them."""

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import Final

import msgspec
from tests.benchmarks.flame_drawing import boxes_of, draw_flames, read_stacks
from tests.benchmarks.generator import run_load
from tests.benchmarks.scenarios import creates, reads
from tests.benchmarks.sides import Side

CONNECTIONS: Final = 64
_LOOKS_PER_SECOND: Final = 200
_GRACE_SECONDS: Final = 30.0  # to draw, after it has looked
_MISSING: Final = "py-spy is not installed (it is one of requirements/bench.txt)"


class FlamesMissing(Exception):
    """No flame graph can be drawn here."""


class Flame(msgspec.Struct, frozen=True):
    """The stacks of one process under one kind of load, as wide as they took time."""

    name: str
    title: str
    svg: str


_WANTED: Final = (("create", creates, ("api", "projector", "routing")), ("GET", reads, ("api",)))


async def measure_flames(side: Side, seconds: float, directory: Path) -> list[Flame]:
    """
    Put load on and look at each process in turn.

    Raises:
        FlamesMissing: There is no py-spy, or it may not look (Linux: `kernel.yama.ptrace_scope`).
        RunFailed: A request was answered by anything but 200 or 503.
    """
    program = shutil.which("py-spy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if program is None:
        raise FlamesMissing(_MISSING)
    flames = []
    for kind, load, processes in _WANTED:
        for process in processes:
            title = f"{kind} at {CONNECTIONS} connections: {process}"
            path = directory / f"{kind}-{process}.stacks"
            loading = asyncio.create_task(run_load(side.base_url, load(CONNECTIONS)(side), seconds + 1))
            try:
                await _look(program, side.pids[process], title, seconds, path)
            finally:
                await loading
            svg = draw_flames(title, boxes_of(read_stacks(path.read_text())))
            flames.append(Flame(f"flames-{kind}-{process}", title, svg))
    return flames


async def _look(program: str, pid: int, title: str, seconds: float, path: Path) -> None:
    looking = await asyncio.create_subprocess_exec(
        *(program, "record", "--pid", f"{pid}", "--duration", f"{max(1, round(seconds))}", "--nonblocking"),
        *("--rate", f"{_LOOKS_PER_SECOND}", "--function", "--format", "raw", "--output", str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(looking.communicate(), seconds + _GRACE_SECONDS)
    except TimeoutError:
        looking.kill()
        await looking.wait()
        raise FlamesMissing(f"py-spy did not end ({title})") from None
    if looking.returncode != 0:
        raise FlamesMissing(f"py-spy cannot look at the {title}: {output.decode(errors='replace').strip()[-300:]}")
