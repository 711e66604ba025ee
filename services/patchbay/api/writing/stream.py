"""Group commit on one stream: commands that wait together are decided together, each chained on the one before."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol

import msgspec
import structlog

from patchbay.api.writing.attempts import Answer, Attempt, PendingRecord
from patchbay.api.writing.deciding import Deciding
from patchbay.api.writing.kinds import wanted_by
from patchbay.api.writing.outcomes import (
    CommandReference,
    CommandStatus,
    Contended,
    KeyReused,
    Quarantined,
    Unavailable,
    Written,
)
from patchbay.api.writing.run import Run
from patchbay.api.writing.snapshot import KnownCommand, Loaded, Wanted
from patchbay.assistants.catalogue import Catalogue
from patchbay.assistants.errors import PartNotLoaded
from patchbay.eventlog import Head, NotSent
from patchbay.eventlog.contract import MAX_GROUP_BYTES, Appender
from patchbay.postgres import DATABASE_FAILURES

_log = structlog.get_logger()

BATCH_COMMANDS = 64  # decided on one snapshot
LOST_RACES = 12  # then the write is answered as contended
RETRY_SECONDS = 0.05  # between tries when the log or the database refuses


class Loads(Protocol):
    """What brings a stream's state (see `Loader`)."""

    async def load(self, wanted: Wanted) -> Loaded:
        """Return the stream as the database shows it after this call began."""


class Watches(Protocol):
    """What tells records their verdicts (see `Settler`)."""

    def watch(self, record: PendingRecord) -> None:
        """Tell this record its verdict."""


class Replays(Protocol):
    """What tells again what an accepted command did (see `Replayer`)."""

    async def replay(self, stream: str, height: int, *, routed: bool) -> Written:
        """Return the effect of the event at this height, once readers see it."""

    async def look_up(self, reference: CommandReference) -> CommandStatus:
        """Return what became of a command."""


class Surroundings(msgspec.Struct, frozen=True):
    """The parts that every stream of this copy shares."""

    loader: Loads
    appender: Appender
    settler: Watches
    replayer: Replays
    catalogue: Catalogue | None = None  # the providers in force; None = as shipped


