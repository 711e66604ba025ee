"""The programs that check what is deployed: built by `make deploy-tools`, or the machine's own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.unit.deploy.settings import ROOT

_SECONDS = 60


def tool(name: str) -> Path:
    """Return where the program is; the test is skipped where it is not."""
    places = os.pathsep.join([str(ROOT / ".cache" / "bin"), os.environ.get("PATH", os.defpath)])
    found = shutil.which(name, path=places)
    if found is None:
        pytest.skip(f"there is no {name} here: `make deploy-tools` builds it, with Go 1.26 or later")
    return Path(found)


def run(program: Path, *arguments: str) -> str:
    """
    Return what the program prints.

    Raises:
        AssertionError: It failed; what it printed is told.
    """
    ran = subprocess.run(  # noqa: S603 - a tool of our own choice, and constants
        [program, *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False, cwd=ROOT
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
