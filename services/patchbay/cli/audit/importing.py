"""Importing an export into an empty topic: the same log again, in as many partitions or in others."""

import argparse
import asyncio
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

from patchbay.audit import Audit, Gap, Manifest, NotAnchored, Verification, read_manifest
from patchbay.audit.anchors import leaf_of
from patchbay.audit.lines import Line
from patchbay.audit.merkle import leaf_hash, root_of
from patchbay.audit.parts import lines_of_part
from patchbay.audit.placing import Placement
from patchbay.cli.audit.cutting import Cut
from patchbay.cli.audit.log_access import guarded, opened_log
from patchbay.cli.audit.progressing import Progress
from patchbay.cli.audit.sharing import Report, share_out_beside
from patchbay.cli.audit.verifying import verify_log
from patchbay.cli.errors import BadUsage
from patchbay.cli.quieting import quieten_libraries
from patchbay.cli.showing import as_facts, as_json
from patchbay.cli.whereabouts import LogAccess, Whereabouts
from patchbay.eventlog import Envelope, Foreign, StoredRecord, Verdict, read_envelope
from patchbay.eventlog.manifest import Manifest as PartitionManifest
from patchbay.eventlog.restoring import Restorer, open_restorer, restored_topic

_REPORT_LINES = 1_024


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What was imported."""

    log: str
    topic: str
    partitions: int
    records: int
    left_out: int  # foreign records that have no place in another number of partitions
    root: str


def run(arguments: argparse.Namespace) -> None:
    """Verify the export, import it, and see that the log is the same."""
    access, folder = Whereabouts(arguments.data_dir).log(), Path(arguments.folder)
    quieten_libraries()
    imported = guarded(
        access,
        lambda: asyncio.run(
            import_export(
                folder, access, partitions=arguments.partitions, replication_factor=arguments.replication_factor
            )
        ),
    )
    told = msgspec.structs.asdict(imported)
    print(as_json(told) if arguments.json else as_facts(told, list(told)))


async def import_export(
    folder: Path,
    access: LogAccess,
    *,
    partitions: int | None,
    replication_factor: int = 1,
    until: str | None = None,
) -> Imported:
    """
    Import an export into an empty topic, after all of it was verified.

    Args:
        folder: Of the export.
        access: The brokers, and the topic to fill.
        partitions: How many the log is to have; None: as many as it had.
        replication_factor: Of the topic.
        until: The moment at which the log is to end, ISO 8601, UTC, six digits; None: all of it.

    Raises:
        ExportUnusable: There is no export, or it is not finished.
        Damaged: It is not what was written. Nothing was imported.
        NotALog: The topic is not empty.
        LogUnavailable: The brokers do not answer; what is in the topic by then is not all, delete it.
    """
    manifest = read_manifest(folder)
    if manifest.account is not None:
        raise BadUsage("This is an export of one account: only one of the whole log can become a log.")
    count = partitions or manifest.partition_count
    keeps_all = count == manifest.partition_count
    source, root = await _verified(folder, until, keeps_all=keeps_all)
    async with restored_topic(
        access.bootstrap_servers, access.topic, partitions=count, replication_factor=replication_factor
    ):
        left_out = await _restore(folder, manifest, access, count, until)
    async with opened_log(access) as log:
        target = (await verify_log(log, anchor=None, account=None, known=())).audit
    if state_of(target, keeps_all=keeps_all) != source:
        raise NotAnchored(
            "what lies in the topic now is not what the export holds: somebody else wrote into it; delete the topic, "
            "see that nothing uses it, and import again"
        )
    return Imported(
        log=manifest.log_id,
        topic=access.topic,
        partitions=count,
        records=target.records,
        left_out=left_out,
        root=root,
    )


async def _verified(folder: Path, until: str | None, *, keeps_all: bool) -> tuple["State", str]:
    """Verify the export; return what the log must be, all of it or what it held by a moment, and the root of that."""
    verification = Verification(folder)
    manifest = verification.manifest
    verification.begin()
    lines = sum(part.lines for part in manifest.files)
    progress, expected = Progress("verifying", lines), Audit(manifest.identity)
    works = [VerifyPart(folder, partition, until) for partition in range(manifest.partition_count)]
    parts = await share_out_beside(works, progress, records=lines)
    progress.end()
    for partition, (its, kept) in enumerate(parts):
        verification.absorb(its, partition)
        if kept is not None:
            expected.absorb(kept, partition)
    whole = verification.finish()
    audit = whole if until is None else expected
    root = root_of(leaf_hash(leaf_of(manifest.log_id, head)) for head in audit.heads())
    return state_of(audit, keeps_all=keeps_all), root.hex()


async def _restore(folder: Path, manifest: Manifest, access: LogAccess, count: int, until: str | None) -> int:
    """Append every record that has a place; return how many have none, manifests aside."""
    if count != manifest.partition_count:
        async with open_restorer(access.bootstrap_servers, access.topic) as restorer:
            for partition in range(count):
                await restorer.append_manifest(PartitionManifest(manifest.log_id, count, partition))
    lines = sum(part.lines for part in manifest.files)
    progress = Progress("importing", lines)
    works = [RestorePart(folder, partition, access, count, until) for partition in range(manifest.partition_count)]
    left_out = await share_out_beside(works, progress, records=lines)
    progress.end()
    return sum(left_out)


class VerifyPart(msgspec.Struct, frozen=True):
    """Verifying the files of one partition, and what of them is to be in the log; None: all of it."""

    folder: Path
    partition: int
    until: str | None

    def run(self, report: Report) -> tuple[Verification, Audit | None]:
        """Read and judge every line."""
        verification = Verification(self.folder)
        kept = None if self.until is None else Audit(verification.manifest.identity)
        cut = None if self.until is None else Cut(self.until)

        def take(record: StoredRecord, content: Envelope | Foreign, verdict: Verdict) -> None:
            if kept is not None and cut is not None and cut.keeps(record, content, verdict):
                kept.take(record)
            if not verification.lines % _REPORT_LINES:
                report(verification.lines)

        verification.read(self.partition, take)
        return verification, kept


class RestorePart(msgspec.Struct, frozen=True):
    """
    Appending the records of one partition of an export.

    Those of several go into one partition where there are other ones now; a stream's records all come from one.
    """

    folder: Path
    partition: int
    access: LogAccess
    count: int
    until: str | None

    def run(self, report: Report) -> int:
        """Append; return how many records have no place, manifests aside."""
        return asyncio.run(self._restore(report))

    async def _restore(self, report: Report) -> int:
        manifest = read_manifest(self.folder)
        placement = Placement(manifest.partition_count, self.count)
        cut = None if self.until is None else Cut(self.until)
        done = left_out = 0
        async with open_restorer(self.access.bootstrap_servers, self.access.topic) as restorer:
            for part in manifest.files:
                for line in lines_of_part(self.folder, part) if part.partition == self.partition else ():
                    done += 1
                    left_out += not await _restore_line(line, manifest, restorer, placement, cut)
                    if not done % _REPORT_LINES:
                        report(done)
        return left_out


async def _restore_line(
    line: Line, manifest: Manifest, restorer: Restorer, placement: Placement, cut: Cut | None
) -> bool:
    """Append one record, if it is to be in the log; False: it has no place."""
    record = line.content
    if isinstance(record, Gap):
        return True
    if cut is None and placement.keeps_all:
        await restorer.append(record.partition, record)
        return True
    content = read_envelope(record, manifest.identity)
    if cut is not None and not cut.keeps(record, content, Verdict(line.verdict)):
        return True
    partition = placement.place(record, content)
    if partition is None:
        return record.offset == 0  # a manifest, of which there is a new one
    await restorer.append(partition, record)
    return True


class State(msgspec.Struct, frozen=True):
    """What two logs are compared by, in few bytes: a million heads are not held twice."""

    heads: bytes  # SHA-256 over stream, height and digest of each
    stopped: Mapping[str, str]
    counts: Mapping[Verdict, int]


def state_of(audit: Audit, *, keeps_all: bool) -> State:
    """Return what a log is, whatever its partitions; without foreign records, of which some may be left out."""
    heads = sha256()
    for head in audit.heads():
        heads.update(f"{head.stream} {head.height} {head.digest}\n".encode())
    counted = [verdict for verdict in Verdict if keeps_all or verdict is not Verdict.FOREIGN]
    return State(heads.digest(), audit.stopped(), {verdict: audit.counts[verdict] for verdict in counted})
