"""Verifying the log or an export of it: every digest, every chain, every offset, and an anchor where there is one."""

import argparse
import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from patchbay.audit import (
    Anchor,
    Anchored,
    AnchorUnusable,
    Audit,
    Finding,
    Gap,
    Verification,
    public_key_of,
    read_anchor,
)
from patchbay.audit.anchors import leaf_of
from patchbay.audit.merkle import leaf_hash, root_of
from patchbay.cli.audit.exporting import StreamsOf, account_of
from patchbay.cli.audit.log_access import OpenedLog, run_with_log, vouched
from patchbay.cli.audit.progressing import Progress
from patchbay.cli.audit.sharing import Report, share_out, share_out_beside
from patchbay.cli.errors import BadFile, BadUsage, LogUnreadable
from patchbay.cli.showing import as_facts, as_json, clean
from patchbay.cli.whereabouts import LogAccess, Whereabouts
from patchbay.eventlog import Envelope, Foreign, LogIdentity, Record, Verdict

Known = tuple[tuple[int, int], ...]

LIVE: Final = "live"
_REPORT_LINES: Final = 1_024
_SHOWN_FINDINGS: Final = 20


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What came out."""

    what: str
    audit: Audit
    faults: list[Finding]
    remarks: list[Finding]
    anchor: Anchor | None


class Collecting:
    """What is done with each record beside its verdict."""

    def __init__(self, identity: LogIdentity, anchor: Anchor | None, account: str | None) -> None:
        """
        Begin.

        Raises:
            NotAnchored: The anchor is another log's.
        """
        self.anchored = None if anchor is None else Anchored(anchor, identity)
        self.of_account = None if account is None else StreamsOf(account_of(identity, account))

    def take(self, record: Record, content: Envelope | Foreign, verdict: Verdict) -> None:
        """Take a record and its verdict."""
        if self.anchored is not None:
            self.anchored.take(record)
        if self.of_account is not None:
            self.of_account.note(content, verdict)

    def absorb(self, other: "Collecting", partition: int) -> None:
        """Take over what was done with the records of a partition elsewhere."""
        if self.anchored is not None and other.anchored is not None:
            self.anchored.audit.absorb(other.anchored.audit, partition)
        if self.of_account is not None and other.of_account is not None:
            self.of_account.streams |= other.of_account.streams

    def outcome(self, what: str, audit: Audit) -> Checked:
        """
        Return what came out.

        Raises:
            NotAnchored: Something before the anchor was cut, changed or inserted.
        """
        if self.anchored is not None:
            self.anchored.check(audit.next_offsets)
        streams = None if self.of_account is None else self.of_account.streams
        found = [f for f in audit.findings if streams is None or f.stream is None or f.stream in streams]
        return Checked(
            what=what,
            audit=audit,
            faults=[finding for finding in found if finding.is_fault],
            remarks=[finding for finding in found if not finding.is_fault],
            anchor=None if self.anchored is None else self.anchored.anchor,
        )


def run(arguments: argparse.Namespace) -> None:
    """
    Verify, and say what was found.

    Raises:
        LogUnreadable: Something is wrong.
    """
    anchor = None if arguments.anchor is None else anchor_in(arguments.anchor, arguments.trusted_key)
    known = tuple(map(_position, arguments.known or ()))
    if arguments.source == LIVE:
        access = Whereabouts(arguments.data_dir).log()
        checked = run_with_log(
            access, lambda log: verify_log(log, anchor=anchor, account=arguments.account, known=known)
        )
    else:
        checked = vouched(lambda: _verify_export(Path(arguments.source), anchor, arguments.account, known))
    _tell(checked, as_lines=arguments.json)
    if checked.faults or checked.audit.faults_beyond:
        count = len(checked.faults) + checked.audit.faults_beyond
        first = f", the first is {_place(checked.faults[0])}" if checked.faults else ", behind those that are known"
        raise LogUnreadable(f"Not intact: {count} fault{'s' if count > 1 else ''}{first}.", code="not_intact")


def anchor_in(path: str, trusted_key: str | None) -> Anchor:
    """
    Return the anchor in a file.

    Args:
        path: Of the anchor.
        trusted_key: 64 hex digits, or the path of a PEM file.

    Raises:
        BadFile: A file cannot be read.
        LogUnreadable: It is no anchor, or was changed, or is signed by another key.
    """
    text = read_file(path).decode("utf-8", "replace")
    key = None
    try:
        if trusted_key is not None:
            is_file = Path(trusted_key).exists()
            key = public_key_of(read_file(trusted_key) if is_file else trusted_key.encode())
        return read_anchor(text, trusted_key=key)
    except AnchorUnusable as error:
        raise LogUnreadable(f"{path}: {error}.", code="anchor_unusable") from None


def read_file(path: str) -> bytes:
    """
    Return what a file holds.

    Raises:
        BadFile: It cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from None


