"""Every history that a few writers of one stream can bring about, judged by the real rule of verdicts."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import count
from typing import Any, NamedTuple

import msgspec

from patchbay.eventlog import Head, Verdict, advance, judge
from patchbay.eventlog.envelope import Base, Envelope

GENESIS = Head.genesis("0" * 64)
START = 0  # stands for "before the first event" where a record could stand
VOID = -1  # stands for every record that can never be accepted any more
_ACCEPTED = -1  # number of what stands for whichever record was accepted at its height
_BLANK = Envelope(
    "acct_x", 1, "", Base(0, ""), "", "", "", "", None, "", None, None, None, None, (), None, None, None, b"", ()
)


class Rec(NamedTuple):
    """A record: what it stands on, what its writer knew to be accepted, and which of several such it is."""

    height: int
    parent: int
    base: int
    number: int


_records: list[Rec] = [Rec(0, START, START, 0)]
_ids: dict[Rec, int] = {}  # a record's id stands for its digest


def id_of(height: int, parent: int, base: int, number: int) -> int:
    """Return the id of a record."""
    record = Rec(height, parent, base, number)
    found = _ids.get(record)
    if found is None:
        found = _ids[record] = len(_records)
        _records.append(record)
    return found


def height(record: int) -> int:
    """Return the record's height; 0 before the first."""
    return _records[record].height


def head_at(record: int) -> Head:
    """Return the stream's head once this record is accepted."""
    return Head(height(record), f"{record:064x}")


@cache
def accepted_at(level: int) -> int:
    """Return what stands for the accepted record of a height: which one it was makes no difference to what comes."""
    before = accepted_at(level - 1) if level else START
    return id_of(level, before, before, _ACCEPTED) if level else START


@cache
def seen_from(record: int, accepted: int) -> int:
    """Return what stands for a record once another has been accepted; checked: what stands for VOID is void."""
    if record in (START, VOID) or _records[record].number == _ACCEPTED:
        return record
    head = accepted_at(height(accepted))
    if record == accepted:
        return head
    made = _records[record]
    on = seen_from(made.parent, accepted)
    if made.height > height(head) and on != VOID and (made.height > height(head) + 1 or on == head):
        return id_of(made.height, on, seen_from(made.base, accepted), made.number)
    stands_for = id_of(made.height, made.parent, seen_from(made.base, accepted), made.number)
    if verdict_on(stands_for, head) is not Verdict.VOID:
        raise Broken(f"{made} on {_records[head]}")
    return VOID


BaseOf = Callable[[int, int], int]  # of a record's parent and the newest that is known


def known(_parent: int, newest: int) -> int:
    """Name as base what a verdict accepted: the rule."""
    return newest


def parent(a_parent: int, _newest: int) -> int:
    """Name as base whatever the record stands on, pending or not: wrong."""
    return a_parent


def nothing(_parent: int, _newest: int) -> int:
    """Name no base: wrong too."""
    return START


@cache
def envelope_of(record: int) -> Envelope:
    """Return what a reader sees of it."""
    made = _records[record]
    base = head_at(made.base)
    return msgspec.structs.replace(
        _BLANK,
        height=made.height,
        predecessor=f"{made.parent:064x}",
        base=Base(base.height, base.digest),
        digest=f"{record:064x}",
    )


@cache
def verdict_on(record: int, head: int) -> Verdict:
    """Return the real rule's verdict on a record at a stream's head."""
    envelope, at = envelope_of(record), head_at(head)
    verdict = judge(envelope, at)
    after = advance(at, envelope, verdict)
    assert (after.height > at.height) == (verdict is Verdict.ACCEPTED)
    assert (after.stopped_by is not None) == (verdict is Verdict.BROKEN)
    return verdict


def fold(log: Sequence[int]) -> tuple[int, bool]:
    """Return the head that a reader of the whole log comes to, and whether a record stopped the stream."""
    head = START
    for record in log:
        verdict = verdict_on(record, head)
        if verdict is Verdict.BROKEN:
            return head, True
        head = record if verdict is Verdict.ACCEPTED else head
    return head, False


