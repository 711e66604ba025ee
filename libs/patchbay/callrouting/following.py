"""What a subscriber knows of the log: how far it has read, where every chain ends, and the table that follows."""

from collections.abc import Sequence

import structlog

from patchbay.callrouting.facts import read_fact
from patchbay.callrouting.heads import Heads
from patchbay.callrouting.table import RoutingTable
from patchbay.eventlog import (
    Envelope,
    Foreign,
    LogIdentity,
    Record,
    Verdict,
    advance,
    fingerprint,
    judge,
    read_envelope,
)

log = structlog.get_logger()


class Following:
    """One log, as far as it has been followed. Pure: given the same records it comes to the same table."""

    def __init__(self, identity: LogIdentity) -> None:
        self.identity = identity
        self.table = RoutingTable()
        self.heads = Heads(identity.log_id)
        self.blocked: set[str] = set()  # streams with an event that this version cannot fold
        self.next_offsets: dict[int, int] = dict.fromkeys(range(identity.partition_count), 0)
        self.fingerprints: dict[int, bytes] = {}  # by partition, of the record before the next offset

    def take(self, records: Sequence[Record]) -> set[str]:
        """
        Take records over, in order within each partition; return the phone numbers whose answers they changed.

        Each is judged by its chain: what lost a race, was sent twice or is no event of ours changes nothing.
        """
        changed: set[str] = set()
        for record in records:
            read = read_envelope(record, self.identity)
            if not isinstance(read, Foreign):
                changed |= self._judge(read)
        # By partition the last one; the fingerprint shows at a new connection whether the log is still the same.
        for partition, record in {record.partition: record for record in records}.items():
            self.next_offsets[partition] = record.offset + 1
            self.fingerprints[partition] = fingerprint(record)
        return changed

    def _judge(self, envelope: Envelope) -> set[str]:
        stream = envelope.stream
        head = self.heads.of(stream)
        verdict = judge(envelope, head)
        if verdict is Verdict.VOID:
            return set()
        changed = self._fold(envelope) if verdict is Verdict.ACCEPTED and stream not in self.blocked else set()
        # After the fold, whose text for the stream's name is the one to keep.
        known = stream if stream in self.heads else self.table.name_of(stream)
        self.heads.put(known, advance(head, envelope, verdict))
        if verdict is Verdict.BROKEN and head.stopped_by is None:
            log.error("stream_stopped", stream=stream, height=envelope.height, digest=envelope.digest)
        return changed

    def _fold(self, envelope: Envelope) -> set[str]:
        try:
            fact = read_fact(envelope)
            return self.table.apply(fact) if fact is not None else set()
        except Exception as error:  # noqa: BLE001 - the stream is blocked, with the reason
            self.blocked.add(envelope.stream)
            # Without a traceback, which would show the event.
            reason = f"{type(error).__name__}: {error}"
            log.error("stream_blocked", stream=envelope.stream, height=envelope.height, reason=reason)  # noqa: TRY400
            return set()
