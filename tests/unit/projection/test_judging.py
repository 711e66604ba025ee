"""A batch's records get their verdicts in order, each on the head that the one before it left."""

from tests.unit.projection.chains import Chains, Written

from patchbay.eventlog import Foreign, Head, MemoryLog, Verdict, read_envelope
from patchbay.projection.judging import Judged, judge_records


def judged(written: Written) -> Judged:
    """Judge the whole log."""
    records = [record for p in range(written.identity.partition_count) for record in written.log.records(p)]
    reads = [(record, read_envelope(record, written.identity)) for record in records]
    streams = {read.stream for _, read in reads if not isinstance(read, Foreign)}
    return judge_records(reads, dict.fromkeys(streams, Head.genesis(written.identity.log_id)))


def test_a_chain_within_a_batch_is_accepted_whole() -> None:
    written = Written(MemoryLog(1))
    records = [written.seal_raw(written.account("a"), "Any", b"{}") for _ in range(3)]

    outcome = judged(written)

    assert [arrival.envelope.height for arrival in outcome.accepted] == [1, 2, 3]
    assert outcome.heads[written.account("a")] == records[-1].as_head()
    assert outcome.counts == {Verdict.FOREIGN: 1, Verdict.ACCEPTED: 3}


def test_a_redelivered_record_is_void_and_moves_nothing() -> None:
    written = Written(MemoryLog(1))
    record = written.seal_raw(written.account("a"), "Any", b"{}")
    written.put(record)

    outcome = judged(written)

    assert outcome.counts[Verdict.VOID] == 1
    assert len(outcome.accepted) == 1


def test_a_child_of_a_lost_event_stops_its_stream_once() -> None:
    written = Written(MemoryLog(1))
    account = written.account("a")
    unwritten = Chains(written.identity)
    unwritten.seal_raw(account, "Lost", b"{}")
    child = written.put(unwritten.seal_raw(account, "Child", b"{}"))
    written.put(unwritten.seal_raw(account, "Grandchild", b"{}"))

    outcome = judged(written)

    assert outcome.counts[Verdict.BROKEN] == 2
    assert [(arrival.partition, arrival.offset) for arrival in outcome.stopping] == [(0, child.offset)]
    assert outcome.heads[account].height == 0
    assert outcome.heads[account].stopped_by == outcome.stopping[0].envelope.digest


def test_a_strangers_record_is_told_with_its_reason() -> None:
    log = MemoryLog(1)
    log.write(0, b"somebody", b"{}", [("x", b"y")])

    outcome = judged(Written(log))

    assert [foreign.reason for _, foreign in outcome.foreign] == ["manifest", "not_an_event"]
