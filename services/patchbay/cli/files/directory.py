"""The files of a directory, and their lock."""

from pathlib import Path
from typing import Final

import msgspec

from patchbay.cli.errors import BadFile, BadUsage
from patchbay.cli.files import yaml_text
from patchbay.cli.files.fields import NAME
from patchbay.cli.files.lock import Lock, read_lock
from patchbay.cli.files.names import ENDINGS, is_file_name
from patchbay.cli.files.yaml_text import MOST_FILE_BYTES, Document

MOST_FILES: Final = 100_000


class Directory(msgspec.Struct, frozen=True):
    """What is in it."""

    path: Path
    documents: dict[str, Document]  # by file
    lock: Lock


def read_directory(path: Path, *, is_to_be_made: bool = False) -> Directory:
    """
    Return what is in the directory.

    Args:
        path: Of the directory.
        is_to_be_made: One that is not there is made.

    Raises:
        BadUsage: There is no such directory.
        BadFile: A file is no assistant, or the lock is none. Every bad file is named.
    """
    try:
        if is_to_be_made:
            path.mkdir(parents=True, exist_ok=True)
        names = sorted(p.name for p in path.iterdir() if p.suffix in ENDINGS and is_file_name(p.name) and p.is_file())
    except OSError as error:
        raise BadUsage(f"{path} is not a directory that can be read ({error.strerror}).") from None
    documents: dict[str, Document] = {}
    faults: list[str] = []
    for name in names:
        try:
            documents[name] = _read(path / name)
        except BadFile as bad:
            faults.append(str(bad))
    if faults:
        raise BadFile("\n".join(faults))
    return Directory(path, documents, read_lock(path))


def _read(path: Path) -> Document:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_FILE_BYTES + 1)
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror}).") from None
    document = yaml_text.read(content, str(path))
    name = document.fields.get(NAME)
    if not isinstance(name, str) or not name.strip():
        raise BadFile(f"{path}: an assistant has a name.")
    document.fields[NAME] = name.strip()
    return document
