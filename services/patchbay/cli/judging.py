"""Verdicts for records that are read in order from the log's start, as every reader gives them."""

import msgspec

from patchbay.eventlog import (
    Envelope,
    Foreign,
    Head,
    LogIdentity,
    Record,
    Verdict,
    advance,
    judge,
    read_envelope,
)


class Judged(msgspec.Struct, frozen=True):
    """A record, what was read in it, and whether it counts."""

    record: Record
    content: Envelope | Foreign
    verdict: Verdict


class Chains:
    """The head of every stream, as far as the log was read."""

    def __init__(self, identity: LogIdentity) -> None:
        self._identity = identity
        self._genesis = Head.genesis(identity.log_id)
        self._heads: dict[str, Head] = {}

    def head_of(self, stream: str) -> Head:
        """Return the stream's head."""
        return self._heads.get(stream, self._genesis)

    def judge(self, record: Record) -> Judged:
        """Return the verdict on the next record of its partition."""
        content = read_envelope(record, self._identity)
        if isinstance(content, Foreign):
            return Judged(record, content, Verdict.FOREIGN)
        head = self.head_of(content.stream)
        verdict = judge(content, head)
        self._heads[content.stream] = advance(head, content, verdict)
        return Judged(record, content, verdict)
