"""Running `patchbay` as it is typed, with an environment that says where everything is and nothing else."""

import asyncio
import contextlib
import io
import json
import os
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

from patchbay.cli.__main__ import dispatch

_SECONDS = 120
_TOLD = ("DATA_DIR", "PATCHBAY_API", "PATCHBAY_OPERATOR_KEY", "PATCHBAY_KEY", "KAFKA_BOOTSTRAP_SERVERS", "TOPIC")
_ALONE = threading.Lock()  # the streams, the environment and the directory are the whole process'


class Ran(msgspec.Struct, frozen=True):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """Return what it printed with `--json`."""
        return [json.loads(line) for line in self.out.splitlines()]


async def patchbay(*typed: str, **variables: str) -> Ran:
    """
    Run one command, in a thread: of a process of its own, most of the time would go into starting Python.

    A command that listens for signals needs a process of its own: see below.
    """
    return await patchbay_in(Path.cwd(), *typed, **variables)


async def patchbay_in(directory: Path, *typed: str, **variables: str) -> Ran:
    """Run one command likewise, as it is typed in this directory."""
    return await asyncio.wait_for(asyncio.to_thread(_run, typed, directory, _environ(variables)), _SECONDS)


async def patchbay_process(*typed: str, **variables: str) -> Ran:
    """Run one command as a process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "patchbay.cli", *typed), env=_environ(variables), stdout=PIPE, stderr=PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), _SECONDS)
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


def _environ(variables: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in (*_TOLD, "DATABASE_URL")}
    return {**kept, **variables}


def _run(typed: Sequence[str], directory: Path, environ: dict[str, str]) -> Ran:
    out, err = _pipe(), _pipe()
    with (
        _ALONE,
        contextlib.chdir(directory),
        patch.dict(os.environ, environ, clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            code = dispatch(typed)
        except SystemExit as ended:  # as argparse ends at a wrong usage
            code = ended.code if isinstance(ended.code, int) else 1
    return Ran(code, _all_of(out), _all_of(err))


def _pipe() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _all_of(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
