"""The data directory: who has it, and what is kept in it for the next start."""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from patchbay.cli.local.errors import AlreadyRunning, DirectoryUnusable
from patchbay.cli.whereabouts import ENDPOINTS_FILE, OPERATOR_KEY_FILE
from patchbay.embedded import write_atomically

ACCOUNT_KEY_FILE: Final = "account.key"
_LOCK_FILE: Final = "lock"
_LEAST_FREE_BYTES: Final = 200_000_000  # an empty Postgres, its log and Kafka's first segments take half of it


class DataDirectory:
    """A data directory that is ours as long as the block of `open_directory` lasts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"

    def operator_key(self) -> str:
        """Return the operator's key, which is made at the first start."""
        kept = self._read(OPERATOR_KEY_FILE)
        if kept is None:
            kept = f"tk_live_{secrets.token_hex(20)}"
            self._write(OPERATOR_KEY_FILE, kept)
        return kept

    def account_key(self) -> str | None:
        """Return the account's key, if one has been issued."""
        return self._read(ACCOUNT_KEY_FILE)

    def keep_account_key(self, secret: str) -> None:
        """Keep the account's key for later starts."""
        self._write(ACCOUNT_KEY_FILE, secret)

    def write_endpoints(self, endpoints: Mapping[str, Any]) -> None:
        """Replace `endpoints.json`, which scripts read."""
        self._write(ENDPOINTS_FILE, json.dumps(endpoints, indent=2) + "\n")

    def forget_pids(self) -> None:
        """Say in `endpoints.json`, if it is there, that no process runs."""
        kept = self._read(ENDPOINTS_FILE)
        if kept is not None:
            try:
                endpoints = json.loads(kept)
            except ValueError:
                return
            self.write_endpoints({**endpoints, "pids": {}})

    def read_document(self, name: str) -> str | None:
        """Return the document that was written under this name, if one was."""
        return self._read(name)

    def write_document(self, name: str, content: bytes) -> None:
        """Replace the document of this name."""
        write_atomically(self.path / name, content)

    def read_list(self, name: str) -> Sequence[Any]:
        """Return a list that was written under this name; empty if there is none, or no list."""
        try:
            found = json.loads(self._read(name) or "[]")
        except ValueError:
            found = []
        return found if isinstance(found, list) else []

    def write_list(self, name: str, items: Sequence[Any]) -> None:
        """Replace the list of this name."""
        self._write(name, json.dumps(items))

    def _read(self, name: str) -> str | None:
        try:
            return (self.path / name).read_text().strip()
        except FileNotFoundError:
            return None

    def _write(self, name: str, text: str) -> None:
        write_atomically(self.path / name, text.encode())


@contextmanager
def open_directory(path: Path) -> Iterator[DataDirectory]:
    """
    Make the directory if it is not there, and keep every other `patchbay up` out of it.

    Raises:
        AlreadyRunning: Another one has it.
        DirectoryUnusable: It cannot be written, or the disk is full.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DirectoryUnusable(path, error.strerror or str(error)) from error
    with os.fdopen(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(path, lock.read().strip()) from None
        _check_space(path)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        (path / "logs").mkdir(exist_ok=True)
        yield DataDirectory(path)


def _check_space(path: Path) -> None:
    free_bytes = shutil.disk_usage(path).free
    if free_bytes < _LEAST_FREE_BYTES:
        least, free = _LEAST_FREE_BYTES // 1_000_000, free_bytes // 1_000_000
        raise DirectoryUnusable(path, f"its disk has {free} MB left, and at least {least} MB are needed")
