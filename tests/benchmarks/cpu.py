"""CPU time by process and of the whole machine, as the kernel counts it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

_TICK: Final = os.sysconf("SC_CLK_TCK")


class Reading(msgspec.Struct, frozen=True):
    """CPU seconds used until now."""

    by_process: Mapping[str, float]
    machine: float  # by everything that runs here
    idle: float  # left over, of all cores together


def read_cpu(pids: Mapping[str, int]) -> Reading:
    """
    Read what each process and its descendants have used, ended ones included if their parent has waited for them.

    Args:
        pids: By name; a process that is gone counts as zero.
    """
    children = _children()
    used = {name: sum(_seconds(one) for one in _tree(pid, children)) for name, pid in pids.items()}
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    idle = ticks[3] + ticks[4]  # idle, and idle while a disk works
    busy = sum(ticks[:8]) - idle
    return Reading(by_process=used, machine=busy / _TICK, idle=idle / _TICK)


def read_cores() -> list[tuple[float, float]]:
    """Return the busy and the idle seconds of each core until now."""
    found = []
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name != "cpu":
            ticks = [int(field) for field in fields]
            idle = ticks[3] + ticks[4]
            found.append(((sum(ticks[:8]) - idle) / _TICK, idle / _TICK))
    return found


def spent(before: Reading, after: Reading) -> Reading:
    """Return what was used between two readings."""
    return Reading(
        by_process={name: after.by_process[name] - seconds for name, seconds in before.by_process.items()},
        machine=after.machine - before.machine,
        idle=after.idle - before.idle,
    )


def _fields(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the state on, which is number 3; empty if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 -- a thousand names, of which none is used as a path
        if name.isdigit() and (fields := _fields(int(name))):
            children.setdefault(int(fields[1]), []).append(int(name))
    return children


def _tree(pid: int, children: Mapping[int, list[int]]) -> list[int]:
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def _seconds(pid: int) -> float:
    fields = _fields(pid)
    return sum(int(field) for field in fields[11:15]) / _TICK  # utime, stime, and those of ended children
