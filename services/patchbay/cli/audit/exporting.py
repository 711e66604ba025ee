"""Exporting the log into a folder, or one account of it."""

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from patchbay.assistants import ids
from patchbay.audit import Audit, Begun, ExportWriter, Gap, Manifest, begin_anew, begin_export
from patchbay.cli.audit.log_access import OpenedLog, run_with_log
from patchbay.cli.audit.progressing import Progress
from patchbay.cli.audit.sharing import Report, share_out_beside
from patchbay.cli.errors import BadUsage
from patchbay.cli.showing import as_facts, as_json
from patchbay.cli.whereabouts import LogAccess, Whereabouts
from patchbay.eventlog import Envelope, LogIdentity, Verdict
from patchbay.eventlog.manifest import RULE_VERSION

_REGISTERED = "NumberRegistered"


class _Registered(msgspec.Struct):
    account_id: str


def run(arguments: argparse.Namespace) -> None:
    """Export, and say what was exported."""
    access, folder = Whereabouts(arguments.data_dir).log(), Path(arguments.folder)
    manifest = run_with_log(access, lambda log: export(log, folder, account=arguments.account))
    told = {
        "folder": str(folder),
        "log": manifest.log_id,
        "account": manifest.account,
        "partitions": manifest.partition_count,
        "records": sum(manifest.counts.values()),
        **manifest.counts,
        "streams": manifest.heads.lines,
        "bytes": sum(part.bytes for part in manifest.files) + manifest.heads.bytes,
        "root": manifest.root,
    }
    print(as_json(told) if arguments.json else as_facts(told, list(told)))


async def export(log: OpenedLog, folder: Path, *, account: str | None) -> Manifest:
    """
    Export the log, or go on with it where it was interrupted.

    Args:
        log: The log.
        folder: Empty, or with an unfinished export.
        account: Slug or id; None: all.
    """
    account_id = None if account is None else account_of(log.identity, account)
    begun = begin_export(folder, _begun(log, account_id))
    streams = None
    if account_id is not None:
        begin_anew(folder)  # what an account's export has does not tell where the others' streams were
        begun = _begun(log, account_id)
        streams = await _streams_of(log, account_id)
    works = [LogPart(log.access, folder, begun, partition, streams) for partition in range(begun.partition_count)]
    progress = Progress("exporting", sum(begun.ends))
    parts = await share_out_beside(works, progress, records=sum(begun.ends))
    with ExportWriter(folder, begun) as writer:
        if streams is not None:
            writer.select(streams)
        for partition, written in enumerate(parts):
            writer.absorb(written, partition)
        progress.end()
        return writer.finish()


class LogPart(msgspec.Struct, frozen=True):
    """Exporting one partition, or going on with it."""

    access: LogAccess
    folder: Path
    begun: Begun
    partition: int
    streams: frozenset[bytes] | None

    def run(self, report: Report) -> ExportWriter:
        """Write its files."""
        with ExportWriter(self.folder, self.begun) as writer:
            if self.streams is not None:
                writer.select(self.streams)
            writer.resume(self.partition)
            asyncio.run(self._write(writer, report))
            writer.end_partition()
            return writer

    async def _write(self, writer: ExportWriter, report: Report) -> None:
        end = self.begun.ends[self.partition]
        log = OpenedLog(self.access, self.begun.identity, {self.partition: end})
        start = writer.audit.next_offsets[self.partition]
        async for batch in log.read(self.partition, start, end, reached=lambda offsets: report(start + offsets)):
            if isinstance(batch, Gap):
                writer.take_gap(batch)
            else:
                writer.take_all(batch)


def account_of(identity: LogIdentity, account: str) -> str:
    """
    Return the id of an account that was named by it, or by its slug.

    Raises:
        BadUsage: It can be neither.
    """
    if ids.is_id(ids.ACCOUNT, account):
        return account
    if not account or not account.isascii():
        raise BadUsage(f"{account!r} is neither the slug of an account nor its id.")
    return ids.account_id(identity.log_id, account)


def _begun(log: OpenedLog, account_id: str | None) -> Begun:
    return Begun(
        log_id=log.identity.log_id,
        topic=log.identity.topic,
        partition_count=log.identity.partition_count,
        rule_version=RULE_VERSION,
        begun_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        account=account_id,
        ends=tuple(log.ends.values()),
    )


async def _streams_of(log: OpenedLog, account_id: str) -> frozenset[bytes]:
    """Return the keys of an account's streams: its own, and those of all numbers that it ever had."""
    of_account = StreamsOf(account_id)
    audit, progress = Audit(log.identity), Progress("looking for the account's numbers", log.offsets)
    async for batch in log.read_all(progress):
        for _, content, verdict in audit.take_all([batch] if isinstance(batch, Gap) else batch):
            of_account.note(content, verdict)
    progress.end()
    if not audit.head_of(account_id).height:
        raise BadUsage("There is no such account in the log: `patchbay account list` shows them.", code="no_account")
    return of_account.keys


class StreamsOf:
    """Collects the streams that have to do with an account."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        self.streams = {account_id}

    @property
    def keys(self) -> frozenset[bytes]:
        """As the log has them."""
        return frozenset(stream.encode() for stream in self.streams)

    def note(self, content: object, verdict: Verdict) -> None:
        """Note a number that the account was given."""
        if verdict is not Verdict.ACCEPTED or not isinstance(content, Envelope) or content.type != _REGISTERED:
            return
        try:
            data = msgspec.json.decode(content.value, type=_Registered)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if data.account_id == self._account_id:
            self.streams.add(content.stream)
