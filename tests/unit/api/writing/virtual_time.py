"""An event loop whose clock jumps: waiting costs nothing, and the same seed gives the same order of things."""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

Arguments = ParamSpec("Arguments")


_SECONDS = 300.0  # no test takes longer, unless it waits for ever
_ROUNDS = 50_000  # of the loop at one moment; a thousand streams need some hundred


class Stuck(Exception):
    """Nothing will ever be ready."""


class Spinning(Exception):
    """There is always something ready, and time stands still."""


class _Selector(selectors.SelectSelector):
    """Never waits: time is moved to the next timer."""

    now = 0.0
    rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if (timeout is None and not ready) or self.now > _SECONDS:
            raise Stuck
        if not ready and timeout:
            self.now += timeout
            self.rounds = 0
        self.rounds += 1
        if self.rounds > _ROUNDS:
            raise Spinning
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end; an error that only the loop has seen, or a task left behind, fails."""
    random.seed(0)  # the engine's own pauses
    loop = _Loop()
    unhandled: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: unhandled.append(context))
    try:
        loop.run_until_complete(main)
        loop.run_until_complete(asyncio.sleep(1))
        left = asyncio.all_tasks(loop)

        assert not left
        assert not unhandled
    finally:
        loop.close()


def in_virtual_time(test: Callable[Arguments, Coroutine[Any, Any, None]]) -> Callable[Arguments, None]:
    """Let a test run on a clock of its own: deadlines are exact, and no machine is too slow for them."""

    @wraps(test)
    def runs(*arguments: Arguments.args, **named: Arguments.kwargs) -> None:
        run(test(*arguments, **named))

    return runs
