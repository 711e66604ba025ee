"""Group commit on one stream: commands that wait together are decided together, each chained on the one before."""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from heapq import heappop, heappush
from itertools import count
from time import perf_counter

import structlog

from patchbay.api.writing.answering import Answering
from patchbay.api.writing.attempts import Attempt, PendingRecord
from patchbay.api.writing.deciding import Deciding
from patchbay.api.writing.kinds import wanted_by
from patchbay.api.writing.outcomes import Contended, Quarantined, Unavailable
from patchbay.api.writing.run import Run, groups_of
from patchbay.api.writing.snapshot import Loaded
from patchbay.api.writing.surroundings import Surroundings
from patchbay.eventlog import NotSent
from patchbay.postgres import DATABASE_FAILURES
from patchbay.process import metrics

_log = structlog.get_logger()

BATCH_COMMANDS = 64  # decided on one snapshot
JITTER_SECONDS = 0.004  # after a lost race, about one way through log and projector; doubles with each
LOOK_SECONDS = 0.01  # between looks whether another copy has begun its turn, or ended it
LOST_RACES = 12  # then the write is answered as contended
RETRY_SECONDS = 0.02  # between tries when the log or the database refuses; doubles while it does
RETRY_LIMIT_SECONDS = 0.8
VERDICT_SECONDS = 0.05  # between looks at a head that the run does not fit to yet

_load, _decide, _settle = (
    metrics.observer_of(metrics.write_stage_seconds.labels(stage)) for stage in ("load", "decide", "settle")
)
_append, _records = metrics.observer_of(metrics.append_seconds), metrics.observer_of(metrics.run_records)


