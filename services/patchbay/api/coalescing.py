"""Questions that arrive while others are being answered are answered together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

# Of one question, whatever hangs: a statement that is given up (2 s) can hold its connection for some seconds more, and
# what has not been answered by then is not answered in time anyway.
ANSWER_SECONDS = 3.0

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Coalescer(Generic[Question, Answer]):
    """
    Turns many questions into few round trips.

    A question is never answered by a batch that had started before it was asked: what it reads is at least as new as
    the question.
    """

    def __init__(
        self,
        answer_all: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]],
        *,
        lanes: int = 2,  # batches under way at once
        batch_questions: int = 256,
    ) -> None:
        self._answer_all = answer_all
        self._free_lanes = lanes
        self._batch_questions = batch_questions
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question) -> Answer:
        """
        Answer one question.

        Raises:
            TimeoutError: There was no answer within the bound.
            Exception: Whatever the batch's round trip raised; every question of the batch sees it.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((question, future))
        if self._free_lanes:
            self._free_lanes -= 1
            task = asyncio.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        timer = loop.call_later(ANSWER_SECONDS, _give_up, future)
        try:
            return await future
        finally:
            timer.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = (
                    self._waiting[: self._batch_questions],
                    self._waiting[self._batch_questions :],
                )
                await self._answer(batch)
        finally:
            self._free_lanes += 1

    async def _answer(self, batch: Sequence[tuple[Question, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._answer_all([question for question, _ in batch])
        except Exception as error:  # noqa: BLE001  # handed to every asker, none swallowed
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)


def _give_up(future: "asyncio.Future[Answer]") -> None:
    if not future.done():
        future.set_exception(TimeoutError(f"no answer within {ANSWER_SECONDS} s"))
