"""What an earlier `patchbay up` left behind is ended, and nothing else."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from patchbay.cli.local.leftovers import end_leftovers, trace

COMMAND = (sys.executable, "-c", "print('here', flush=True); import signal; signal.pause()")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE) as started:  # noqa: S603 -- the constant above
        assert started.stdout is not None
        started.stdout.readline()
        try:
            yield started
        finally:
            started.kill()


def trace_of(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    found = trace("one", process.pid, COMMAND)
    assert found is not None
    kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return kept


def test_the_very_process_is_ended(process: subprocess.Popen[bytes]) -> None:
    assert end_leftovers([trace_of(process)]) == ["one"]
    assert process.poll() is not None


@pytest.mark.parametrize("change", [{"started_at": 1.0}, {"command": ["/bin/other"]}, {"pid": "none"}])
def test_another_process_of_the_same_pid_lives_on(process: subprocess.Popen[bytes], change: dict[str, Any]) -> None:
    assert end_leftovers([trace_of(process) | change]) == []
    assert process.poll() is None


def test_one_that_has_ended_leaves_nothing_to_do(process: subprocess.Popen[bytes]) -> None:
    kept = trace_of(process)
    process.kill()
    process.wait()

    assert end_leftovers([kept]) == []
