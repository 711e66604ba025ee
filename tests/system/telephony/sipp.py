"""SIPp: calls whose answers it holds against what the test expects of each number."""

import asyncio
import contextlib
import csv
import os
import signal
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final

import msgspec
from tests.system.telephony.tools import SIPP, find

SCENARIO: Final = Path(__file__).parent / "scenarios" / "verified_call.xml"
Expected = tuple[str, int, str | None]  # number, status, Contact


class Calls(msgspec.Struct, frozen=True):
    """What became of the calls."""

    successful: int
    failed: int
    errors: str  # the end of what SIPp says of those that failed


class Sipp:
    """One run of SIPp in a directory of its own."""

    def __init__(self, directory: Path, port: int, expected: Iterable[Expected]) -> None:
        self._directory = directory
        self._port = port
        directory.mkdir(parents=True)
        lines = [f"{number};{status};{(contact or '-').partition(';')[0]};" for number, status, contact in expected]
        (directory / "calls.csv").write_text("\n".join(["SEQUENTIAL", *lines, ""]))
        self.lines = len(lines)

    async def start(self, *, rate: int, calls: int) -> asyncio.subprocess.Process:
        """Begin to call, line after line, over and over."""
        options = {
            "-sf": SCENARIO,
            "-inf": "calls.csv",
            "-i": "127.0.0.1",
            "-r": rate,
            "-m": calls,
            "-l": 500,
            "-stf": "statistics.csv",
            "-error_file": "errors.log",
            "-fd": 1,
        }
        command = [find(SIPP), f"127.0.0.1:{self._port}", "-nostdin", "-trace_stat", "-trace_err"]
        for option, value in options.items():
            command += [option, str(value)]
        environ = {"PATH": os.environ.get("PATH", os.defpath), "TERM": "xterm"}
        with (self._directory / "screen.log").open("wb") as screen:
            return await asyncio.create_subprocess_exec(
                *command, cwd=self._directory, env=environ, stdout=screen, stderr=screen
            )

    def calls(self) -> Calls:
        """Return what became of the calls, once it has ended."""
        with (self._directory / "statistics.csv").open() as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        errors = self._directory / "errors.log"
        told = errors.read_text(errors="replace")[-4_000:] if errors.exists() else ""
        return Calls(int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"]), told)


async def call_each(directory: Path, port: int, expected: Iterable[Expected], *, times: int, rate: int = 400) -> Calls:
    """Call each number so many times, and return what became of that."""
    sipp = Sipp(directory, port, expected)
    process = await sipp.start(rate=rate, calls=times * sipp.lines)
    try:
        await asyncio.wait_for(process.wait(), 60.0)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return sipp.calls()


class Load:
    """Calls that go on beside whatever a test does; `calls` is there once they have ended."""

    def __init__(self) -> None:
        self.calls = Calls(0, 0, "")


@contextlib.asynccontextmanager
async def calling_on(directory: Path, port: int, expected: Iterable[Expected], *, rate: int) -> AsyncIterator[Load]:
    """Call on and on while the body runs."""
    sipp, load = Sipp(directory, port, expected), Load()
    process = await sipp.start(rate=rate, calls=1_000_000)
    try:
        yield load
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGUSR1)  # ends once every call has its answer
        try:
            await asyncio.wait_for(process.wait(), 30.0)
        except TimeoutError:
            process.kill()
            await process.wait()
        load.calls = sipp.calls()
