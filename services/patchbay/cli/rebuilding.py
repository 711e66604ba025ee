"""`patchbay projection rebuild`: the projection's own program does it, as a child; here it is watched and shown."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from patchbay.cli.errors import CliError, Interrupted
from patchbay.cli.showing import clean
from patchbay.cli.whereabouts import Whereabouts
from patchbay.settings import without_kafka_settings

_MODULES: Final = {"read_model": "patchbay.projector", "routing": "patchbay.routing"}
_STOPPED: Final = 3  # the child's exit code
_LINE_SECONDS: Final = 5.0  # between lines where nobody sits before a terminal
_BAR_CHARACTERS: Final = 24


class RebuildFailed(CliError):
    """The program that fills the generation ended before its time."""

    default_code = "rebuild_failed"


class _Progress(msgspec.Struct):
    """What the child tells."""

    schema: str
    records: int
    of_records: int
    records_per_second: float
    seconds_left: float | None
    is_complete: bool


def rebuild(arguments: argparse.Namespace, whereabouts: Whereabouts) -> None:
    """
    Rebuild until it is complete, or until somebody stops it.

    Raises:
        NotRunning: Nothing is known of the log, or of the database.
        RebuildFailed: It cannot be done; the sentence is the program's.
        Interrupted: It was stopped, and can go on.
    """
    log = whereabouts.log()
    places = {
        "KAFKA_BOOTSTRAP_SERVERS": str(log.bootstrap_servers),
        "TOPIC": log.topic,
        "DATABASE_URL": whereabouts.database(),
    }
    files = {f"{name}_FILE" for name in places}  # which would contradict what was found
    inherited = without_kafka_settings(os.environ) if isinstance(log.bootstrap_servers, str) else os.environ
    environ = {"LOG_LEVEL": "warning", **{k: v for k, v in inherited.items() if k not in files}, **places}
    command = (sys.executable, "-m", _MODULES[arguments.name], "rebuild", str(arguments.batch_records))
    display = _JsonLines() if arguments.json else _Bar() if sys.stdout.isatty() else _Lines()
    last: _Progress | None = None
    with tempfile.TemporaryFile() as errors:
        # In a group of its own, so that a terminal's Ctrl-C reaches this process alone, which hands it on.
        child = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=errors, process_group=0)  # noqa: S603 - ours
        with child, _handing_on_stops(child):
            for last in _progress(child):
                display.show(last)
            code = child.wait()
        errors.seek(0)
        told = errors.read().decode(errors="replace").strip()
    display.end()
    if code == _STOPPED:
        raise Interrupted("Stopped. What was filled is kept: the same command goes on from there.")
    if code != 0 or last is None:
        reason = told.rpartition("\n")[2] or f"it ended with exit code {code}"
        raise RebuildFailed(f"{clean(reason)}.")
    if not arguments.json:
        print(
            f"{last.schema} is complete, with {last.records:,} records. Next: `patchbay projection compare "
            f"{arguments.name}`, then `patchbay projection swap {arguments.name}`."
        )


def _progress(child: "subprocess.Popen[bytes]") -> Iterator[_Progress]:
    for line in child.stdout or ():
        yield msgspec.json.decode(line, type=_Progress)


@contextmanager
def _handing_on_stops(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Have the child stop in order at Ctrl-C and SIGTERM, and this process wait for it."""

    def hand_on(_signum: int, _frame: object) -> None:
        child.send_signal(signal.SIGTERM)  # a second one ends it at once

    before = {signum: signal.signal(signum, hand_on) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _text(progress: _Progress) -> str:
    left = "" if progress.seconds_left is None else f", {_duration(progress.seconds_left)} left"
    return (
        f"{progress.schema}: {progress.records:,} of {progress.of_records:,} records, "
        f"{progress.records_per_second:,.0f}/s{left}"
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class _Lines:
    """A line now and then, where it goes into a file."""

    def __init__(self) -> None:
        self._shown_at = 0.0

    def show(self, progress: _Progress) -> None:
        if progress.is_complete or time.monotonic() - self._shown_at >= _LINE_SECONDS:
            self._shown_at = time.monotonic()
            print(_text(progress), flush=True)

    def end(self) -> None:
        pass


class _JsonLines:
    """All that the child tells, as it comes."""

    def show(self, progress: _Progress) -> None:
        sys.stdout.write(msgspec.json.encode(progress).decode() + "\n")
        sys.stdout.flush()

    def end(self) -> None:
        pass


class _Bar:
    """One line on a terminal that fills."""

    def __init__(self) -> None:
        self._is_begun = False

    def show(self, progress: _Progress) -> None:
        self._is_begun = True
        filled = _BAR_CHARACTERS * progress.records // max(1, progress.of_records)
        bar = "█" * filled + "░" * (_BAR_CHARACTERS - filled)
        sys.stdout.write(f"\r\x1b[K{bar}  {_text(progress)}")
        sys.stdout.flush()

    def end(self) -> None:
        if self._is_begun:
            print()
