"""A process stops at the first signal, ends at the second, and tells why it failed."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

STOPS_WHEN_ASKED = """
from patchbay.process import configure_logging, run

async def main(stop):
    print("started", flush=True)
    await stop.wait()
    print("drained", flush=True)

configure_logging("example")
run(main)
"""

NEVER_DRAINS = """
import asyncio
from patchbay.process import configure_logging, run

async def main(stop):
    print("started", flush=True)
    await stop.wait()
    print("draining", flush=True)
    await asyncio.Event().wait()

configure_logging("example")
run(main)
"""

DRAINS_FOR_EVER = NEVER_DRAINS.replace("run(main)", "run(main, stop_timeout_seconds=0.05)")

FAILS = """
from patchbay.process import configure_logging, run

async def main(stop):
    raise ValueError("no such thing")

configure_logging("example")
run(main)
"""


@contextmanager
def start(program: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603 -- the program is one of the constants above
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_process_drain_and_end_well(signum: signal.Signals) -> None:
    with start(STOPS_WHEN_ASKED) as process:
        assert read_line(process) == "started"
        process.send_signal(signum)

        assert read_line(process) == "drained"
        assert process.wait(10) == 0


def test_a_second_signal_ends_the_process_at_once() -> None:
    with start(NEVER_DRAINS) as process:
        assert read_line(process) == "started"
        process.send_signal(signal.SIGTERM)
        assert read_line(process) == "draining"
        process.send_signal(signal.SIGTERM)

        assert process.wait(10) == 128 + signal.SIGTERM


def test_a_failed_process_logs_the_reason_and_ends_with_exit_code_1() -> None:
    with start(FAILS) as process:
        _, errors = process.communicate(timeout=10)

        assert process.returncode == 1
        assert '"event":"process_failed"' in errors
        assert '"reason":"no such thing"' in errors
        assert errors.count("\n") == 1


def test_what_hangs_while_stopping_is_told_and_ended_within_its_time() -> None:
    with start(DRAINS_FOR_EVER) as process:
        assert read_line(process) == "started"
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)

    assert process.returncode == 1
    assert '"event":"stop_overdue"' in said
