"""
Work on many partitions at once, in processes of their own: what is said of one needs nothing of another.

A process takes half a second to start, so small work is done here.
"""

import asyncio
import gc
import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from patchbay.cli.audit.progressing import Progress
from patchbay.cli.errors import CliError

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

WORTH_RECORDS: Final = 40_000  # below it the processes take longer to start than the work
_MOST_PROCESSES: Final = 4  # some 60 MB each: all together below 300 MB
_LOOK_SECONDS: Final = 0.2
_REPORT_RECORDS: Final = 2_000
_END_SECONDS: Final = 5.0
_OBJECTS_BETWEEN_COLLECTIONS: Final = 50_000  # some megabytes; records make no cycles, and looking for them takes time

Report = Callable[[int], None]


class Work(Protocol[T_co]):
    """What is done of one partition. It is sent to another process, and its result back."""

    def run(self, report: Report) -> T_co:
        """Do it, and say now and then how many records are done."""


class ProcessDied(CliError):
    """A process ended without a word."""

    default_code = "process_died"


class _Done(msgspec.Struct, Generic[T]):
    result: T


class _Failed(msgspec.Struct):
    """An exception in its parts: many cannot be made again from their `args`, as pickling does."""

    kind: type[BaseException]
    arguments: tuple[Any, ...]
    facts: dict[str, Any]
    trace: str

    def again(self) -> BaseException:
        error = self.kind.__new__(self.kind)
        error.args = self.arguments
        error.__dict__.update(self.facts)
        error.add_note(self.trace)
        return error


def share_out(works: Sequence[Work[T]], progress: Progress, *, records: int, processes: int | None = None) -> list[T]:
    """
    Do all of it, and return the results in order; of several failures, that of the first is raised.

    Args:
        works: One for each partition.
        progress: Is told how far all of them are.
        records: How many there are in all, by which it is decided whether other processes are worth it.
        processes: How many at once; None: as many as there are cores.

    Raises:
        ProcessDied: One ended without a word: killed, or out of memory.
    """
    if records < WORTH_RECORDS and processes is None:
        return _one_after_the_other(works, progress)
    return _Sharing(works, progress, processes).run()


async def share_out_beside(works: Sequence[Work[T]], progress: Progress, *, records: int) -> list[T]:
    """
    Do the same from within an event loop, whose cancellation (Ctrl-C) ends the processes.

    Raises:
        ProcessDied: One ended without a word: killed, or out of memory.
    """
    if records < WORTH_RECORDS:
        return await asyncio.to_thread(_one_after_the_other, works, progress)
    sharing = _Sharing(works, progress)
    try:
        return await asyncio.to_thread(sharing.run)
    finally:
        sharing.is_over.set()  # the thread itself cannot be cancelled


def _one_after_the_other(works: Sequence[Work[T]], progress: Progress) -> list[T]:
    done, results = 0, []
    for work in works:
        last = 0

        def report(records: int, before: int = done) -> None:
            nonlocal last
            last = records
            progress.reached(before + records)

        results.append(work.run(report))
        done += last
    return results


class _Sharing(Generic[T]):
    """The processes that run, each with one work at a time, and what they have told."""

    def __init__(self, works: Sequence[Work[T]], progress: Progress, processes: int | None = None) -> None:
        self.is_over = threading.Event()
        self._works = works
        self._waiting = deque(range(len(works)))
        self._progress = progress
        self._at_once = min(processes or os.cpu_count() or 1, _MOST_PROCESSES, len(works))
        self._processes: dict[Connection, SpawnProcess] = {}
        self._busy: dict[Connection, int] = {}
        self._reached = [0] * len(works)
        self._results: dict[int, T] = {}
        self._failures: dict[int, BaseException] = {}

    def run(self) -> list[T]:
        """Do all of it."""
        try:
            for _ in range(self._at_once):
                self._hand_on(self._start())
            while self._busy and not self.is_over.is_set():
                for connection in wait(list(self._busy), _LOOK_SECONDS):
                    if isinstance(connection, Connection) and connection in self._busy:
                        self._hear(connection)
                self._progress.reached(sum(self._reached))
            if self._failures:
                raise self._failures[min(self._failures)]
            return [self._results[index] for index in range(len(self._works))] if not self.is_over.is_set() else []
        finally:
            for connection in list(self._processes):
                self._end(connection)

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")  # a fork would take over threads and connections half-way
        own, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        self._processes[own] = process
        return own

    def _hand_on(self, connection: Connection) -> None:
        """Give a process what is next, if there is anything."""
        self._busy.pop(connection, None)
        if self._waiting:
            self._busy[connection] = index = self._waiting.popleft()
            with suppress(OSError):  # it has died: that will be heard
                connection.send(self._works[index])

    def _hear(self, connection: Connection) -> None:
        index = self._busy[connection]
        try:
            told = connection.recv()
        except (EOFError, OSError):
            process = self._processes[connection]
            process.join(_END_SECONDS)
            code = process.exitcode
            self._end(connection)
            self._fail(index, ProcessDied(f"A process of the audit ended by itself, with exit code {code}."))
            return
        if isinstance(told, int):
            self._reached[index] = told
            return
        if isinstance(told, _Done):
            self._results[index] = told.result
        else:
            self._fail(index, told.again())
        self._hand_on(connection)

    def _fail(self, index: int, error: BaseException) -> None:
        """Note a failure; what comes behind it in order is of no use any more."""
        self._failures[index] = error
        self._waiting = deque(each for each in self._waiting if each < index)
        for connection, other in list(self._busy.items()):
            if other > index:
                self._end(connection)

    def _end(self, connection: Connection) -> None:
        process = self._processes.pop(connection)
        self._busy.pop(connection, None)
        process.kill()
        process.join(_END_SECONDS)
        connection.close()


def _serve(connection: Connection) -> None:
    """Be a process: do what is handed over, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches it as well; who started it ends it
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 50, 50)
    with suppress(EOFError, OSError):
        while True:
            _do(connection.recv(), connection)


def _do(work: Work[Any], connection: Connection) -> None:
    last = 0

    def report(records: int) -> None:
        nonlocal last
        if records - last >= _REPORT_RECORDS:
            last = records
            connection.send(records)

    try:
        told: object = _Done(work.run(report))
    except Exception as error:  # noqa: BLE001 - it is raised again by who waits for it
        trace = "".join(traceback.format_tb(error.__traceback__))
        told = _Failed(type(error), error.args, dict(error.__dict__), trace)
    connection.send(told)