class Copy(NamedTuple):
    """One writer: how many commands it has yet to decide, what it knows, and what it has on its way."""

    todo: int
    newest: int = START  # that a verdict accepted, as far as it has looked
    run: tuple[int, ...] = ()  # pending
    queue: tuple[int, ...] = ()  # sent, not yet in the log
    warm: bool = False  # its session has a record in the partition: after a gap nothing more of it lands
    dead: bool = False  # the session: it has to be replaced


class State(NamedTuple):
    """All that can matter for what comes."""

    head: int
    copies: tuple[Copy, ...]
    zombies: tuple[tuple[bool, tuple[int, ...]], ...]  # queues of sessions that were given up
    landed: frozenset[int]  # what may be delivered again
    refusals: int  # left
    again: int
    sessions: int


class Broken(AssertionError):
    """An honest record was judged broken."""


class Explorer:
    """
    All interleavings of some writers, each with some commands.

    A writer decides on what it knows and on its own pending records, up to `depth` of these; loses races and decides
    again; is refused for good, after which a cold session's next record lands and a warm one's does not; gives its
    session up, after which what it had sent may land at any time; and the broker delivers again what it had.
    """

    def __init__(
        self,
        commands: Sequence[int],
        *,
        refusals: int = 0,
        again: int = 0,
        sessions: int = 0,
        depth: int = 3,
        base_of: BaseOf = known,
    ) -> None:
        copies = tuple(Copy(todo) for todo in commands)
        self.start = State(START, copies, (), frozenset(), refusals, again, sessions)
        self._depth = depth
        self._base_of = base_of

    def exhaust(self) -> int:
        """Visit every state that can be reached, and return how many there are. Raises Broken."""
        seen, stack = {self.start}, [self.start]
        while stack:
            for after in map(_normal, (state for state, _ in self._moves(stack.pop()))):
                if after not in seen:
                    seen.add(after)
                    stack.append(after)
        return len(seen)

    def walk(self, chance: random.Random) -> list[int]:
        """Go one way at random to its end; return the log that it left. Raises Broken."""
        state, log = self.start, list[int]()
        while moves := list(self._moves(state, as_they_are=True)):
            state, landed = chance.choice(moves)
            log += [] if landed is None else [landed]
        return log

    def _moves(self, state: State, *, as_they_are: bool = False) -> Iterator[tuple[State, int | None]]:
        land = _land if as_they_are else _land_interchangeably
        for index, copy in enumerate(state.copies):
            others = state.copies[:index] + state.copies[index + 1 :]
            for changed, landing, spent in self._own(copy, state):
                # Who is who does not matter: states that differ by that alone are one.
                copies = tuple(sorted((changed, *others)))
                yield land(state._replace(copies=copies, **spent), landing)
        for index, (warm, queue) in enumerate(state.zombies):
            alive, rest = state.zombies[:index] + state.zombies[index + 1 :], queue[1:]
            yield land(state._replace(zombies=(*alive, (True, rest)) if rest else alive), queue[0])
            if state.refusals:
                left = alive if warm or not rest else (*alive, (False, rest))
                yield state._replace(zombies=left, refusals=state.refusals - 1), None
        for record in state.landed:
            yield land(state._replace(again=state.again - 1), record)

    def _own(self, copy: Copy, state: State) -> Iterator[tuple[Copy, int | None, dict[str, Any]]]:
        """What a copy can do: decide; see its oldest record land or be refused; look; begin a new session."""
        if copy.todo and not copy.dead and len(copy.run) < self._depth:
            record = self._decide(copy, state)
            yield copy._replace(todo=copy.todo - 1, run=(*copy.run, record), queue=(*copy.queue, record)), None, {}
        if copy.queue:
            yield copy._replace(queue=copy.queue[1:], warm=True), copy.queue[0], {}
            if state.refusals:
                gap = copy._replace(queue=(), dead=True) if copy.warm else copy._replace(queue=copy.queue[1:])
                yield gap, None, {"refusals": state.refusals - 1}
        if copy.newest != state.head:
            yield _look(copy, state.head), None, {}
        if state.sessions and (copy.run or copy.dead):
            zombies = tuple(sorted((*state.zombies, (copy.warm, copy.queue)))) if copy.queue else state.zombies
            yield (
                Copy(copy.todo + len(copy.run), copy.newest),
                None,
                {"sessions": state.sessions - 1, "zombies": zombies},
            )

    def _decide(self, copy: Copy, state: State) -> int:
        """Return a record that there is not yet: two are never the same, though their places be."""
        stands_on = copy.run[-1] if copy.run else copy.newest
        if stands_on == VOID:
            return VOID
        base = self._base_of(stands_on, copy.newest)
        taken = state.landed.union(*(c.run for c in state.copies), *(queue for _, queue in state.zombies))
        numbers = (id_of(height(stands_on) + 1, stands_on, base, number) for number in count())
        return next(record for record in numbers if record not in taken)


