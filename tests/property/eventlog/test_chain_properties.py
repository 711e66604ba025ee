"""What holds for every history of writers that race, lose contact, and send again what they should not."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from patchbay.eventlog import (
    Envelope,
    Head,
    LogIdentity,
    NewEvent,
    SealedRecord,
    StoredRecord,
    Verdict,
    advance,
    judge,
    read_envelope,
    seal,
)

IDENTITY = LogIdentity("5f" * 32, "events", 1)
GENESIS = Head.genesis(IDENTITY.log_id)


class Writer:
    """A copy of the service: what it knows to be accepted, and its run of pending events on top."""

    def __init__(self) -> None:
        self.accepted = self.pending = GENESIS


class World:
    """A log of one stream, several writers, and requests that are still under way."""

    def __init__(self) -> None:
        self.log: list[SealedRecord] = []
        self.under_way: list[SealedRecord] = []
        self.writers = [Writer() for _ in range(3)]
        self._ids = count()

    def act(self, writer: Writer, action: str) -> None:
        match action:
            case "look":
                writer.accepted = writer.pending = fold(self.log)[0]
            case "append":
                self.log.append(self._event(writer))
            case "refused":
                self._event(writer)
            case "delayed":
                self.under_way.append(self._event(writer))
            case "arrives" if self.under_way:
                self.log.append(self.under_way.pop(0))
            case "redelivered" if self.log:
                self.log.append(self.log[len(self.log) // 2])

    def _event(self, writer: Writer) -> SealedRecord:
        event = NewEvent(type="NoteAdded", source="/notes", data=b"{}", dataschema="urn:example:1", actor="me")
        time = "2026-02-18T14:22:31.114207Z"
        record = seal(
            event,
            stream="note_a",
            parent=writer.pending,
            base=writer.accepted,
            time=time,
            event_id=f"e{next(self._ids)}",
        )
        writer.pending = record.as_head()
        return record


def fold(log: list[SealedRecord]) -> tuple[Head, list[tuple[str, Verdict]]]:
    head, verdicts = GENESIS, []
    for offset, record in enumerate(log, start=1):
        envelope = read_envelope(StoredRecord(0, offset, 0, record.key, record.value, tuple(record.headers)), IDENTITY)
        assert isinstance(envelope, Envelope)
        verdict = judge(envelope, head)
        head = advance(head, envelope, verdict)
        verdicts.append((record.digest, verdict))
    return head, verdicts


actions = st.sampled_from(["look", "look", "append", "append", "refused", "delayed", "arrives", "redelivered"])
histories = st.lists(st.tuples(st.integers(0, 2), actions), max_size=40)


def live(history: list[tuple[int, str]]) -> World:
    world = World()
    for number, action in history:
        world.act(world.writers[number], action)
    return world


@given(histories)
def test_no_honest_history_is_broken_and_every_height_is_accepted_once(history: list[tuple[int, str]]) -> None:
    world = live(history)
    head, verdicts = fold([*world.log, *world.under_way])

    accepted = [digest for digest, verdict in verdicts if verdict is Verdict.ACCEPTED]
    assert {verdict for _, verdict in verdicts} <= {Verdict.ACCEPTED, Verdict.VOID}
    assert len(set(accepted)) == len(accepted) == head.height


@given(histories, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=10))
def test_redelivery_of_what_is_settled_changes_nothing(
    history: list[tuple[int, str]], again: list[tuple[int, int]]
) -> None:
    """A void record above the head is not settled: had its parent come late, a second copy could still count."""
    log = live(history).log
    repeated = list(log)
    for source, distance in again:
        if log:
            record = log[source % len(log)]
            settled = [at for at in range(len(repeated) + 1) if fold(repeated[:at])[0].height >= record.height]
            if settled:
                repeated.insert(settled[distance % len(settled)], record)

    assert fold(repeated)[0] == fold(log)[0]


@given(histories, st.integers(0, 40))
def test_what_is_settled_stays_settled(history: list[tuple[int, str]], length: int) -> None:
    """Once the head is at a height, no later record changes which event of that height was accepted."""
    log = live(history).log
    early = {digest for digest, verdict in fold(log[:length])[1] if verdict is Verdict.ACCEPTED}
    late = [digest for digest, verdict in fold(log)[1] if verdict is Verdict.ACCEPTED]

    assert set(late[: len(early)]) == early


@given(histories)
def test_a_lost_event_shows_at_the_next_event_of_a_writer_that_knew_it(history: list[tuple[int, str]]) -> None:
    world = live(history)
    head, verdicts = fold(world.log)
    if head.height == 0:
        return
    writer = Writer()
    writer.accepted = writer.pending = head
    world.act(writer, "append")
    lost = next(i for i, (digest, _) in enumerate(verdicts) if digest == head.digest)
    tail = [record for record in world.log if record.digest == head.digest]

    after, found = fold([*[record for record in world.log if record not in tail][:lost], world.log[-1]])
    assert found[-1][1] is Verdict.BROKEN
    assert after.stopped_by == world.log[-1].digest
