"""Writing an export: whole files one after the other, so that an interrupted one goes on where it was."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import Final, Self

import msgspec

from patchbay.audit.anchors import leaf_of
from patchbay.audit.auditing import Audit, Placed
from patchbay.audit.errors import ExportUnusable
from patchbay.audit.files import LineFile
from patchbay.audit.lines import NO_CHECK, Gap, write_gap, write_line
from patchbay.audit.manifest import (
    HEADS_FILE,
    MANIFEST_FILE,
    SUMS_FILE,
    UNFINISHED_FILE,
    Begun,
    HeadsFile,
    Manifest,
    PartFile,
    PartitionEnd,
    note_name,
    read_begun,
    store,
)
from patchbay.audit.merkle import leaf_hash, root_of
from patchbay.audit.parts import many_of_part
from patchbay.eventlog import Envelope, Foreign, Record, Verdict

PART_CONTENT_BYTES: Final = 64 * 1024 * 1024  # uncompressed: what an interruption can cost


class ExportWriter:
    """Writes one export, partition by partition, in the order of the log."""

    def __init__(self, folder: Path, begun: Begun, *, part_content_bytes: int = PART_CONTENT_BYTES) -> None:
        self.begun = begun
        self.audit = Audit(begun.identity)
        self._folder = folder
        self._part_content_bytes = part_content_bytes
        self._streams: Collection[bytes] | None = None
        self._counts: Counter[Verdict] = Counter()
        self._gaps = 0
        self._file: LineFile | None = None
        self._partition = self._first_offset = 0
        self._check = NO_CHECK

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._file is not None:
            self._file.close()

    def select(self, streams: Collection[bytes]) -> None:
        """Write the manifests and these streams, by their keys, alone; to be called before the first record."""
        self._streams = streams

    def resume(self, partition: int | None = None) -> None:
        """
        Take over what the files of before have, of one partition or of all, without writing them again.

        Raises:
            Damaged: One of them is not what was written.
        """
        for part in self.begun.files:
            if partition not in (None, part.partition):
                continue
            for lines in many_of_part(self._folder, part):
                self._gaps += sum(isinstance(line.content, Gap) for line in lines)
                for _, _, verdict in self.audit.take_all([line.content for line in lines]):
                    self._counts[verdict] += 1

    def take(self, record: Record) -> None:
        """Judge a record, and write it if it is to be."""
        self.take_all([record])

    def take_all(self, records: Sequence[Record]) -> None:
        """Judge the next records, and write those that are to be."""
        for record, content, verdict in self.audit.take_all(records):
            self._take(record, content, verdict)

    def _take(self, record: Record, content: Envelope | Foreign, verdict: Verdict) -> None:
        if self._streams is not None and record.offset > 0 and record.key not in self._streams:
            return
        line, check = write_line(record, content, verdict, self._at(record.partition, record.offset))
        self._counts[verdict] += 1
        self._write(line, check)

    def take_gap(self, gap: Gap) -> None:
        """Write that offsets have no record."""
        self.audit.take_gap(gap)
        if self._streams is None:
            self._gaps += 1
            self._write(*write_gap(gap, self._at(gap.partition, gap.offset)))

    def absorb(self, other: "ExportWriter", partition: int) -> None:
        """Take over the partition that another writer of the same export has written."""
        self.audit.absorb(other.audit, partition)
        self._counts += other._counts  # noqa: SLF001 - of its own kind
        self._gaps += other._gaps  # noqa: SLF001 - see above
        kept = [part for part in self.begun.files if part.partition != partition]
        written = [part for part in other.begun.files if part.partition == partition]
        self.begun = msgspec.structs.replace(self.begun, files=(*kept, *written))

    def end_partition(self) -> None:
        """Complete the file of the partition that was written."""
        self._complete()

    def finish(self) -> Manifest:
        """Write where every stream ends, the manifest and the sums; return the manifest."""
        self._complete()
        chosen = self._streams
        files = sorted(self.begun.files, key=attrgetter("name"))
        self.begun = msgspec.structs.replace(self.begun, files=tuple(files))
        placed = [p for p in self.audit.heads() if chosen is None or p.stream.encode() in chosen]
        manifest = Manifest(
            **msgspec.structs.asdict(self.begun),
            partitions=tuple(
                PartitionEnd(partition=partition, end_offset=end, trail=self.audit.trails[partition].hex())
                for partition, end in enumerate(self.begun.ends)
            ),
            counts={verdict.value: self._counts[verdict] for verdict in Verdict},
            gaps=self._gaps,
            heads=self._write_heads(placed),
            root=root_of(leaf_hash(leaf_of(self.begun.log_id, p)) for p in placed).hex(),
        )
        store(self._folder / MANIFEST_FILE, manifest)
        write_sums(self._folder, manifest)
        for partition in range(self.begun.partition_count):
            (self._folder / note_name(partition)).unlink(missing_ok=True)
        (self._folder / UNFINISHED_FILE).unlink()
        return manifest

    def _at(self, partition: int, offset: int) -> bytes:
        """Return the check to go on from, of a file that is there after this."""
        if self._file is not None and self._partition != partition:
            self._complete()
        if self._file is None:
            self._file = LineFile(self._folder / part_name(partition, offset))
            self._partition, self._first_offset, self._check = partition, offset, NO_CHECK
        return self._check

    def _write(self, line: bytes, check: bytes) -> None:
        if self._file is not None:
            self._file.write(line)
            self._check = check
            if self._file.content_bytes >= self._part_content_bytes:
                self._complete()

    def _complete(self) -> None:
        if self._file is None:
            return
        lines, (size, digest) = self._file.lines, self._file.finish()
        part = PartFile(
            name=part_name(self._partition, self._first_offset),
            partition=self._partition,
            first_offset=self._first_offset,
            end_offset=self.audit.next_offsets[self._partition],
            lines=lines,
            bytes=size,
            sha256=digest,
            check=self._check.hex(),
        )
        self._file = None
        files = (*self.begun.files, part)
        self.begun = msgspec.structs.replace(self.begun, files=files)
        own = tuple(each for each in files if each.partition == part.partition)
        store(self._folder / note_name(part.partition), msgspec.structs.replace(self.begun, files=own))

    def _write_heads(self, placed: Iterable[Placed]) -> HeadsFile:
        self._file = file = LineFile(self._folder / HEADS_FILE)
        for each in placed:
            file.write(msgspec.json.encode(each) + b"\n")
        lines, (size, digest) = file.lines, file.finish()
        return HeadsFile(name=HEADS_FILE, lines=lines, bytes=size, sha256=digest)


def part_name(partition: int, first_offset: int) -> str:
    """Return the name of the file that begins there; names sort as the lines do."""
    return f"events-{partition:05d}-{first_offset:015d}.ndjson.zst"


def begin_export(folder: Path, begun: Begun) -> Begun:
    """
    Return the export to write in `folder`: the one that was begun there, or else this one.

    Raises:
        ExportUnusable: There is something else, or another log's or another account's export.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = read_begun(folder)
    if before is None:
        if any(folder.iterdir()):
            raise ExportUnusable(f"{folder} is not empty: name another folder, or take away what is in it")
        store(folder / UNFINISHED_FILE, begun)
        return begun
    if (before.log_id, before.account, before.partition_count) != (begun.log_id, begun.account, begun.partition_count):
        raise ExportUnusable(f"{folder} holds an unfinished export of another log or account: name another folder")
    return before


def begin_anew(folder: Path) -> None:
    """Take away what an unfinished export has written; for one that cannot be resumed."""
    for path in folder.iterdir():
        if path.name != UNFINISHED_FILE:
            path.unlink()


def write_sums(folder: Path, manifest: Manifest) -> None:
    """Write what `sha256sum -c` reads."""
    own = sha256((folder / MANIFEST_FILE).read_bytes()).hexdigest()
    scratch = folder / f"{SUMS_FILE}.new"
    scratch.write_text(manifest.sums(own))
    scratch.replace(folder / SUMS_FILE)
