"""The history of an assistant, a number or an account, from the log itself or from an export of it."""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import msgspec

from patchbay.assistants import ids
from patchbay.audit import Audit, Gap, Verification
from patchbay.cli.audit.anchoring import stream_of
from patchbay.cli.audit.log_access import OpenedLog, run_with_log, vouched
from patchbay.cli.audit.progressing import Progress
from patchbay.cli.audit.recalling import Change, Entry, Recall
from patchbay.cli.audit.sharing import Report, share_out_beside
from patchbay.cli.audit.words import word_diff
from patchbay.cli.lines import wants_colour
from patchbay.cli.moments import utc_text
from patchbay.cli.showing import as_json, clean
from patchbay.cli.whereabouts import LogAccess, Whereabouts
from patchbay.eventlog import Envelope, Foreign, LogIdentity, Record, Verdict

_LONG_CHARACTERS: Final = 60


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are shown."""

    since: str = ""  # ISO 8601, UTC, six digits
    until: str = "9"
    fields: frozenset[str] = frozenset()  # none: all
    actor: str | None = None

    def part_of(self, entry: Entry) -> Entry | None:
        """Return of an entry what is to be shown; None: nothing."""
        if not self.since <= entry.time <= self.until or self.actor not in (None, entry.actor):
            return None
        if not self.fields:
            return entry
        changes = [change for change in entry.changes if change.field in self.fields]
        return msgspec.structs.replace(entry, changes=changes) if changes else None


def run(arguments: argparse.Namespace) -> None:
    """Print the history, the oldest first."""
    wanted = Wanted(
        since=_moment(arguments.since, ""),
        until=_moment(arguments.until, "9"),
        fields=frozenset(arguments.field or ()),
        actor=arguments.actor,
    )
    if arguments.source is None:
        access = Whereabouts(arguments.data_dir).log()
        entries = run_with_log(access, lambda log: _of_log(log, arguments.name, wanted))
    else:
        entries = vouched(lambda: of_export(Path(arguments.source), arguments.name, wanted))
    in_colour = wants_colour(sys.stdout, os.environ)
    for entry in entries:
        print(as_json(msgspec.to_builtins(entry)) if arguments.json else told(entry, in_colour=in_colour))
    if not entries and not arguments.json:
        sys.stderr.write(f"patchbay: nothing of {arguments.name} is in the log, or nothing that was asked for\n")


def of_export(folder: Path, name: str, wanted: Wanted) -> list[Entry]:
    """
    Return the history by an export, all of which is verified on the way.

    Raises:
        ExportUnusable: There is none, or it is not finished.
        Damaged: It is not what was written.
    """
    verification = Verification(folder)
    recalling = _Recalling(verification.manifest.identity, name, wanted)
    verification.run(recalling.take)
    return in_order(recalling.entries)


async def _of_log(log: OpenedLog, name: str, wanted: Wanted) -> list[Entry]:
    _Recalling(log.identity, name, wanted)  # nothing is read for what can be no name
    works = [LogPart(log.access, log.identity, partition, end, name, wanted) for partition, end in log.ends.items()]
    progress = Progress("reading", log.offsets)
    parts = await share_out_beside(works, progress, records=log.offsets)
    progress.end()
    return in_order(entry for entries in parts for entry in entries)


class LogPart(msgspec.Struct, frozen=True):
    """Recalling what one partition tells: what two streams say of one number, they say of different fields."""

    access: LogAccess
    identity: LogIdentity
    partition: int
    end: int
    name: str
    wanted: Wanted

    def run(self, report: Report) -> list[Entry]:
        """Read every record, and keep what was asked for."""
        return asyncio.run(self._read(report))

    async def _read(self, report: Report) -> list[Entry]:
        log = OpenedLog(self.access, self.identity, {self.partition: self.end})
        audit, recalling = Audit(self.identity), _Recalling(self.identity, self.name, self.wanted)
        async for batch in log.read(self.partition, 0, self.end, reached=report):
            for judged in audit.take_all([batch] if isinstance(batch, Gap) else batch):
                recalling.take(*judged)
        return recalling.entries


class _Recalling:
    def __init__(self, identity: LogIdentity, name: str, wanted: Wanted) -> None:
        subject = name if ids.is_id(ids.ASSISTANT, name) else stream_of(identity, name)
        self._recall = Recall(subject)
        self._wanted = wanted
        self.entries: list[Entry] = []

    def take(self, _record: Record, content: Envelope | Foreign, verdict: Verdict) -> None:
        """Take a record with its verdict."""
        if verdict is Verdict.ACCEPTED and isinstance(content, Envelope):
            parts = map(self._wanted.part_of, self._recall.take(content))
            self.entries += [part for part in parts if part is not None]


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries by time; within a stream by height, which is the same."""
    return sorted(entries, key=attrgetter("time", "stream", "height"))


def told(entry: Entry, *, in_colour: bool) -> str:
    """Return an entry for people: when, what, who, why, and each field before and after."""
    why = "" if entry.reason is None else f' because "{clean(entry.reason)}"'
    head = f"{entry.time}  {clean(entry.type)}  {clean(entry.subject)}  by {clean(entry.actor or '-')}{why}"
    width = max((len(change.field) for change in entry.changes), default=0)
    lines = [f"    {change.field:<{width}}  {_change(change, in_colour=in_colour)}" for change in entry.changes]
    return "\n".join([head, *lines])


def _change(change: Change, *, in_colour: bool) -> str:
    before, after = change.before, change.after
    if isinstance(before, str) and isinstance(after, str) and max(len(before), len(after)) > _LONG_CHARACTERS:
        return word_diff(before, after, in_colour=in_colour)
    return f"{_value(before)} → {_value(after)}"


def _value(value: Any) -> str:  # noqa: ANN401 - any JSON
    return "-" if value is None else clean(as_json(value))


def _moment(text: str | None, otherwise: str) -> str:
    return otherwise if text is None else utc_text(text)
