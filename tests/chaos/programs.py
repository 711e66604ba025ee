"""The two programs in Go that a run needs: built once, from the versions and checksums of tools/go.mod and go.sum."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from subprocess import run
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CACHE: Final = ROOT / ".cache" / "chaos"
_TOOLS: Final = Path(__file__).parent / "tools"
_SETTINGS: Final[Mapping[str, str]] = {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local"}
_BUILD_SECONDS: Final = 600.0


class ProgramMissing(Exception):
    """A program that a run needs cannot be had here; the message says why and what to do."""


def toxiproxy() -> Path:
    """
    Return Shopify's TCP proxy that misbehaves on demand.

    Raises:
        ProgramMissing: It cannot be built.
    """
    return _build("github.com/Shopify/toxiproxy/v2/cmd/server", "toxiproxy")


def linearizable() -> Path:
    """
    Return our checker of histories, which asks Porcupine.

    Raises:
        ProgramMissing: It cannot be built.
    """
    return _build("./linearizable", "linearizable")


def _build(package: str, name: str) -> Path:
    go = shutil.which("go")
    if go is None:
        raise ProgramMissing("there is no go here: install Go 1.19 or later (Debian, Ubuntu: apt install golang-go)")
    CACHE.mkdir(parents=True, exist_ok=True)
    done = run(  # noqa: S603 - a program of this repository
        [go, "build", "-o", str(CACHE / name), package],
        cwd=_TOOLS,
        env={**os.environ, **_SETTINGS},
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise ProgramMissing(f"{name} cannot be built: {(done.stdout + done.stderr).strip()}")
    return CACHE / name
