"""What a log is, record by record: verdicts, heads and where they lie, and everything that is not as it must be."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from struct import Struct
from typing import Final

import msgspec

from patchbay.audit.lines import Gap
from patchbay.eventlog import (
    Envelope,
    Foreign,
    Head,
    LogIdentity,
    Record,
    Verdict,
    advance,
    fingerprint,
    judge,
    read_envelope,
)
from patchbay.eventlog.columns import read_envelopes

NO_TRAIL: Final = bytes(32)
AT_ONCE: Final = 256  # records read column by column: more are out of a core's reach by the time they are judged
FINDINGS_KEPT: Final = 1_000  # the others are counted
_TRAIL: Final = b"\x02"
_offset: Final = Struct(">Q").pack
_DAMAGED: Final = "digest_mismatch"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an auditor has to know, and where it is."""

    partition: int
    offset: int
    stream: str | None
    what: str
    code: str  # stable snake_case
    is_fault: bool = True  # False: explained, by a mend or by somebody who has looked into it


class Placed(msgspec.Struct, frozen=True, gc=False):
    """The head of a stream, and where its event lies."""

    stream: str
    height: int
    digest: str
    partition: int
    offset: int


class Audit:
    """
    Reads a log from its start, each partition in order, and keeps what may be said of it.

    Memory grows with the number of streams, not with that of events.
    """

    def __init__(self, identity: LogIdentity, *, known: Collection[tuple[int, int]] = ()) -> None:
        """`known` are the partitions and offsets of faults that somebody has looked into: they are no faults."""
        self.identity = identity
        self.counts: Counter[Verdict] = Counter()
        self.foreign: Counter[str] = Counter()  # by reason
        self.findings: list[Finding] = []
        self.faults_beyond = 0  # not kept any more
        self.next_offsets = dict.fromkeys(range(identity.partition_count), 0)
        self.trails = dict.fromkeys(range(identity.partition_count), NO_TRAIL)
        self._genesis = Head.genesis(identity.log_id)
        self._heads: dict[str, Head] = {}
        self._places: dict[str, tuple[int, int]] = {}
        self._stops: dict[str, Finding] = {}
        self._known = frozenset(known)

    @property
    def records(self) -> int:
        """How many records were taken."""
        return self.counts.total()

    def take(self, record: Record) -> tuple[Envelope | Foreign, Verdict]:
        """Return what the next record of its partition is, and its verdict."""
        content = read_envelope(record, self.identity)
        return content, self.take_read(record, content)

    def take_all(self, contents: Sequence[Record | Gap]) -> Iterator[tuple[Record, Envelope | Foreign, Verdict]]:
        """Take what comes next, and yield each record, what it is, and its verdict; faster than one by one."""
        for begin in range(0, len(contents), AT_ONCE):
            some = contents[begin : begin + AT_ONCE]
            read = iter(read_envelopes([each for each in some if not isinstance(each, Gap)], self.identity))
            for each in some:
                if isinstance(each, Gap):
                    self.take_gap(each)
                else:
                    content = next(read)
                    yield each, content, self.take_read(each, content)

    def take_read(self, record: Record, content: Envelope | Foreign) -> Verdict:
        """Return the verdict on the next record of its partition, in which `content` was read."""
        partition, offset = record.partition, record.offset
        self.next_offsets[partition] = offset + 1
        if isinstance(content, Foreign):
            self._note_foreign(record, content)
            verdict, digest = Verdict.FOREIGN, fingerprint(record)
        else:
            head = self._heads.get(content.stream, self._genesis)
            verdict, digest = judge(content, head), bytes.fromhex(content.digest)
            if verdict is Verdict.ACCEPTED:
                self._heads[content.stream] = advance(head, content, verdict)
                self._places[content.stream] = (partition, offset)
                if head.stopped_by is not None:
                    self._note_mend(content)
            elif verdict is Verdict.BROKEN:
                self._heads[content.stream] = advance(head, content, verdict)
                self._note_broken(content, head, partition, offset)
        self.counts[verdict] += 1
        self.trails[partition] = sha256(_TRAIL + self.trails[partition] + _offset(offset) + digest).digest()
        return verdict

    def take_gap(self, gap: Gap) -> None:
        """Take over that offsets have no record."""
        self.next_offsets[gap.partition] = gap.until
        if gap.reason != "transactions":
            what = f"offsets {gap.offset} to {gap.until - 1} have no record: they were lost or taken out"
            self._find(Finding(partition=gap.partition, offset=gap.offset, stream=None, what=what, code="gap"))

    def heads(self) -> Iterator[Placed]:
        """Return where each stream's accepted events end, by stream."""
        for stream in sorted(self._places):
            head = self._heads[stream]
            yield Placed(stream, head.height, head.digest, *self._places[stream])

    def head_of(self, stream: str) -> Head:
        """Return the head of a stream, that of one without events included."""
        return self._heads.get(stream, self._genesis)

    def stopped(self) -> Mapping[str, str]:
        """Return the streams that are stopped, and the digest of the record that did it."""
        return {stream: head.stopped_by for stream, head in self._heads.items() if head.stopped_by is not None}

    def absorb(self, other: "Audit", partition: int) -> None:
        """Take over what another audit of the same log says of a partition that this one has not read."""
        self.counts += other.counts
        self.foreign += other.foreign
        self.next_offsets[partition] = other.next_offsets[partition]
        self.trails[partition] = other.trails[partition]
        # A stream lies in one partition.
        self._heads |= other._heads  # noqa: SLF001 - of its own kind
        self._places |= other._places  # noqa: SLF001 - see above
        self._stops |= other._stops  # noqa: SLF001 - see above
        room = FINDINGS_KEPT - len(self.findings)
        self.findings += other.findings[:room]
        self.faults_beyond += other.faults_beyond + sum(each.is_fault for each in other.findings[room:])

    def _note_foreign(self, record: Record, content: Foreign) -> None:
        self.foreign[content.reason] += 1
        if content.reason == _DAMAGED:
            key = (record.key or b"").decode("ascii", "replace")
            what = "the digest is not that of the record's bytes: it was changed, or is none of Patchbay's"
            self._find(
                Finding(partition=record.partition, offset=record.offset, stream=key, what=what, code=content.reason)
            )

    def _note_broken(self, envelope: Envelope, head: Head, partition: int, offset: int) -> None:
        if head.stopped_by is not None:
            return  # nothing behind the one that stopped the stream says anything new
        base = envelope.base
        what = (
            f"at height {envelope.height} it stands on an event at height {base.height} ({base.digest[:16]}…) that the "
            f"log does not have, whose head is at height {head.height}: something was lost, or this was forged"
        )
        finding = Finding(partition=partition, offset=offset, stream=envelope.stream, what=what, code="broken")
        self._stops[envelope.stream] = finding
        self._find(finding)

    def _note_mend(self, envelope: Envelope) -> None:
        stop = self._stops.pop(envelope.stream, None)
        if stop in self.findings:
            mended = msgspec.structs.replace(
                stop, is_fault=False, what=f"{stop.what}; mended at height {envelope.height}"
            )
            self.findings[self.findings.index(stop)] = mended

    def _find(self, finding: Finding) -> None:
        if (finding.partition, finding.offset) in self._known:
            finding = msgspec.structs.replace(finding, is_fault=False)
        if len(self.findings) < FINDINGS_KEPT:
            self.findings.append(finding)
        else:
            self.faults_beyond += finding.is_fault

    def faults(self) -> list[Finding]:
        """Return what is wrong."""
        return [finding for finding in self.findings if finding.is_fault]
