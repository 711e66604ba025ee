"""The terminal: what people see while `patchbay up` works, and whom a Ctrl-C reaches."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Self

from patchbay.cli.errors import Interrupted
from patchbay.embedded import Artifact


def say(line: str) -> None:
    """Print one line at once; nobody reading it is no reason to stop."""
    with suppress(BrokenPipeError):
        print(line, flush=True)


def say_at(line: str) -> None:
    """Print one line with the time."""
    say(f"{time.strftime('%H:%M:%S')}  {line}")


@contextmanager
def terminal_for_us_alone() -> Iterator[None]:
    """
    Have a Ctrl-C reach this process and not whoever started it too.

    `make` would end with an error of its own, whatever our exit code. An interactive shell has given us a process group
    already; then, and where there is no terminal, nothing is to be done.
    """
    group = os.getpgrp()
    try:
        is_foreground = group != os.getpid() and os.tcgetpgrp(0) == group
    except OSError:
        is_foreground = False
    if not is_foreground:
        yield
        return
    for signum in (signal.SIGTTOU, signal.SIGTSTP):
        signal.signal(signum, signal.SIG_IGN)  # the one would stop us here; after the other nobody could wake us
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    try:
        yield
    finally:
        with suppress(OSError):
            os.tcsetpgrp(0, group)


class FetchDisplay:
    """Shows what comes in: a bar on a terminal, a line every tenth elsewhere."""

    def __init__(self, artifacts: Sequence[Artifact], interrupted: threading.Event) -> None:
        """`interrupted` is set to have the fetch end."""
        self._total_bytes = sum(artifact.size_bytes for artifact in artifacts)
        self._count_files = len(artifacts)
        self._interrupted = interrupted
        self._lock = threading.Lock()
        self._bytes = 0
        self._tenths = 0
        self._bar: Any = None

    def __enter__(self) -> Self:
        """Begin to show."""
        megabytes = self._total_bytes / 1e6
        say(f"First start: fetching Kafka and Postgres ({self._count_files} files, {megabytes:.0f} MB)")
        if sys.stdout.isatty():
            from rich import progress  # noqa: PLC0415 -- only a first start at a terminal needs it

            columns = (
                *(progress.BarColumn(), progress.DownloadColumn(), progress.TransferSpeedColumn()),
                progress.TimeRemainingColumn(),
            )
            self._bar = progress.Progress(*columns)
            self._bar.start()
            self._bar.add_task("", total=self._total_bytes)
        return self

    def __exit__(self, *_exception: object) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.stop()

    def advance(self, _file: str, count_bytes: int) -> None:
        """
        Add what came in; called from several threads.

        Raises:
            Interrupted: The fetch is to end.
        """
        if self._interrupted.is_set():
            raise Interrupted("Interrupted: what had been fetched whole is kept.")
        with self._lock:
            self._bytes += count_bytes
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=self._bytes)
                return
            tenths = 10 * self._bytes // self._total_bytes
            if tenths > self._tenths:
                self._tenths = tenths
                say(f"  {10 * tenths} %")
