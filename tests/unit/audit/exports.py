"""Logs on which everything happens, their exports, and somebody who changes an export and covers it up."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
import zstandard
from tests.unit.projection.chains import Chains, Written, assistant_created, assistant_id

from patchbay.assistants.events import AssistantUpdated
from patchbay.audit import Audit, Begun, ExportWriter, Gap, Manifest, begin_export, read_manifest
from patchbay.audit.manifest import MANIFEST_FILE
from patchbay.audit.writing import write_sums
from patchbay.eventlog import Head, MemoryLog, StoredRecord

PARTITIONS = 3
BEGUN_AT = "2026-02-18T15:00:00.000000Z"
# Streams are spread over partitions by it: here each partition has its share, on either log.
LOG_ID = "0f" * 32
OTHER_LOG_ID = "11" * 32


def eventful_log(log_id: str = LOG_ID) -> MemoryLog:
    """Return a log with accepted, void, broken and foreign records, and events that no attribute can hold."""
    log = MemoryLog(PARTITIONS, log_id=log_id)
    written = Written(log)
    for number in range(6):
        account = written.account(f"team-{number}")
        opened = written.opened(f"team-{number}")
        written.registered(f"+1555000{number}", account)
        written.seal(account, assistant_created(assistant_id(number), account, name='Ü "№" \\ \u2028'))
        written.put(opened)  # comes twice
        for edit in range(4):
            written.seal(account, AssistantUpdated(assistant_id=assistant_id(number), name=f"edit {edit}"))
    for index, value in enumerate((b"no JSON", b'{"a":\n1}', b'{"a":"\xff"}', b"")):
        written.seal_raw(written.account("odd"), "Later", value, subject=f"ü{index}")
    forged = written.seal_raw(written.account("elsewhere"), "Later", b"{}")
    log.write(0, forged.key, forged.value, [*forged.headers, ("x-note", None)])
    log.write(1, b"x\n", None, [("a", b"\xff"), ("a", None)])
    log.write(2, None, b"", [])
    orphan = Chains(log.identity)
    orphan.heads[written.account("team-0")] = Head(90, "ab" * 32)  # an event that this log does not have
    written.put(orphan.seal_raw(written.account("team-0"), "Later", b"{}"))
    return log


def with_gap(log: MemoryLog, partition: int, offset: int) -> list[StoredRecord | Gap]:
    """Return a partition's records, pushed on by a gap of two offsets."""
    records = list(log.records(partition))
    gap = Gap(partition, offset, offset + 2, "transactions")
    moved = [msgspec.structs.replace(record, offset=record.offset + 2) for record in records[offset:]]
    return [*records[:offset], gap, *moved]


def begun_of(log: MemoryLog, ends: Sequence[int]) -> Begun:
    """Return the export of a whole log."""
    return Begun(
        log_id=log.identity.log_id,
        topic=log.identity.topic,
        partition_count=log.identity.partition_count,
        rule_version=1,
        begun_at=BEGUN_AT,
        account=None,
        ends=tuple(ends),
    )


def export(log: MemoryLog, folder: Path, *, part_content_bytes: int = 12_000) -> Manifest:
    """Export a log, with a gap in its second partition."""
    partitions = [list[StoredRecord | Gap](log.records(partition)) for partition in range(PARTITIONS)]
    partitions[1] = with_gap(log, 1, 5)
    ends = [len(log.records(partition)) + (2 if partition == 1 else 0) for partition in range(PARTITIONS)]
    begun = begin_export(folder, begun_of(log, ends))
    with ExportWriter(folder, begun, part_content_bytes=part_content_bytes) as writer:
        for records in partitions:
            write(writer, records)
            writer.end_partition()
        return writer.finish()


def write(writer: ExportWriter, records: Iterable[StoredRecord | Gap]) -> None:
    """Write records and gaps."""
    for record in records:
        if isinstance(record, Gap):
            writer.take_gap(record)
        else:
            writer.take(record)


def audited(log: MemoryLog) -> Audit:
    """Return what a log is."""
    audit = Audit(log.identity)
    for partition in range(log.identity.partition_count):
        for record in log.records(partition):
            audit.take(record)
    return audit


def lines_of(path: Path) -> list[bytes]:
    """Return the lines of a file, with their line feeds."""
    return zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes()).splitlines(keepends=True)


def compressed(lines: Iterable[bytes]) -> bytes:
    """Return the file of these lines."""
    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(b"".join(lines))


def cover_up(folder: Path, name: str, lines: Sequence[bytes]) -> None:
    """Replace a file's lines, with checks, manifest and sums that fit."""
    check, checked = bytes(32), []
    for line in lines:
        rest = line[31:]
        digest = sha256(check + rest)
        checked.append(b'{"logcheck":"%b",' % digest.hexdigest()[:16].encode() + rest)
        check = digest.digest()
    content = compressed(checked)
    (folder / name).write_bytes(content)
    manifest = read_manifest(folder)
    facts = {"lines": len(lines), "bytes": len(content), "sha256": sha256(content).hexdigest(), "check": check.hex()}
    files = tuple(msgspec.structs.replace(part, **facts) if part.name == name else part for part in manifest.files)
    seal_manifest(folder, msgspec.structs.replace(manifest, files=files))


def seal_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a manifest, with sums that fit."""
    (folder / MANIFEST_FILE).write_bytes(msgspec.json.encode(manifest))
    write_sums(folder, manifest)