async def verify_log(log: OpenedLog, *, anchor: Anchor | None, account: str | None, known: Known) -> Checked:
    """
    Verify the log.

    Args:
        log: The log.
        anchor: To hold it against.
        account: Slug or id, to tell of its streams alone.
        known: Partitions and offsets of faults that were looked into.

    Raises:
        NotAnchored: Something before the anchor was cut, changed or inserted.
    """
    identity = log.identity
    audit, collecting = Audit(identity, known=known), Collecting(identity, anchor, account)
    works = [
        LogPart(log.access, identity, partition, end, known, anchor, account) for partition, end in log.ends.items()
    ]
    progress = Progress("verifying", log.offsets)
    parts = await share_out_beside(works, progress, records=log.offsets)
    progress.end()
    for partition, (its, collected) in zip(log.ends, parts, strict=True):
        audit.absorb(its, partition)
        collecting.absorb(collected, partition)
    return collecting.outcome(f"the log in topic {log.identity.topic}", audit)


class LogPart(msgspec.Struct, frozen=True):
    """Verifying one partition of the log."""

    access: LogAccess
    identity: LogIdentity
    partition: int
    end: int
    known: Known
    anchor: Anchor | None
    account: str | None

    def run(self, report: Report) -> tuple[Audit, Collecting]:
        """Read and judge every record."""
        return asyncio.run(self._read(report))

    async def _read(self, report: Report) -> tuple[Audit, Collecting]:
        log = OpenedLog(self.access, self.identity, {self.partition: self.end})
        audit, collecting = Audit(self.identity, known=self.known), Collecting(self.identity, self.anchor, self.account)
        takes_more = self.anchor is not None or self.account is not None
        async for batch in log.read(self.partition, 0, self.end, reached=report):
            for judged in audit.take_all([batch] if isinstance(batch, Gap) else batch):
                if takes_more:
                    collecting.take(*judged)
        return audit, collecting


class ExportPart(msgspec.Struct, frozen=True):
    """Verifying the files of one partition of an export."""

    folder: Path
    partition: int
    known: Known
    anchor: Anchor | None
    account: str | None

    def run(self, report: Report) -> tuple[Verification, Collecting]:
        """Read and judge every line."""
        verification = Verification(self.folder, known=self.known)
        collecting = Collecting(verification.manifest.identity, self.anchor, self.account)

        def take(record: Record, content: Envelope | Foreign, verdict: Verdict) -> None:
            collecting.take(record, content, verdict)
            if not verification.lines % _REPORT_LINES:
                report(verification.lines)

        verification.read(self.partition, take)
        return verification, collecting


def _verify_export(folder: Path, anchor: Anchor | None, account: str | None, known: Known) -> Checked:
    verification = Verification(folder, known=known)
    manifest = verification.manifest
    if anchor is not None and manifest.account is not None:
        raise BadUsage("An anchor is of all streams: an export of one account cannot be held against it.")
    collecting = Collecting(manifest.identity, anchor, account)
    verification.begin()
    lines = sum(part.lines for part in manifest.files)
    progress = Progress("verifying", lines)
    works = [ExportPart(folder, partition, known, anchor, account) for partition in range(manifest.partition_count)]
    for partition, (its, collected) in enumerate(share_out(works, progress, records=lines)):
        verification.absorb(its, partition)
        collecting.absorb(collected, partition)
    progress.end()
    return collecting.outcome(f"the export in {folder}", verification.finish())


def _tell(checked: Checked, *, as_lines: bool) -> None:
    audit = checked.audit
    placed = list(audit.heads())
    told: dict[str, Any] = {
        "verified": checked.what,
        "log": audit.identity.log_id,
        "partitions": audit.identity.partition_count,
        "records": audit.records,
        **{verdict.value: audit.counts[verdict] for verdict in Verdict},
        "streams": len(placed),
        "stopped_streams": len(audit.stopped()),
        "root": root_of(leaf_hash(leaf_of(audit.identity.log_id, head)) for head in placed).hex(),
    }
    if checked.anchor is not None:
        told |= {"anchored_at": checked.anchor.made_at, "anchor_key": checked.anchor.key}
    if as_lines:
        findings = [*checked.faults, *checked.remarks]
        intact = not checked.faults and not audit.faults_beyond
        print(as_json({**told, "intact": intact, "findings": [_as_record(finding) for finding in findings]}))
        return
    print(as_facts(told, list(told)))
    for finding in [*checked.faults, *checked.remarks][:_SHOWN_FINDINGS]:
        print(f"  {'fault ' if finding.is_fault else 'remark'}  {_place(finding)}")


def _as_record(finding: Finding) -> Mapping[str, object]:
    return msgspec.structs.asdict(finding)


def _place(finding: Finding) -> str:
    stream = "" if finding.stream is None else f", stream {clean(finding.stream)}"
    return f"partition {finding.partition}, offset {finding.offset}{stream}: {finding.what}"


def _position(text: str) -> tuple[int, int]:
    partition, _, offset = text.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise BadUsage(f"{text!r} is no position: write PARTITION:OFFSET, as 3:1207.")
    return int(partition), int(offset)
