"""The rule by which every reader, for ever, tells which records of a chain count."""

from enum import StrEnum
from typing import Self

import msgspec

from patchbay.eventlog.envelope import Base, Envelope


class Verdict(StrEnum):
    """What a record is to a reader that knows the stream's head."""

    ACCEPTED = "accepted"
    VOID = "void"
    BROKEN = "broken"
    FOREIGN = "foreign"


class Head(msgspec.Struct, frozen=True, gc=False):
    """The newest accepted event of a stream, and whether a broken record stopped the stream behind it."""

    height: int
    digest: str  # 64 lower-case hex digits; the log's id at height 0
    time: str = ""  # ISO 8601, UTC, six digits; empty at height 0
    stopped_by: str | None = None  # digest of the record that stopped the stream

    @classmethod
    def genesis(cls, log_id: str) -> Self:
        """Return the head of a stream without events."""
        return cls(0, log_id)

    def as_base(self) -> Base:
        """Return what a writer that relies on this head names as its base."""
        return Base(self.height, self.digest)


def judge(envelope: Envelope, head: Head) -> Verdict:
    """
    Return the verdict on an event of ours: accepted, broken or void; the first that fits.

    Depends on the envelope and the head alone, so that every reader of every version comes to the same one.
    """
    on_head = envelope.height == head.height + 1 and envelope.predecessor == head.digest
    if head.stopped_by is not None:
        return Verdict.ACCEPTED if on_head and envelope.mends == head.stopped_by else Verdict.BROKEN
    if on_head:
        return Verdict.ACCEPTED
    base = envelope.base
    if base.height > head.height or (base.height == head.height and base.digest != head.digest):
        return Verdict.BROKEN
    return Verdict.VOID


def advance(head: Head, envelope: Envelope, verdict: Verdict) -> Head:
    """Return the stream's head after `envelope` got `verdict`."""
    if verdict is Verdict.ACCEPTED:
        return Head(envelope.height, envelope.digest, envelope.time)
    if verdict is Verdict.BROKEN and head.stopped_by is None:
        return Head(head.height, head.digest, head.time, envelope.digest)
    return head
