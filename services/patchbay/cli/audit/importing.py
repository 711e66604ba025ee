"""Importing an export into an empty topic: the same log again, in as many partitions or in others."""

import argparse
import asyncio
from pathlib import Path

import msgspec

from patchbay.audit import Audit, Gap, Manifest, NotAnchored, Verification
from patchbay.audit.anchors import leaf_of
from patchbay.audit.lines import Line
from patchbay.audit.merkle import leaf_hash, root_of
from patchbay.audit.parts import lines_of_part
from patchbay.audit.placing import Placement
from patchbay.cli.audit.cutting import Cut
from patchbay.cli.audit.log_access import guarded, opened_log
from patchbay.cli.audit.progressing import Progress
from patchbay.cli.audit.verifying import verify_log
from patchbay.cli.errors import BadUsage
from patchbay.cli.quieting import quieten_libraries
from patchbay.cli.showing import as_facts, as_json
from patchbay.cli.whereabouts import LogAccess, Whereabouts
from patchbay.eventlog import Envelope, Foreign, StoredRecord, Verdict, read_envelope
from patchbay.eventlog.manifest import Manifest as PartitionManifest
from patchbay.eventlog.restoring import Restorer, open_restorer


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
    verification = Verification(folder)
    manifest = verification.manifest
    if manifest.account is not None:
        raise BadUsage("This is an export of one account: only one of the whole log can become a log.")
    progress = Progress("verifying", sum(part.lines for part in manifest.files))
    expected = Expected(manifest, until)

    def take(record: StoredRecord, content: Envelope | Foreign, verdict: Verdict) -> None:
        expected.take(record, content, verdict)
        progress.reached(verification.lines)

    source = expected.of(verification.run(take))
    progress.end()
    count = partitions or manifest.partition_count
    async with open_restorer(
        access.bootstrap_servers, access.topic, partitions=count, replication_factor=replication_factor
    ) as restorer:
        left_out = await _restore(folder, manifest, restorer, count, until)
    async with opened_log(access) as log:
        target = (await verify_log(log, anchor=None, account=None, known=())).audit
    _compare(source, target, keeps_all=count == manifest.partition_count)
    return Imported(
        log=manifest.log_id,
        topic=access.topic,
        partitions=count,
        records=target.records,
        left_out=left_out,
        root=root_of(leaf_hash(leaf_of(manifest.log_id, head)) for head in source.heads()).hex(),
    )


async def _restore(folder: Path, manifest: Manifest, restorer: Restorer, count: int, until: str | None) -> int:
    """Append every record that has a place; return how many have none, manifests aside."""
    placement, cut = Placement(manifest.partition_count, count), None if until is None else Cut(until)
    progress, done, left_out = Progress("importing", sum(part.lines for part in manifest.files)), 0, 0
    if not placement.keeps_all:
        for partition in range(count):
            await restorer.append_manifest(PartitionManifest(manifest.log_id, count, partition))
    for part in manifest.files:
        for line in lines_of_part(folder, part):
            done += 1
            left_out += not await _restore_line(line, manifest, restorer, placement, cut)
            progress.reached(done)
    progress.end()
    return left_out


async def _restore_line(
    line: Line, manifest: Manifest, restorer: Restorer, placement: Placement, cut: Cut | None
) -> bool:
    """Append one record, if it is to be in the log; False: it has no place."""
    record = line.content
    if isinstance(record, Gap):
        return True
    content = read_envelope(record, manifest.identity)
    if cut is not None and not cut.keeps(record, content, Verdict(line.verdict)):
        return True
    partition = placement.place(record, content)
    if partition is None:
        return record.offset == 0  # a manifest, of which there is a new one
    await restorer.append(partition, record)
    return True


class Expected:
    """What the log must be afterwards: all of the export, or what it held by a moment."""

    def __init__(self, manifest: Manifest, until: str | None) -> None:
        self._cut = None if until is None else Cut(until)
        self._audit = Audit(manifest.identity)

    def take(self, record: StoredRecord, content: Envelope | Foreign, verdict: Verdict) -> None:
        """Take the next record of the export."""
        if self._cut is not None and self._cut.keeps(record, content, verdict):
            self._audit.take(record)

    def of(self, whole: Audit) -> Audit:
        """Return what the log must be, given what the export is."""
        return whole if self._cut is None else self._audit


def _compare(source: Audit, target: Audit, *, keeps_all: bool) -> None:
    """
    See that the log which was imported is the one that was exported.

    Raises:
        NotAnchored: It is another one.
    """
    verdicts = [verdict for verdict in Verdict if keeps_all or verdict is not Verdict.FOREIGN]
    heads = [[(head.stream, head.height, head.digest) for head in audit.heads()] for audit in (source, target)]
    is_same = heads[0] == heads[1] and source.stopped() == target.stopped()
    if not is_same or any(source.counts[verdict] != target.counts[verdict] for verdict in verdicts):
        raise NotAnchored(
            "what lies in the topic now is not what the export holds: somebody else wrote into it; delete the topic, "
            "see that nothing uses it, and import again"
        )
