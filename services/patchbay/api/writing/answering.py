"""What must be settled before a write that appends nothing is answered."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import msgspec
import structlog

from patchbay.api.writing.attempts import Answer, Attempt, PendingRecord
from patchbay.api.writing.outcomes import CommandReference, KeyReused, Pending, Written
from patchbay.api.writing.snapshot import KnownCommand
from patchbay.api.writing.surroundings import Replays
from patchbay.postgres import DATABASE_FAILURES

_log = structlog.get_logger()


class Answering:
    """
    Holds the answers of one stream that rest on pending records, and tells again what commands did before.

    Nothing definite is answered while the state under it, or an earlier record of the same command, has no verdict.
    """

    def __init__(self, stream: str, replayer: Replays, come_back: Callable[[Attempt | None], None]) -> None:
        """`come_back` decides an attempt again if it is not answered; with None it only looks whether all is done."""
        self._stream = stream
        self._replayer = replayer
        self._come_back = come_back
        self._held = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def __bool__(self) -> bool:
        """True if an attempt will come back."""
        return bool(self._held or self._tasks)

    def conclude(self, attempt: Attempt, answer: Answer, head_height: int, under: PendingRecord | None) -> None:
        """
        Answer once nothing can contradict it any more; if the state under it turns void, decide again.

        Args:
            attempt: Who asks.
            answer: A rejection, no change, or a failure.
            head_height: Of the newest event known to be accepted: what has not won a height up to there never will.
            under: The pending record whose state the answer rests on; None = it is accepted.
        """
        if under is not None:
            self._hold(under, partial(self._rest_on, under, attempt, answer))
            return
        open_record = next((record for record in attempt.sent if record.sealed.height > head_height), None)
        if open_record is not None:
            self.decide_after(open_record, attempt)
        elif isinstance(answer, Written) and attempt.write.changes_routing:
            # Another write may have made the change a moment ago: calls are to be routed by it too.
            self._start(attempt, partial(self._routed, answer))
        else:
            attempt.conclude(answer)

    def decide_after(self, under: PendingRecord, attempt: Attempt) -> None:
        """Decide again once `under`, a record of the same command, has its verdict: it may be its event."""
        if under.attempt is not attempt:
            attempt.earlier = under
        self._hold(under, partial(self._come_back, attempt))

    def replay(self, attempt: Attempt, known: KnownCommand, behind: tuple[str, ...] = ()) -> None:
        """
        Answer with what the command did when it took effect.

        Args:
            attempt: Who asks.
            known: Where the history holds it.
            behind: Projections that do not show it until an operator has looked at the stream.
        """
        if known.request_digest != attempt.write.request_digest:
            attempt.conclude(KeyReused("this Idempotency-Key stands for another request"))
            return
        attempt.known = CommandReference(self._stream, known.height, "", attempt.write.command_id)
        if behind:
            attempt.conclude(Pending(attempt.known, behind))
        else:
            routed = attempt.write.changes_routing
            self._start(attempt, partial(self._replayer.replay, self._stream, known.height, routed=routed))

    def close(self) -> Iterator["asyncio.Task[None]"]:
        """Cancel what is under way, and yield it."""
        for task in self._tasks:
            task.cancel()
        yield from tuple(self._tasks)

    def _hold(self, under: PendingRecord, then: Callable[[], None]) -> None:
        def released() -> None:
            self._held -= 1
            then()

        self._held += 1
        under.dependents.append(released)

    def _rest_on(self, under: PendingRecord, attempt: Attempt, answer: Answer) -> None:
        if not under.accepted:
            self._come_back(attempt)
            return
        if isinstance(answer, Written) and under.position is not None:
            answer = msgspec.structs.replace(answer, position=under.position)
        self.conclude(attempt, answer, under.sealed.height, None)
        self._come_back(None)

    def _start(self, attempt: Attempt, read: Callable[[], Awaitable[Written]]) -> None:
        task = asyncio.create_task(self._answer(attempt, read))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._come_back(None)

    async def _answer(self, attempt: Attempt, read: Callable[[], Awaitable[Written]]) -> None:
        try:
            async with asyncio.timeout_at(attempt.deadline):
                attempt.conclude(await read())
        except DATABASE_FAILURES as error:  # the deadline among them
            _log.warning("answer_not_read", stream=self._stream, reason=str(error) or type(error).__name__)
        except Exception:  # noqa: BLE001 - one answer ends here; the stream goes on
            _log.exception("answer_not_read", stream=self._stream)
        finally:
            attempt.expire()

    async def _routed(self, written: Written) -> Written:
        await self._replayer.routed(self._stream, written.height)
        return written
