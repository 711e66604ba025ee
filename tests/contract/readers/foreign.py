"""The readers in Go and JavaScript: built and installed into a cache, and run."""

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import run
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
CACHE = ROOT / ".cache" / "readers"
SCHEMAS = ROOT / "schemas"
MINUTES = 60


class Reader(NamedTuple):
    """How to run a reader."""

    golden: Sequence[str]
    table: Sequence[str]  # schemas, broker and topic follow
    folder: Path

    def check_golden_vectors(self) -> None:
        """Run the reader's own test on the golden vectors."""
        _run(self.golden, self.folder, {"GOLDEN": str(SCHEMAS / "golden")})

    async def lines(self, kafka: str, topic: str) -> list[str]:
        """Return what the reader makes of the log."""
        command = [*self.table, str(SCHEMAS / "events"), kafka, topic]
        process = await asyncio.create_subprocess_exec(*command, cwd=self.folder, stdout=asyncio.subprocess.PIPE)
        try:
            output, _ = await asyncio.wait_for(process.communicate(), 1 * MINUTES)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0
        return output.decode().splitlines()


def go_reader() -> Reader:
    """Build the reader in Go."""
    go = tool("go")
    folder, binary = HERE / "go", CACHE / "go" / "reader"
    binary.parent.mkdir(parents=True, exist_ok=True)
    _run([go, "build", "-o", str(binary), "."], folder, GO_SETTINGS)
    return Reader([go, "test", "-count=1", "./..."], [str(binary)], folder)


def javascript_reader() -> Reader:
    """Install what the reader in JavaScript needs."""
    node = tool("node")
    folder = installed(HERE / "javascript")
    return Reader([node, "--test", "rules.test.js"], [node, "main.js"], folder)


GO_SETTINGS: Mapping[str, str] = {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local"}


def installed(source: Path) -> Path:
    """Return a copy of a folder of JavaScript, with the packages that its lock file names."""
    npm = tool("npm")
    folder = CACHE / source.name
    lock = (source / "package-lock.json").read_bytes()
    stamp = folder / "installed"
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    if not stamp.exists() or stamp.read_bytes() != lock:
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder, {})
        stamp.write_bytes(lock)
    return folder


def tool(name: str) -> str:
    """Return the path of a program; without it the test is skipped, but not where CI is set."""
    path = shutil.which(name)
    if path is None:
        say: Callable[[str], object] = pytest.fail if os.environ.get("CI") else pytest.skip
        say(f"there is no {name} here: install it (Debian, Ubuntu: apt install golang-go nodejs npm)")
    return str(path)


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    done = run(  # noqa: S603 - programs of this repository
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=5 * MINUTES,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
