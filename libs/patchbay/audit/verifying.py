"""Verifying an export: its files against its manifest, its lines against one another, its chains against the rule."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from patchbay.audit.anchors import leaf_of
from patchbay.audit.auditing import Audit, Placed
from patchbay.audit.errors import Damaged, ExportUnusable
from patchbay.audit.files import LinesOf
from patchbay.audit.lines import EVENT, Gap, Line
from patchbay.audit.manifest import MANIFEST_FILE, SUMS_FILE, HeadsFile, Manifest, PartFile, read_manifest
from patchbay.audit.merkle import leaf_hash, root_of
from patchbay.audit.parts import check_bytes, many_of_part
from patchbay.eventlog import Envelope, Foreign, StoredRecord, Verdict
from patchbay.eventlog.columns import read_envelopes

OnRecord = Callable[[StoredRecord, Envelope | Foreign, Verdict], None]
_EXTRA: Final = frozenset({SUMS_FILE, MANIFEST_FILE})
_OF_GAPS: Final = Foreign("gap")
_decode_placed: Final = msgspec.json.Decoder(Placed).decode


class Verification:
    """Reads a whole export, and raises at the first line that is not as it was written."""

    def __init__(self, folder: Path, *, known: tuple[tuple[int, int], ...] = ()) -> None:
        """
        Read the manifest.

        Raises:
            ExportUnusable: There is none, or it is not finished.
            Damaged: It is not what was written.
        """
        self.folder = folder
        self.manifest = read_manifest(folder)
        self._check_names()
        self.audit = Audit(self.manifest.identity, known=known)
        self.lines = 0
        self._ends = dict.fromkeys(range(self.manifest.partition_count), 0)  # next offsets
        self._gaps = 0
        self._place = ("", 0)  # file and line that are read

    def run(self, on_record: OnRecord | None = None) -> Audit:
        """
        Verify all of it, and hand each record on when it was found well; return what the log is.

        Raises:
            Damaged: Something is not as it was written; it says where.
        """
        self.begin()
        for partition in range(self.manifest.partition_count):
            self.read(partition, on_record)
        return self.finish()

    def begin(self) -> None:
        """
        Verify the manifest.

        Raises:
            Damaged: It is not as it was written.
        """
        self._check_manifest()
        for part in self.manifest.files:
            if part.partition not in self._ends:
                raise Damaged(f"there is no partition {part.partition}", file=part.name)

    def read(self, partition: int, on_record: OnRecord | None = None) -> None:
        """
        Verify the files of one partition; those of the others do not matter for it.

        Raises:
            Damaged: Something is not as it was written; it says where.
        """
        for part in self.manifest.files:
            if part.partition != partition:
                continue
            if part.first_offset != self._ends[partition]:
                raise Damaged(f"the files of partition {partition} do not follow one another", file=part.name)
            for line, content in self._lines(part):
                if isinstance(line.content, Gap):
                    self._take_gap(part, line.content)
                else:
                    self._take(part, line, line.content, content, on_record)
            if self.manifest.account is None and self.audit.next_offsets[partition] != part.end_offset:
                raise Damaged(f"it does not reach offset {part.end_offset}", file=part.name, line=part.lines)
            self._ends[partition] = part.end_offset

    def absorb(self, other: "Verification", partition: int) -> None:
        """Take over the partition that another verification of the same export has read."""
        self.audit.absorb(other.audit, partition)
        self.lines += other.lines
        self._gaps += other._gaps  # noqa: SLF001 - of its own kind
        self._ends[partition] = other._ends[partition]  # noqa: SLF001 - see above

    def finish(self) -> Audit:
        """
        Hold all that was read against the manifest; return what the log is.

        Raises:
            Damaged: It is not what was written.
        """
        self._check_outcome(self._ends)
        return self.audit

    def _lines(self, part: PartFile) -> Iterator[tuple[Line, Envelope | Foreign]]:
        """Return the lines of a file, and what the record of each is; nothing can be wrong with a gap's."""
        number = 0
        for lines in many_of_part(self.folder, part):
            records = [line.content for line in lines if isinstance(line.content, StoredRecord)]
            contents = iter(read_envelopes(records, self.manifest.identity))
            for line in lines:
                self.lines += 1
                number += 1
                self._place = (part.name, number)
                yield line, _OF_GAPS if isinstance(line.content, Gap) else next(contents)

    def _damaged(self, what: str, partition: int, offset: int) -> Damaged:
        file, line = self._place
        return Damaged(what, file=file, line=line, at=(partition, offset))

    def _take(
        self,
        part: PartFile,
        line: Line,
        record: StoredRecord,
        content: Envelope | Foreign,
        on_record: OnRecord | None,
    ) -> None:
        self._follow(part, record.partition, record.offset)
        verdict = self.audit.take_read(record, content)
        is_event = not isinstance(content, Foreign)
        if line.kind == EVENT and not is_event:
            reason = content.reason if isinstance(content, Foreign) else ""
            raise self._damaged(f"it is no event any more: {reason}", record.partition, record.offset)
        if line.verdict != verdict:  # it is its own text
            raise self._damaged(f"it was {line.verdict}, but is {verdict.value}", record.partition, record.offset)
        if on_record is not None:
            on_record(record, content, verdict)

    def _take_gap(self, part: PartFile, gap: Gap) -> None:
        self._follow(part, gap.partition, gap.offset)
        if gap.until <= gap.offset:
            raise self._damaged("a gap without offsets", gap.partition, gap.offset)
        self.audit.take_gap(gap)
        self._gaps += 1

    def _follow(self, part: PartFile, partition: int, offset: int) -> None:
        if partition != part.partition:
            raise self._damaged(f"a record of partition {partition} among those of {part.partition}", partition, offset)
        expected = self.audit.next_offsets[partition]
        if offset < expected or (offset > expected and self.manifest.account is None):
            raise self._damaged(f"offset {expected} must follow here", partition, offset)

    def _check_names(self) -> None:
        manifest = self.manifest
        names = manifest.names
        if any(Path(name).name != name for name in names):
            raise ExportUnusable(f"{self.folder / MANIFEST_FILE} names a file outside of the export")
        strangers = {entry.name for entry in self.folder.iterdir()} - set(names) - _EXTRA
        if strangers:
            raise Damaged("it is not in the manifest: somebody has put it there", file=min(strangers))

    def _check_manifest(self) -> None:
        """Hold the manifest against the sums, where its own digest stands."""
        manifest = self.manifest
        digest = sha256((self.folder / MANIFEST_FILE).read_bytes()).hexdigest()
        expected = manifest.sums(digest)
        try:
            found = (self.folder / SUMS_FILE).read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise Damaged(f"it cannot be read ({error})", file=SUMS_FILE) from None
        if found != expected:
            rows = zip([*found.split("\n"), ""], [*expected.split("\n"), ""], strict=False)
            number = next((number for number, (one, other) in enumerate(rows, 1) if one != other), 1)
            raise Damaged(
                f"it does not agree with {MANIFEST_FILE}: one of the two was changed", file=SUMS_FILE, line=number
            )

    def _check_outcome(self, ends: dict[int, int]) -> None:
        manifest = self.manifest
        counts = {verdict.value: self.audit.counts[verdict] for verdict in Verdict}
        if manifest.counts != counts or manifest.gaps != self._gaps:
            raise Damaged(f"it counts {manifest.counts}, but there are {counts}", file=MANIFEST_FILE)
        self._check_heads(manifest.heads)
        for each in manifest.partitions:
            whole = manifest.account is None
            if ends[each.partition] != each.end_offset or (whole and self._trail(each.partition) != each.trail):
                raise Damaged(f"partition {each.partition} is not what it says", file=MANIFEST_FILE)
        if [each.end_offset for each in manifest.partitions] != list(manifest.ends):
            raise Damaged("its partitions do not end where it says", file=MANIFEST_FILE)

    def _trail(self, partition: int) -> str:
        return self.audit.trails[partition].hex()

    def _check_heads(self, described: HeadsFile) -> None:
        file, computed, number = LinesOf(self.folder / described.name), self.audit.heads(), 0
        hashes = []
        for content in file:
            number += 1
            try:
                told = _decode_placed(content)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise Damaged(f"it is no head ({error})", file=described.name, line=number) from None
            head = next(computed, None)
            if told != head:
                raise Damaged(f"it says {told}, the events say {head}", file=described.name, line=number)
            hashes.append(leaf_hash(leaf_of(self.manifest.log_id, told)))
        if number != described.lines or next(computed, None) is not None:
            raise Damaged(f"it has {number} lines, but had {described.lines}", file=described.name, line=number + 1)
        if root_of(hashes).hex() != self.manifest.root:
            raise Damaged("the root is not that of the heads", file=MANIFEST_FILE)
        check_bytes(described, file)


def verify_export(folder: Path) -> tuple[Manifest, Audit]:
    """
    Verify an export; return its manifest and what the log is.

    Raises:
        ExportUnusable: There is none, or it is not finished.
        Damaged: Something is not as it was written; it says where.
    """
    verification = Verification(folder)
    return verification.manifest, verification.run()
