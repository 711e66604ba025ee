"""What an export holds up to a moment: a beginning of every stream, with the verdicts that it had."""

from datetime import UTC, datetime

import msgspec
from tests.unit.projection.chains import Chains, Written, assistant_created, assistant_id

from patchbay.assistants.events import AssistantUpdated
from patchbay.audit import Audit
from patchbay.cli.audit.cutting import Cut
from patchbay.eventlog import Envelope, MemoryLog, StoredRecord, Verdict


def test_a_loser_does_not_count_where_its_winner_is_cut_off() -> None:
    """It was decided earlier than the winner and appended later; without the winner it would stand on the head."""
    written = Written(MemoryLog(1))
    account = written.account("acme")
    written.opened("acme")
    rival = Chains(written.identity)
    rival.heads = dict(written.heads)
    lost = rival.seal(account, assistant_created(assistant_id(1), account))
    until = "2026-02-18T14:00:01.500000Z"
    for number in (2, 3):
        written.seal(account, assistant_created(assistant_id(number), account))
    written.put(lost)
    whole, cut, kept = Audit(written.identity), Cut(until), []
    for record in written.log.records(0):
        early: StoredRecord = msgspec.structs.replace(record, timestamp=0)
        content, verdict = whole.take(early)
        if cut.keeps(early, content, verdict):
            kept.append(early)
    again = Audit(written.identity)
    verdicts = [again.take(record)[1] for record in kept]

    assert whole.counts[Verdict.VOID] == 1
    assert verdicts == [Verdict.FOREIGN, Verdict.ACCEPTED]
    assert again.head_of(account).height == 1 < whole.head_of(account).height


def test_what_never_counted_is_kept_if_it_was_appended_by_then() -> None:
    written = Written(MemoryLog(1))
    account = written.account("acme")
    twice = written.opened("acme")
    written.put(twice)
    written.seal(account, AssistantUpdated(assistant_id=assistant_id(1), name="later"))
    cut, audit = Cut("2026-02-18T14:00:01.114207Z"), Audit(written.identity)
    then = int(datetime(2026, 2, 18, 14, 0, 1, tzinfo=UTC).timestamp() * 1000)
    kept = []
    for record in written.log.records(0):
        early: StoredRecord = msgspec.structs.replace(record, timestamp=then + record.offset - 2)
        content, verdict = audit.take(early)
        if cut.keeps(early, content, verdict):
            kept.append((verdict, content.height if isinstance(content, Envelope) else 0))

    assert kept == [(Verdict.FOREIGN, 0), (Verdict.ACCEPTED, 1), (Verdict.VOID, 1)]
