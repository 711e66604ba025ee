"""What may be chained on the records of a stream that have no verdict."""

from tests.unit.api.writing.chains import ROOT, chain

from patchbay.api.writing.attempts import Attempt, PendingRecord
from patchbay.api.writing.outcomes import Contended, OutcomeUnknown, Pending, Unavailable
from patchbay.api.writing.run import RUN_BYTES, RUN_RECORDS, Run, groups_of
from patchbay.eventlog import Head
from patchbay.eventlog.contract import MAX_GROUP_BYTES


def head_of(record: PendingRecord) -> Head:
    """Return the head once the record is accepted."""
    return record.sealed.as_head()


def test_the_records_above_an_accepted_head_of_the_run_are_its_tail() -> None:
    """From below the first up to the last."""
    run, records = Run(), chain(3)
    run.extend(records)

    assert run.tail_on(ROOT) == records
    assert run.tail_on(head_of(records[0])) == records[1:]
    assert run.tail_on(head_of(records[2])) == []


def test_a_head_that_is_not_on_the_run_has_no_tail() -> None:
    """Whether it is another one at a height of the run, below all of it, or above all of it."""
    run, records = Run(), chain(3)
    run.extend(records)

    assert run.tail_on(Head(4, "a" * 64)) is None
    assert run.tail_on(Head(5, "a" * 64)) is None
    assert run.tail_on(Head(7, "a" * 64)) is None
    assert run.tail_on(Head(3, "3" * 64)) is None
    assert run.tail_on(Head(8, "8" * 64)) is None


def test_a_head_below_what_was_accepted_has_no_tail() -> None:
    """The database has gone back."""
    run, records = Run(), chain(1)
    run.extend(records)
    run.accept(records[0])

    assert run.tail_on(head_of(records[0])) == []
    assert run.tail_on(ROOT) is None


def test_nothing_is_chained_on_the_records_of_another_session() -> None:
    """Only once they all have their verdicts."""
    run, records = Run(), chain(1, session=1)
    run.extend(records)

    assert run.room(1) == RUN_RECORDS - 1
    assert run.room(2) == 0
    run.accept(records[0])
    assert run.room(2) == RUN_RECORDS


def test_a_run_is_bounded_in_bytes() -> None:
    """One record may go beyond it."""
    run, records = Run(), chain(3, size_bytes=400_000)
    run.extend(records)

    assert (run.room(1), run.room_bytes) == (0, 0)
    run.accept(records[0])
    assert run.room_bytes == RUN_BYTES - 800_000
    run.forget(records[1])
    assert run.room_bytes == RUN_BYTES


def test_a_lost_race_forgets_the_record_and_all_above_it() -> None:
    """What is below it may still be accepted."""
    run, records = Run(), chain(3)
    run.extend(records)
    lost = run.lose(records[1])

    assert lost == records[1:]
    assert list(run) == records[:1]
    assert [r.forgotten for r in records] == [False, True, True]
    assert [r.attempt.lost_races for r in records] == [0, 1, 1]
    assert run.room(1) == 0


def test_what_is_chained_on_a_void_record_is_void() -> None:
    """Forgotten or not; what is below it is not touched."""
    run, records = Run(), chain(3)
    run.extend(records[:1])
    run.extend(records[1:])
    run.forget(records[0])
    released: list[int] = []
    records[2].dependents.append(lambda: released.append(2))
    records[1].turn_void()

    assert [r.void for r in records] == [False, True, True]
    assert [len(r.attempt.sent) for r in records] == [1, 0, 0]
    assert released == [2]


def test_groups_keep_the_order_and_the_bound() -> None:
    """As few as the bound allows."""
    records = chain(5, size_bytes=MAX_GROUP_BYTES // 2)

    assert [len(group) for group in groups_of(records)] == [2, 2, 1]
    assert [record for group in groups_of(records) for record in group] == records


def attempt_with(*records: PendingRecord) -> Attempt:
    """Return the attempt of the first record, for which all of them were sent."""
    attempt = records[0].attempt
    attempt.sent[:] = records
    return attempt


def test_what_is_on_its_way_is_unknown_until_all_of_it_is_acknowledged() -> None:
    """The reference is to the highest: no record of the command can be accepted any more once that height is."""
    low, high = chain(2)
    attempt = attempt_with(high, low)
    low.acknowledged = True
    unknown = attempt.failure()
    high.acknowledged = True
    pending = attempt.failure()

    assert isinstance(unknown, OutcomeUnknown)
    assert isinstance(pending, Pending)
    assert unknown.reference.height == pending.reference.height == high.sealed.height


def test_what_is_accepted_is_pending_whatever_else_is_on_its_way() -> None:
    """The other record never will be."""
    low, high = chain(2)
    attempt = attempt_with(low, high)
    low.accepted, low.waiting_for = True, ("routing",)
    pending = attempt.failure()

    assert isinstance(pending, Pending)
    assert pending.reference.height == low.sealed.height
    assert pending.waiting_for == ("routing",)


def test_what_has_nothing_on_its_way_took_no_effect() -> None:
    """Because others won, or because nothing was sent."""
    (record,) = chain(1)
    attempt = record.attempt
    record.turn_void()

    assert isinstance(attempt.failure(), Unavailable)
    attempt.lost_races = 1
    assert isinstance(attempt.failure(), Contended)


def test_the_pending_record_of_an_earlier_try_is_told() -> None:
    """Until it is void."""
    earlier, record = chain(2)
    attempt = attempt_with(record)
    record.turn_void()
    attempt.earlier = earlier
    unknown = attempt.failure()
    earlier.turn_void()

    assert isinstance(unknown, OutcomeUnknown)
    assert unknown.reference.height == earlier.sealed.height
    assert isinstance(attempt.failure(), Unavailable)