class StreamWriter:
    """
    The commands of one stream, in arrival order, and the run of records they led to.

    The run belongs to one producer session and holds what has no verdict yet. Newer commands are decided on it.
    A lost race or a lost session forgets the run: its unanswered commands are decided again, before newer ones,
    from the read model, under the same ids. Records are never sent again.
    """

    def __init__(self, stream: str, surroundings: Surroundings, on_idle: "Callable[[StreamWriter], None]") -> None:
        self.stream = stream
        self._with = surroundings
        self._on_idle = on_idle
        self._turns = count()
        self._waiting: list[tuple[int, Attempt]] = []  # a heap: who came first is decided first, however often
        self._run = Run()
        self._answering = Answering(stream, surroundings.replayer, self._come_back)
        self._changed = asyncio.Event()  # something waits, or the run has moved
        self._moved = asyncio.Event()  # the run has moved
        self._task: asyncio.Task[None] | None = None
        self._resume_at = 0.0  # loop time; later than now while the log refuses
        self._refusals = 0  # in a row
        self._must_look = False  # the next decision is not to be made on what is remembered
        self._closed = False

    def submit(self, attempt: Attempt) -> None:
        """Decide this attempt after those that came before."""
        attempt.turn = next(self._turns)
        self._wait((attempt,))

    def close(self) -> "Iterator[asyncio.Task[None]]":
        """End; yield what has to be waited for."""
        self._closed = True
        yield from self._answering.close()
        if self._task is not None:
            self._task.cancel()
            yield self._task

    def _wait(self, attempts: Iterable[Attempt]) -> None:
        for attempt in attempts:
            if not attempt.answered:
                heappush(self._waiting, (attempt.turn, attempt))
        self._go_on()

    def _come_back(self, attempt: Attempt | None) -> None:
        self._wait(() if attempt is None else (attempt,))

    def _go_on(self) -> None:
        self._changed.set()
        if self._task is not None or self._closed:
            return
        if self._waiting:
            self._task = asyncio.create_task(self._work())
        elif not self._run and not self._answering:
            self._on_idle(self)

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._pause()
                self._changed.clear()
                self._moved.clear()
                batch = self._take()
                if batch:
                    await self._decide(batch)
                elif self._waiting:
                    await self._changed.wait()
        finally:
            self._task = None
            self._go_on()

    async def _pause(self) -> None:
        loop, rivals = asyncio.get_running_loop(), self._with.settler.rivals
        while True:
            now = loop.time()
            seconds = max(self._resume_at - now, min(rivals.seconds_to_wait(self.stream, now), LOOK_SECONDS))
            if seconds <= 0:
                return
            await asyncio.sleep(seconds)

    def _take(self) -> list[Attempt]:
        room = min(self._run.room(self._with.appender.session), BATCH_COMMANDS)
        batch: list[Attempt] = []
        while self._waiting and (len(batch) < room or self._waiting[0][1].answered):
            _, attempt = heappop(self._waiting)
            if not attempt.answered:
                batch.append(attempt)
        return batch

    async def _decide(self, batch: list[Attempt]) -> None:
        session = self._with.appender.session
        try:
            loaded = self._recall(batch)
            if loaded is None:
                begun_at = asyncio.get_running_loop().time()
                loaded = await self._with.loader.load(wanted_by(self.stream, [attempt.write for attempt in batch]))
                _load(asyncio.get_running_loop().time() - begun_at)
                self._with.memory.learn(loaded, self.stream)
            await self._decide_on(loaded, batch, session)
        except DATABASE_FAILURES as error:
            _log.warning("state_not_loaded", stream=self.stream, reason=str(error) or type(error).__name__)
            self._refuse(batch)
        except Exception:  # noqa: BLE001 - the batch ends here: its writes are answered by what is known of them
            _log.exception("batch_not_decided", stream=self.stream)
            first = next((record for record in self._run if record.attempt in batch), None)
            if first is not None:
                self._decide_again(self._run.forget(first))
            for attempt in batch:
                attempt.expire()

    async def _decide_on(self, loaded: Loaded, batch: list[Attempt], session: int) -> None:
        # Who was told in the meantime that nothing was sent must be right.
        batch = [attempt for attempt in batch if not attempt.answered]
        if loaded.head.stopped_by is not None or loaded.quarantined_in:
            self._quarantine(loaded, batch)
            return
        tail = self._run.tail_on(loaded.head)
        if tail is None or session != self._with.appender.session:
            self._wait(batch)
            if tail is None:
                await self._run_moves()
            return
        deciding = Deciding(
            loaded,
            tail,
            session=session,
            on_verdict=self._on_verdict,
            answers=self._answering,
            catalogue=self._with.catalogue,
        )
        begun_at = perf_counter()
        undecided = deciding.decide_each(batch, room_bytes=self._run.room_bytes)
        _decide(perf_counter() - begun_at)
        self._must_look = deciding.must_look
        if deciding.records:
            self._append(deciding.records, session)
        self._wait(undecided)
        while deciding.lacks_part and self._run:
            self._moved.clear()
            await self._moved.wait()

    def _recall(self, batch: list[Attempt]) -> Loaded | None:
        """Return what is remembered of the stream, if the batch can be decided on that."""
        if self._must_look or any(a.write.repeats or a.sent or a.lost_races or a.earlier for a in batch):
            return None
        return self._with.memory.recall(self.stream, [attempt.write for attempt in batch])

    def _quarantine(self, loaded: Loaded, batch: list[Attempt]) -> None:
        refused = Quarantined(_why_quarantined(loaded))
        pending = {record.attempt.write.command_id: record for record in self._run}
        for attempt in batch:
            write = attempt.write
            if (known := loaded.commands.get(write.command_id)) is not None:
                behind = loaded.quarantined_in if write.changes_routing else loaded.quarantined_in & {"read_model"}
                self._answering.replay(attempt, known, tuple(sorted(behind)))
            elif write.command_id in pending:
                self._answering.decide_after(pending[write.command_id], attempt)
            else:
                self._answering.conclude(attempt, refused, loaded.head.height, None)

    def _refuse(self, batch: list[Attempt]) -> None:
        """Nothing can be decided now: who has nothing under way hears so at once, others are tried again."""
        for attempt in batch:
            if not attempt.sent:
                attempt.conclude(Unavailable("the database is out of reach; nothing took effect"))
        self._back_off()
        self._wait(batch)

    def _back_off(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._resume_at <= now:
            self._resume_at = now + min(RETRY_SECONDS * 2 ** min(self._refusals, 8), RETRY_LIMIT_SECONDS)
            self._refusals += 1

    async def _run_moves(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(VERDICT_SECONDS):
                await self._moved.wait()

    def _append(self, records: list[PendingRecord], session: int) -> None:
        self._run.extend(records)
        _records(len(records))
        now = asyncio.get_running_loop().time()
        for record in records:
            record.appended_at = now
            record.attempt.sent.append(record)
            self._with.settler.watch(record)
        for group in groups_of(records):
            acknowledged = self._with.appender.append([record.sealed for record in group], session=session)
            acknowledged.add_done_callback(partial(self._appended, group, now))

    def _appended(self, records: list[PendingRecord], begun_at: float, outcome: "asyncio.Future[None]") -> None:
        _append(asyncio.get_running_loop().time() - begun_at)
        failure = asyncio.CancelledError() if outcome.cancelled() else outcome.exception()
        if failure is None:
            self._refusals = 0
            for record in records:
                record.acknowledged = True
            return
        self._back_off()
        if isinstance(failure, NotSent):
            for record in records:
                record.turn_void()
        # A verdict may have overtaken the failure: only what is still in the run is forgotten.
        first = next((record for record in records if record in self._run), None)
        if first is not None:
            self._decide_again(self._run.forget(first))

    def _on_verdict(self, record: PendingRecord) -> None:
        """A record of this stream is accepted or void: its dependents are told, a lost race forgets the run."""
        now = asyncio.get_running_loop().time()
        if record.child is None:  # the last of what was appended together, as a rule
            _settle(now - record.appended_at)
        if record.accepted:
            self._run.accept(record)
            if record.position is not None:
                next_offset = record.position.next_offset
                self._with.settler.rivals.won(self.stream, now, now - record.appended_at, next_offset)
            head = record.sealed.as_head()
            self._with.memory.follow(self.stream, record.parent.digest, head, record.event, record.state)
        else:
            self._with.memory.forget(self.stream)
            self._with.settler.rivals.lost(self.stream, now)
            self._decide_again(self._run.lose(record))
        record.release()
        self._moved.set()
        self._go_on()

    def _decide_again(self, forgotten: list[PendingRecord]) -> None:
        """Let the commands of forgotten records be decided again, before newer ones."""
        metrics.commands_decided_again.inc(len(forgotten))
        for record in forgotten:
            attempt = record.attempt
            if attempt.lost_races >= LOST_RACES and not attempt.sent:
                attempt.conclude(Contended("other writers won the stream's next height each time"))
            record.release()
        lost_races = max((record.attempt.lost_races for record in forgotten), default=0)
        if lost_races:
            pause = random.uniform(0, JITTER_SECONDS * min(2**lost_races, 32))  # noqa: S311 - jitter is no secret
            self._resume_at = max(self._resume_at, asyncio.get_running_loop().time() + pause)
        self._moved.set()
        self._wait(record.attempt for record in forgotten)


def _why_quarantined(loaded: Loaded) -> str:
    if loaded.head.stopped_by is not None:
        at = loaded.head.height
        return f"the stream is stopped at height {at} by a record that does not fit; an operator has to mend it"
    return f"the stream cannot be folded by {', '.join(sorted(loaded.quarantined_in))}; an operator has to look at it"
