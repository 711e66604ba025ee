"""Load from `wrk`: one run, its figures, and the refusal to call a run with failures a measurement."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import msgspec

SCRIPTS: Final = Path(__file__).with_name("scripts")
_ANSWER_TIMEOUT_SECONDS: Final = 10
_NO_ROOM: Final = "503"


class GeneratorMissing(Exception):
    """There is no `wrk` on this machine."""


class RunFailed(Exception):
    """Some request was answered neither by 200 nor by a refusal for want of room: nothing was measured."""


class Load(msgspec.Struct, frozen=True):
    """What a run sends."""

    script: str  # a file of `scripts`
    arguments: tuple[str, ...]
    connections: int


class Figures(msgspec.Struct, frozen=True):
    """What a run measured."""

    requests: int  # that were answered by 200
    duration_us: int
    p50_us: int
    p99_us: int
    bytes: int
    cpu_seconds: float = 0.0  # the generator's own
    shed: int = 0  # answered by 503: there was no room, and nothing was done; their latency is among the others'

    @property
    def per_second(self) -> float:
        """Return the requests answered per second."""
        return self.requests / (self.duration_us / 1e6)


class _Output(msgspec.Struct, frozen=True):
    requests: int
    duration_us: int
    p50_us: int
    p99_us: int
    bytes: int
    socket_errors: int
    timeouts: int
    statuses: dict[str, int]
    first_failure: str


def find_generator() -> str:
    """
    Return the path of `wrk`.

    Raises:
        GeneratorMissing: It is not installed.
    """
    found = shutil.which("wrk")
    if found is None:
        raise GeneratorMissing("wrk is not installed (Debian and Ubuntu: apt-get install wrk; macOS: brew install wrk)")
    return found


async def run_load(base_url: str, load: Load, seconds: float) -> Figures:
    """
    Send requests for `seconds` over as many connections, each sending its next request at the answer to the last.

    Raises:
        RunFailed: A request was answered by anything but 200 or 503, or not at all.
    """
    return await asyncio.to_thread(_run_load, base_url, load, seconds)


def _run_load(base_url: str, load: Load, seconds: float) -> Figures:
    command = [
        *(find_generator(), "--threads", "1", "--connections", str(load.connections)),
        *("--duration", f"{max(1, round(seconds))}s", "--timeout", f"{_ANSWER_TIMEOUT_SECONDS}s"),
        *("--script", str(SCRIPTS / load.script), base_url, "--", *load.arguments),
    ]
    with tempfile.TemporaryFile() as stdout:
        process = subprocess.Popen(command, stdout=stdout, stderr=subprocess.STDOUT)  # noqa: S603 -- our own arguments
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        text = stdout.read().decode(errors="replace")
    lines = [line for line in text.splitlines() if line.startswith("{")]
    if process.returncode != 0 or not lines:
        raise RunFailed(f"wrk ended with exit code {process.returncode}: {text[-500:]}")
    output = msgspec.json.decode(lines[-1], type=_Output)
    served, shed = output.statuses.get("200", 0), output.statuses.get(_NO_ROOM, 0)
    failures = sum(output.statuses.values()) - served - shed
    if failures or output.socket_errors or output.timeouts or not served:
        raise RunFailed(
            f"{load.script} at {base_url}: answers by status {output.statuses}, {output.socket_errors} broken "
            f"connections, {output.timeouts} unanswered; the first failure: {output.first_failure or 'none'}"
        )
    return Figures(
        requests=served,
        shed=shed,
        duration_us=output.duration_us,
        p50_us=output.p50_us,
        p99_us=output.p99_us,
        bytes=output.bytes,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
    )