def _land(state: State, record: int | None) -> tuple[State, int | None]:
    """
    Append a record, if there is one, and judge it.

    Raises:
        Broken: Every writer is honest, and yet it is judged so.
    """
    if record is None or record == VOID:
        return state, None
    verdict = verdict_on(record, state.head)
    if verdict is Verdict.BROKEN:
        raise Broken(f"{_records[record]} on {_records[state.head]}")
    landed = state.landed | {record} if state.again else frozenset[int]()
    return state._replace(head=record if verdict is Verdict.ACCEPTED else state.head, landed=landed), record


def _land_interchangeably(state: State, record: int | None) -> tuple[State, int | None]:
    """Append a record; what was accepted, and what can never be, is told by its height from then on."""
    after, landed = _land(state, record)
    if landed is None or after.head == state.head:
        return after, landed

    def seen(records: Iterable[int]) -> Iterator[int]:
        return (seen_from(each, landed) for each in records)

    copies = (copy._replace(run=tuple(seen(copy.run)), queue=tuple(seen(copy.queue))) for copy in after.copies)
    return after._replace(
        head=accepted_at(height(landed)),
        copies=tuple(sorted(copies)),
        zombies=tuple(sorted((warm, tuple(seen(queue))) for warm, queue in after.zombies)),
        landed=frozenset(seen(after.landed)) - {VOID},
    ), landed


def _normal(state: State) -> State:
    """Return what stands for all states that differ from this one in nothing that can come to matter."""
    can_refuse = state.refusals > 0
    zombies = [_normal_queue(warm and can_refuse, queue, can_refuse=can_refuse) for warm, queue in state.zombies]
    copies = [_normal_copy(copy, can_refuse) for copy in state.copies]
    head, _, _, landed, *left = state
    return State(head, tuple(sorted(copies)), tuple(sorted([z for z in zombies if z[1]])), landed, *left)


@cache
def _normal_copy(copy: Copy, can_refuse: bool) -> Copy:  # noqa: FBT001 - a key of the cache
    warm, queue = _normal_queue(copy.warm and can_refuse, copy.queue, can_refuse=can_refuse)
    return copy._replace(warm=warm, queue=queue)


def _normal_queue(warm: bool, queue: tuple[int, ...], *, can_refuse: bool) -> tuple[bool, tuple[int, ...]]:  # noqa: FBT001 - a pair
    """Leave void records out, but for one that would make a cold session warm."""
    rest = tuple(record for record in queue if record != VOID)
    return (warm, rest) if warm or not can_refuse or not rest or queue[0] != VOID else (warm, (VOID, *rest))


def _look(copy: Copy, head: int) -> Copy:
    """A copy learns the head: its accepted records leave the run; once one has lost, all are decided again."""
    run, chain = list(copy.run), set(chain_of(head))
    while run and run[0] in chain:
        run.pop(0)
    if run and (run[0] == VOID or _records[run[0]].parent != head):
        return copy._replace(todo=copy.todo + len(run), run=(), newest=head)
    return copy._replace(run=tuple(run), newest=head)


def chain_of(head: int) -> Iterator[int]:
    """Yield the accepted records, the newest first."""
    while head != START:
        yield head
        head = _records[head].parent
