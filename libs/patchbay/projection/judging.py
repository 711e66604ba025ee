"""From records to the accepted events among them, and the heads behind them."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from patchbay.eventlog import Envelope, Foreign, Head, Record, Verdict, advance, judge

Read = tuple[Record, Envelope | Foreign]


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """An accepted event and where it lies."""

    envelope: Envelope
    partition: int
    offset: int


class Judged(msgspec.Struct, frozen=True):
    """What a batch of records turned out to be."""

    accepted: list[Arrival]  # in the log's order within each partition
    heads: dict[str, Head]  # of the streams whose head moved or stopped
    counts: Counter[Verdict]
    foreign: list[tuple[Record, Foreign]]
    stopping: list[Arrival]  # records that stopped a stream
    mending: list[Arrival]  # accepted events by which a stopped stream goes on


def judge_records(reads: Sequence[Read], heads: Mapping[str, Head]) -> Judged:
    """
    Give each record its verdict.

    Args:
        reads: Records with what was read in them, in order within each partition.
        heads: Of every stream among them, as they are before the first.
    """
    moved: dict[str, Head] = {}
    judged = Judged([], moved, Counter(), [], [], [])
    accepted, counts = judged.accepted, judged.counts
    for record, envelope in reads:
        if isinstance(envelope, Foreign):
            counts[Verdict.FOREIGN] += 1
            judged.foreign.append((record, envelope))
            continue
        stream = envelope.stream
        head = moved.get(stream) or heads[stream]
        verdict = judge(envelope, head)
        counts[verdict] += 1
        if verdict is Verdict.VOID:
            continue
        after = advance(head, envelope, verdict)
        if verdict is Verdict.ACCEPTED:
            arrival = Arrival(envelope, record.partition, record.offset)
            accepted.append(arrival)
            if head.stopped_by is not None:
                judged.mending.append(arrival)
        elif after is not head:
            judged.stopping.append(Arrival(envelope, record.partition, record.offset))
        if after is not head:
            moved[stream] = after
    return judged
