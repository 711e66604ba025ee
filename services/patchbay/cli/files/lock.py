"""`.patchbay.lock.json`: which assistant a file stands for, and at which version it was when they were last alike."""

import os
import re
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from patchbay.cli.errors import BadFile
from patchbay.cli.files.fields import KINDS, Fields, digest_of
from patchbay.cli.files.names import is_file_name

LOCK_NAME: Final = ".patchbay.lock.json"
_FORMAT: Final = 1
_MOST_BYTES: Final = 64 * 1024 * 1024
_ID: Final = re.compile(r"asst_[0-9a-z]{26}")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What a file stands for. `fields`: the digest of each field at that version."""

    id: str
    version: int
    fields: dict[str, str]


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """The file's content. `account_id`: an id differs from log to log, so it tells one Patchbay from another."""

    format: int = _FORMAT
    account: str | None = None  # slug
    account_id: str | None = None
    assistants: dict[str, Entry] = {}  # by file


def entry_of(assistant_id: str, version: int, fields: Fields) -> Entry:
    """Return what is to be remembered of an assistant."""
    return Entry(id=assistant_id, version=version, fields={name: digest_of(fields[name]) for name in KINDS})


def read_lock(directory: Path) -> Lock:
    """
    Return the directory's lock; an empty one where there is none.

    Raises:
        BadFile: It is not what this program writes.
    """
    path = directory / LOCK_NAME
    try:
        with path.open("rb") as file:
            lock = msgspec.json.decode(file.read(_MOST_BYTES), type=Lock)
    except FileNotFoundError:
        return Lock()
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror}).") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadFile(f"{path} is not what `patchbay pull` writes ({error}): is it in the middle of a merge?") from None
    ids = [entry.id for entry in lock.assistants.values()]
    if lock.format != _FORMAT:
        raise BadFile(f"{path} has format {lock.format}: a newer `patchbay` wrote it, take that one.")
    if not all(map(is_file_name, lock.assistants)) or not all(map(_ID.fullmatch, ids)) or len(set(ids)) != len(ids):
        raise BadFile(f"{path} names files or ids that are none, or one twice: is it in the middle of a merge?")
    return lock


def write_lock(directory: Path, lock: Lock) -> None:
    """Write the lock, whole or not at all; one member a line and sorted, so that git merges it."""
    sorted_ = msgspec.json.encode(lock, order="sorted")
    write_whole(directory / LOCK_NAME, msgspec.json.format(sorted_, indent=2) + b"\n")


def write_whole(path: Path, content: bytes) -> None:
    """
    Write a file so that it is whole at every moment, also when the machine stops.

    Raises:
        BadFile: It cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
                Path(file.name).chmod(mode)
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise BadFile(f"{path} cannot be written ({error.strerror}).") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