class StreamWriter:
    """
    The commands of one stream, in arrival order, and the run of records they led to.

    The run belongs to one producer session and holds what has no verdict yet. Newer commands are decided on it.
    A lost race or a lost session forgets the run: its unanswered commands are decided again, before newer ones,
    from the read model, under the same ids. Records are never sent again.
    """

    def __init__(self, stream: str, surroundings: Surroundings, on_idle: Callable[[str], None]) -> None:
        self.stream = stream
        self._with = surroundings
        self._on_idle = on_idle
        self._waiting: deque[Attempt] = deque()
        self._run = Run()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._replays: set[asyncio.Task[None]] = set()
        self._resume_at = 0.0  # loop time; later than now while the log refuses
        self._held = 0  # attempts that are neither waiting nor in the run, but will come back

    def submit(self, attempt: Attempt) -> None:
        """Decide this attempt after those that wait already."""
        self._waiting.append(attempt)
        self._go_on()

    def session_ended(self, session: int) -> None:
        """What the ended session has not had acknowledged is forgotten; the rest waits for its verdict."""
        lost = next((r for r in self._run if r.session == session and not r.acknowledged), None)
        if lost is not None:
            self._decide_again(self._run.forget(lost))
            self._go_on()

    def _go_on(self) -> None:
        self._changed.set()
        if self._task is None:
            if self._waiting:
                self._task = asyncio.create_task(self._work())
            elif not self._run and not self._held and not self._replays:
                self._on_idle(self.stream)

    async def _work(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(max(0.0, self._resume_at - asyncio.get_running_loop().time()))
                self._changed.clear()
                batch = self._take()
                if batch:
                    await self._decide_batch(batch)
                elif self._waiting:
                    await self._changed.wait()
        except Exception:  # noqa: BLE001 - a stream ends here; its writes are answered by what is known of them
            _log.exception("stream_writer_failed", stream=self.stream)
            self._give_up()
        finally:
            self._task = None
            self._go_on()

    def _give_up(self) -> None:
        """Answer whatever waits with what is known of it."""
        while self._waiting:
            self._waiting.popleft().expire()

    def _take(self) -> list[Attempt]:
        room = self._run.room(self._with.appender.session)
        batch: list[Attempt] = []
        while self._waiting and len(batch) < min(room, BATCH_COMMANDS):
            attempt = self._waiting.popleft()
            if not attempt.answered:
                batch.append(attempt)
        while self._waiting and self._waiting[0].answered:
            self._waiting.popleft()
        return batch

    def _put_back(self, attempts: list[Attempt]) -> None:
        self._waiting.extendleft(a for a in reversed(attempts) if not a.answered)

    async def _decide_batch(self, batch: list[Attempt]) -> None:
        session = self._with.appender.session
        try:
            loaded = await self._with.loader.load(wanted_by(self.stream, [a.write for a in batch]))
        except DATABASE_FAILURES as error:
            _log.warning("state_not_loaded", stream=self.stream, reason=str(error) or type(error).__name__)
            await self._unavailable(batch, "the database is out of reach; nothing was sent")
            return
        if loaded.head.stopped_by is not None or loaded.quarantined_in:
            for attempt in batch:
                self._conclude_definitely(attempt, Quarantined(_why_quarantined(loaded)), loaded.head.height)
            return
        tail = self._run.tail_on(loaded.head)
        if tail is None or session != self._with.appender.session or (tail and tail[-1].session != session):
            self._put_back(batch)
            await self._something_changes()
            return
        try:
            decided = Deciding(loaded, tail, session=session, stream=self, catalogue=self._with.catalogue).decide_each(
                batch
            )
        except PartNotLoaded as missing:
            # What a pending event changed is needed and was not loaded: once the run has settled, it will be.
            self._put_back(batch)
            if not tail:
                raise
            _log.info("waiting_for_run", stream=self.stream, part=missing.part)
            await self._run_settles()
            return
        if decided:
            self._append(decided, session)

    def _append(self, records: list[PendingRecord], session: int) -> None:
        self._run.extend(records)
        for record in records:
            record.attempt.sent.append(record)
            self._with.settler.watch(record)
        for group in _groups(records):
            acknowledged = self._with.appender.append([record.sealed for record in group], session=session)
            acknowledged.add_done_callback(partial(self._appended, group))

    def _appended(self, records: list[PendingRecord], outcome: "asyncio.Future[None]") -> None:
        failure = None if outcome.cancelled() else outcome.exception()
        if failure is None and not outcome.cancelled():
            for record in records:
                record.acknowledged = True
            return
        if isinstance(failure, NotSent):
            for record in records:
                record.void = True  # it never left this process
                record.release()
        self._resume_at = asyncio.get_running_loop().time() + RETRY_SECONDS
        # A verdict may have overtaken the failure: only what is still in the run is forgotten.
        first = next((record for record in records if record in self._run), None)
        if first is not None:
            self._decide_again(self._run.forget(first))
        self._go_on()

    def on_verdict(self, record: PendingRecord) -> None:
        """A record of this stream is accepted or void: its dependents are told, a lost race forgets the run."""
        if record.accepted:
            self._run.accept(record)
        elif not record.forgotten:
            self._decide_again(self._run.lose(record))
        record.release()
        self._go_on()

    def _decide_again(self, forgotten: list[PendingRecord]) -> None:
        """Let the commands of forgotten records be decided again, in their old order, before newer ones."""
        for record in forgotten:
            attempt = record.attempt
            if attempt.lost_races >= LOST_RACES and all(r.void for r in attempt.sent):
                attempt.conclude(Contended("other writers won the stream's next height each time"))
        for record in reversed(forgotten):
            record.release()
        attempts = [record.attempt for record in forgotten]
        lost_races = max((attempt.lost_races for attempt in attempts), default=0)
        if lost_races:
            self._held += 1
            delay = random.uniform(0, 0.002 * min(2**lost_races, 64))  # noqa: S311  # jitter is no secret
            asyncio.get_running_loop().call_later(delay, self._come_back, attempts)
        else:
            self._put_back(attempts)

    def _come_back(self, attempts: list[Attempt]) -> None:
        self._held -= 1
        self._put_back(attempts)
        self._go_on()

    def conclude(self, attempt: Attempt, answer: Answer, head: Head, under: PendingRecord | None) -> None:
        """Answer once the pending state under the answer has been accepted; if it turns void, decide again."""
        if under is None:
            self._conclude_definitely(attempt, answer, head.height)
            return
        self._held += 1
        under.dependents.append(partial(self._rests_on, under, attempt, answer))

    def _rests_on(self, under: PendingRecord, attempt: Attempt, answer: Answer | None) -> None:
        self._held -= 1
        if under.accepted and answer is not None:
            if isinstance(answer, Written) and under.position is not None:
                answer = msgspec.structs.replace(answer, position=under.position)
            self._conclude_definitely(attempt, answer, under.sealed.height)
        else:
            self._put_back([attempt])
        self._go_on()

    def decide_after(self, under: PendingRecord, attempt: Attempt) -> None:
        """Decide again once `under` has its verdict: it may be this very command's event."""
        self._held += 1
        under.dependents.append(partial(self._rests_on, under, attempt, None))

    def _conclude_definitely(self, attempt: Attempt, answer: Answer, head_height: int) -> None:
        """Answer once no earlier record of the command can be accepted any more; until then it is decided again."""
        open_record = next((r for r in attempt.sent if not r.void and r.sealed.height > head_height), None)
        if open_record is None:
            attempt.conclude(answer)
        else:
            self.decide_after(open_record, attempt)

    def replay(self, attempt: Attempt, known: KnownCommand) -> None:
        """Answer with what the command did when it took effect."""
        if known.request_digest != attempt.write.request_digest:
            attempt.conclude(KeyReused("this Idempotency-Key stands for another request"))
            return
        attempt.known = CommandReference(self.stream, known.height, "", attempt.write.command_id)
        task = asyncio.create_task(self._replay(attempt, known.height))
        self._replays.add(task)
        task.add_done_callback(self._replays.discard)

    async def _replay(self, attempt: Attempt, height: int) -> None:
        routed = attempt.write.changes_routing
        try:
            attempt.conclude(await self._with.replayer.replay(self.stream, height, routed=routed))
        except DATABASE_FAILURES as error:
            _log.warning("answer_not_replayed", stream=self.stream, height=height, reason=str(error))
            attempt.expire()

    async def _unavailable(self, batch: list[Attempt], why: str) -> None:
        """Nothing can be decided now: who has nothing under way hears so at once, others are tried again."""
        for attempt in batch:
            if all(record.void for record in attempt.sent):
                attempt.conclude(Unavailable(why))
        self._put_back(batch)
        await asyncio.sleep(RETRY_SECONDS)

    async def _something_changes(self) -> None:
        try:
            async with asyncio.timeout(RETRY_SECONDS):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _run_settles(self) -> None:
        while self._run:
            self._changed.clear()
            await self._changed.wait()


def _why_quarantined(loaded: Loaded) -> str:
    if loaded.head.stopped_by is not None:
        at = loaded.head.height
        return f"the stream is stopped at height {at} by a record that does not fit; an operator has to mend it"
    return f"the stream cannot be folded by {', '.join(sorted(loaded.quarantined_in))}; an operator has to look at it"


def _groups(records: list[PendingRecord]) -> Iterator[list[PendingRecord]]:
    """Cut a chain into groups that the log takes at once."""
    group: list[PendingRecord] = []
    room = MAX_GROUP_BYTES
    for record in records:
        if group and record.sealed.size_bytes > room:
            yield group
            group, room = [], MAX_GROUP_BYTES
        group.append(record)
        room -= record.sealed.size_bytes
    yield group
