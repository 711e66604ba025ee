"""Which files the servers consist of, and where they are kept."""

import os
import platform
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import msgspec

from patchbay.embedded.errors import PlatformNotSupported


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the lock file; its name and its digest never change."""

    group: str
    name: str
    version: str
    size_bytes: int
    sha256: str

    @property
    def file(self) -> str:
        """The file's name, as its repository has it."""
        return f"{self.name}-{self.version}.jar"


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """The lock file: Kafka's jars, and Postgres' binaries by platform."""

    kafka: tuple[Artifact, ...]
    postgres: dict[str, Artifact]


def load_lock() -> Lock:
    """Return the lock file `artifacts.json`, which `python -m patchbay.embedded.relock` writes."""
    text = resources.files("patchbay.embedded").joinpath("artifacts.json").read_bytes()
    return msgspec.json.decode(text, type=Lock)


def postgres_artifact(lock: Lock, *, system: str = sys.platform, machine: str | None = None) -> Artifact:
    """
    Return Postgres' binaries for this platform.

    Raises:
        PlatformNotSupported: The lock file has none.
    """
    machine = (machine or platform.machine()).lower()
    chip = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64v8", "arm64": "arm64v8"}.get(machine, machine)
    found = lock.postgres.get(f"{system}-{chip}")
    with_another_libc = system == "linux" and sys.platform == "linux" and platform.libc_ver()[0] != "glibc"
    if found is None or with_another_libc:
        libc = " without glibc" if with_another_libc else ""
        raise PlatformNotSupported("Postgres", f"{system} {machine}{libc}", "set DATABASE_URL to a Postgres of yours")
    return found


def cache_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where fetched files are kept: `PATCHBAY_CACHE`, else `patchbay` in the user's cache directory."""
    if environ.get("PATCHBAY_CACHE"):
        return Path(environ["PATCHBAY_CACHE"]).expanduser().absolute()
    if environ.get("XDG_CACHE_HOME"):
        return Path(environ["XDG_CACHE_HOME"]) / "patchbay"
    return Path.home() / ".cache" / "patchbay"
