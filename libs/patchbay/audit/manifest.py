"""What an export says of itself: which log, what of it, in which files, and what must come out of reading them."""

from pathlib import Path
from typing import Final

import msgspec

from patchbay.audit.errors import ExportUnusable
from patchbay.eventlog import LogIdentity

FORMAT: Final = "patchbay-export"
FORMAT_VERSION: Final = 1
MANIFEST_FILE: Final = "manifest.json"
HEADS_FILE: Final = "heads.ndjson.zst"
SUMS_FILE: Final = "SHA256SUMS"
UNFINISHED_FILE: Final = "unfinished.json"


class PartFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of lines."""

    name: str
    partition: int
    first_offset: int
    end_offset: int  # the first that is not in it
    lines: int
    bytes: int
    sha256: str
    check: str  # behind its last line


class PartitionEnd(msgspec.Struct, frozen=True, kw_only=True):
    """What was exported of a partition."""

    partition: int
    end_offset: int
    trail: str  # over all its records, those that are not in the export included


class HeadsFile(msgspec.Struct, frozen=True, kw_only=True):
    """The file that lists where each stream ends."""

    name: str
    lines: int
    bytes: int
    sha256: str


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What is decided at the begin of an export, and what of it is done: what a resumption goes on from."""

    log_id: str
    topic: str
    partition_count: int
    rule_version: int
    begun_at: str  # ISO 8601
    account: str | None  # id; None: all
    ends: tuple[int, ...]  # of the partitions, in order
    files: tuple[PartFile, ...] = ()

    @property
    def identity(self) -> LogIdentity:
        """The log."""
        return LogIdentity(self.log_id, self.topic, self.partition_count)

    def of_account(self, account_id: str) -> "Begun":
        """Return the same of one account alone."""
        return msgspec.structs.replace(self, account=account_id)


class Manifest(Begun, frozen=True, kw_only=True):
    """A finished export."""

    format: str = FORMAT
    version: int = FORMAT_VERSION
    partitions: tuple[PartitionEnd, ...]
    counts: dict[str, int]  # records in the files, by verdict
    gaps: int
    heads: HeadsFile
    root: str  # of the Merkle tree over the heads

    def sums(self, own: str) -> str:
        """Return what `sha256sum` would print of all files, of which this one has the digest `own`."""
        files: list[PartFile | HeadsFile] = [*self.files, self.heads]
        rows = [*((file.sha256, file.name) for file in files), (own, MANIFEST_FILE)]
        return "".join(f"{digest}  {name}\n" for digest, name in rows)

    @property
    def names(self) -> list[str]:
        """The files that belong to it, beside itself and the sums."""
        return [*(part.name for part in self.files), self.heads.name]


_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_manifest(folder: Path) -> Manifest:
    """
    Return the manifest of a finished export.

    Raises:
        ExportUnusable: There is none, or it is not finished, or of a version that is not known.
    """
    try:
        content = (folder / MANIFEST_FILE).read_bytes()
    except FileNotFoundError:
        if (folder / UNFINISHED_FILE).exists():
            raise ExportUnusable(
                f"{folder} is not finished: run `patchbay audit export` on it once more, which goes on with it"
            ) from None
        raise ExportUnusable(f"{folder} is no export: there is no {MANIFEST_FILE} in it") from None
    except OSError as error:
        raise ExportUnusable(f"{folder} cannot be read: {error.strerror}") from None
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except _UNREADABLE as error:
        raise ExportUnusable(f"{folder / MANIFEST_FILE} is damaged: {error}") from None
    if (manifest.format, manifest.version) != (FORMAT, FORMAT_VERSION):
        raise ExportUnusable(f"{folder} is {manifest.format} {manifest.version}, this reads {FORMAT} {FORMAT_VERSION}")
    if not 1 <= manifest.partition_count == len(manifest.ends) == len(manifest.partitions):
        raise ExportUnusable(f"{folder / MANIFEST_FILE} is damaged: it does not say where each partition ends")
    return manifest


def note_name(partition: int) -> str:
    """Return the name of the file that says, while an export is written, which files of a partition are whole."""
    return f"unfinished-{partition:05d}.json"


def read_begun(folder: Path) -> Begun | None:
    """
    Return what an unfinished export was begun with, and what of it is whole; None if none was.

    Raises:
        ExportUnusable: It cannot be read.
    """
    try:
        begun = msgspec.json.decode((folder / UNFINISHED_FILE).read_bytes(), type=Begun)
        notes = sorted(folder.glob("unfinished-*.json"))
        whole = [part for note in notes for part in msgspec.json.decode(note.read_bytes(), type=Begun).files]
        return msgspec.structs.replace(begun, files=tuple(whole))
    except FileNotFoundError:
        return None
    except _UNREADABLE as error:
        raise ExportUnusable(f"{folder / UNFINISHED_FILE} is damaged ({error}): begin anew in another folder") from None


def store(path: Path, document: Begun) -> None:
    """Write a document whole or not at all."""
    scratch = path.with_suffix(".new")
    scratch.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    scratch.replace(path)
