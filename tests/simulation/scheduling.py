"""
One event loop for several simulated processes: time is virtual, and a seed decides whose turn it is.

Within a process everything runs in the order that asyncio promises. Between processes nothing is promised: each has a
queue of its own, and any of them may be next, be paused for a while, or be killed between two steps.
"""

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

T = TypeVar("T")

VIRTUAL_SECONDS = 600.0  # no seed takes longer, unless something waits for ever
STEPS_AT_ONE_MOMENT = 200_000


class Stuck(AssertionError):
    """Nothing will ever be ready, or something waits for ever."""


class Spinning(AssertionError):
    """There is always something ready, and time stands still."""


class Unhandled(AssertionError):
    """A step raised an error that nobody waits for."""


class Process:
    """What one process of the system runs: a queue of steps, in order."""

    def __init__(self, name: str, *, clock_skew_seconds: float = 0.0) -> None:
        self.name = name
        self.ready: deque[Step] = deque()
        self.paused = False
        self.killed = False  # paused for ever
        self.clock_skew_seconds = clock_skew_seconds

    def __repr__(self) -> str:
        return f"<{self.name}>"


_process: ContextVar[Process] = ContextVar("process")


def current_process() -> Process:
    """Return the process whose step this is."""
    return _process.get()


class Step:
    """What is to be called: as asyncio's own handles, at half their cost, for a seed has a thousand of them."""

    __slots__ = ("args", "at", "callback", "context", "is_cancelled")

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], context: Context, at: float = 0.0
    ) -> None:
        self.callback = callback
        self.args = args
        self.context = context
        self.at = at
        self.is_cancelled = False

    def cancel(self) -> None:
        """Pass it over when its turn comes, and let go of what it holds."""
        self.is_cancelled = True
        self.callback, self.args = _nothing, ()

    def cancelled(self) -> bool:
        """True if it is passed over."""
        return self.is_cancelled

    def when(self) -> float:
        """Return its time, if it has one."""
        return self.at


def _nothing() -> None:
    """Do nothing."""


class SimulatedLoop(asyncio.AbstractEventLoop):
    """See the module."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.world = Process("world")  # clients, network and servers: never paused, never killed
        self.unhandled: list[dict[str, Any]] = []
        self.steps = 0
        self._now = 0.0
        self._timers: list[tuple[float, int, Step]] = []
        self._numbers = 0
        self._active: list[Process] = []  # with something ready
        self._running = False
        self._closed = False
        self._world_context = self.context_of(self.world)

    # What asyncio asks for.

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._now

    def get_debug(self) -> bool:
        """Return that nothing is to be watched."""
        return False

    def is_running(self) -> bool:
        """True while it runs."""
        return self._running

    def is_closed(self) -> bool:
        """True once it is over."""
        return self._closed

    def close(self) -> None:
        """End."""
        self._closed = True

    def create_future(self) -> "asyncio.Future[Any]":
        """Return a new future."""
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override] # the newest signature takes more
        self,
        coro: Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> "asyncio.Task[T]":
        """Run a coroutine in the process of whoever asks."""
        return asyncio.Task(coro, loop=self, name=name, context=context)

    def call_soon(  # type: ignore[override] # typed more loosely
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Step:
        """Do this step as soon as its process has done what is before it."""
        if context is None:
            context = copy_context()
        step = Step(callback, args, context)
        self._add(context.get(_process, self.world), step)
        return step

    def call_later(  # type: ignore[override] # typed more loosely
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Step:
        """Do this step after a while."""
        return self._schedule(self._now + delay, callback, args, context)

    def call_at(  # type: ignore[override] # typed more loosely
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Step:
        """Do this step at a time."""
        return self._schedule(when, callback, args, context)

    def _schedule(
        self, when: float, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> Step:
        step = Step(callback, args, copy_context() if context is None else context, when)
        self._numbers += 1
        heapq.heappush(self._timers, (when, self._numbers, step))
        return step

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what nobody else has seen: it fails the seed."""
        self.unhandled.append(context)

    # Processes.

    def context_of(self, process: Process) -> Context:
        """Return a context in which everything belongs to this process."""
        context = copy_context()
        context.run(_process.set, process)
        return context

    def in_world(self, delay: float, callback: Callable[..., object], *args: Any) -> None:
        """Let the world do this step after a while, whatever becomes of the process that asks."""
        self._schedule(self._now + delay, callback, args, self._world_context)

    def kill(self, process: Process) -> None:
        """End a process between two steps: nothing of it runs any more, not even what it would do at its end."""
        process.killed = process.paused = True

    def resume(self, process: Process) -> None:
        """Let a paused process go on."""
        process.paused = False
        if process.ready and process not in self._active:
            self._active.append(process)

    def _add(self, process: Process, step: Step) -> None:
        if not process.ready and not process.paused:
            self._active.append(process)
        process.ready.append(step)

    def run_until_complete(self, future: Any) -> Any:
        """Run until this is done, and return its result."""
        asyncio.events._set_running_loop(self)
        self._running = True
        try:
            task = self._world_context.copy().run(asyncio.ensure_future, future, loop=self)
            self._run(task)
            return task.result()
        finally:
            self._running = False
            asyncio.events._set_running_loop(None)

    def _run(self, task: "asyncio.Future[Any]") -> None:
        at_this_moment = 0
        active, choose = self._active, self.random.random
        while not task.done():
            while not active:
                self._advance()
                at_this_moment = 0
            process = active[int(choose() * len(active))] if len(active) > 1 else active[0]
            if process.paused or not process.ready:
                active.remove(process)
                continue
            step = process.ready.popleft()
            if not process.ready:
                active.remove(process)
            if not step.is_cancelled:
                try:
                    step.context.run(step.callback, *step.args)
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as error:  # noqa: BLE001 - as asyncio has it: it fails the seed
                    self.call_exception_handler({"message": f"Exception in {step.callback}", "exception": error})
                self.steps += 1
                at_this_moment += 1
                if self.unhandled:
                    raise Unhandled(self.unhandled[0].get("message")) from self.unhandled[0].get("exception")
                if at_this_moment > STEPS_AT_ONE_MOMENT:
                    raise Spinning(f"at {self._now} s")

    def _advance(self) -> None:
        """Go on to the next moment at which something is to be done."""
        timers = self._timers
        while timers and timers[0][2].is_cancelled:
            heapq.heappop(timers)
        if not timers or self._now > VIRTUAL_SECONDS:
            raise Stuck(f"at {self._now} s")
        self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            step = heapq.heappop(timers)[2]
            if not step.is_cancelled:
                self._add(step.context.get(_process, self.world), step)
