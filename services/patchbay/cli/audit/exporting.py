"""Exporting the log into a folder, or one account of it."""

import argparse
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from patchbay.assistants import ids
from patchbay.audit import Audit, Begun, ExportWriter, Gap, Manifest, begin_anew, begin_export
from patchbay.cli.audit.log_access import OpenedLog, run_with_log
from patchbay.cli.audit.progressing import Progress
from patchbay.cli.errors import BadUsage
from patchbay.cli.showing import as_facts, as_json
from patchbay.cli.whereabouts import Whereabouts
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
    with ExportWriter(folder, begun) as writer:
        if streams is not None:
            writer.select(streams)
        writer.resume()
        progress = Progress("exporting", sum(begun.ends))
        done = 0
        for partition, end in enumerate(begun.ends):
            start = writer.audit.next_offsets[partition]
            async for content in log.read(partition, start, end, progress=progress, done=done + start):
                if isinstance(content, Gap):
                    writer.take_gap(content)
                else:
                    writer.take(content)
            writer.end_partition()
            done += end
        progress.end()
        return writer.finish()


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


async def _streams_of(log: OpenedLog, account_id: str) -> Collection[bytes]:
    """Return the keys of an account's streams: its own, and those of all numbers that it ever had."""
    of_account = StreamsOf(account_id)
    audit, progress = Audit(log.identity), Progress("looking for the account's numbers", log.offsets)
    async for content in log.read_all(progress):
        if isinstance(content, Gap):
            audit.take_gap(content)
        else:
            of_account.note(*audit.take(content))
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
    def keys(self) -> Collection[bytes]:
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
