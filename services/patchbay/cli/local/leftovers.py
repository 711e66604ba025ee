"""Processes that an earlier `patchbay up` left behind, and their end."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
import psutil

_STOP_SECONDS: Final = 10.0  # they have been told to stop by the kernel when their keeper died (on Linux)
_SAME_START_SECONDS: Final = 0.05


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """What tells a process from any other that gets its pid later."""

    name: str
    pid: int
    started_at: float  # seconds since 1970, as the system tells
    command: tuple[str, ...]


def trace(name: str, pid: int, command: tuple[str, ...]) -> Trace | None:
    """Return the trace of a process that runs; None if it has ended already."""
    try:
        return Trace(name=name, pid=pid, started_at=psutil.Process(pid).create_time(), command=command)
    except psutil.NoSuchProcess:
        return None


def end_leftovers(kept: Iterable[Mapping[str, Any]]) -> list[str]:
    """
    End the processes of these traces that still run, and no others; return their names.

    Args:
        kept: Traces as they were written to a file.
    """
    found: dict[str, psutil.Process] = {}
    for item in kept:
        try:
            candidate = msgspec.convert(item, Trace)
        except msgspec.ValidationError:
            continue
        process = _find(candidate)
        if process is not None:
            found[candidate.name] = process
            process.terminate()
    _, stubborn = psutil.wait_procs(found.values(), timeout=_STOP_SECONDS)
    for process in stubborn:
        process.kill()
    psutil.wait_procs(stubborn, timeout=_STOP_SECONDS)
    return list(found)


def _find(candidate: Trace) -> psutil.Process | None:
    """Return the process if it is the very one: same pid, same start, same command."""
    try:
        process = psutil.Process(candidate.pid)
        is_same_start = abs(process.create_time() - candidate.started_at) < _SAME_START_SECONDS
        command = tuple(process.cmdline())
    except psutil.Error:
        return None
    is_same_command = command[-len(candidate.command) :] == candidate.command
    return process if is_same_start and is_same_command else None
