"""Running `patchbay` as it is typed, with an environment that says where everything is and nothing else."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from typing import Any

import msgspec

_SECONDS = 60
_TOLD = ("DATA_DIR", "PATCHBAY_API", "PATCHBAY_OPERATOR_KEY", "PATCHBAY_KEY", "KAFKA_BOOTSTRAP_SERVERS", "TOPIC")


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
    """Run one command."""
    environ = {name: value for name, value in os.environ.items() if name not in (*_TOLD, "DATABASE_URL")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "patchbay.cli", *typed), env=environ | variables, stdout=PIPE, stderr=PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), _SECONDS)
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())
