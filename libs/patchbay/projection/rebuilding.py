"""
Filling a new generation from the log beside the live one, in large batches; what stops it, it goes on from there.

How far it is stands in its own checkpoints. Once it has reached the live one it is complete, and the projection's
processes of its shape keep it current.
"""

import asyncio
import functools
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from patchbay.eventlog import Brokers, EventLogError, LogIdentity, open_log, open_reader
from patchbay.postgres import DATABASE_FAILURES, Connection, open_connection
from patchbay.process import Secret, run
from patchbay.projection.errors import GenerationRefused, ProjectionError
from patchbay.projection.following import Advance, Follower
from patchbay.projection.generations import (
    PREPARE_LOCK,
    Generation,
    ProjectionTables,
    create_generation,
    mark_filled,
    read_generations,
)
from patchbay.projection.loop import OpenReader, Projection
from patchbay.projection.swapping import read_pair

BATCH_RECORDS = 10_000  # some 20 MB of records and rows at once
TELL_SECONDS = 0.5
_OPEN_SECONDS = 10.0
_FAILURES: tuple[type[Exception], ...] = (ProjectionError, EventLogError, *DATABASE_FAILURES)


class RebuildSettings(Protocol):
    """What a rebuild takes from its service's settings."""

    @property
    def kafka_bootstrap_servers(self) -> str:
        """Where the log is."""

    def brokers_at(self, servers: str) -> Brokers:
        """Return the brokers there, with all that they ask for."""

    @property
    def database_url(self) -> Secret:
        """Where the generation is made."""

    @property
    def topic(self) -> str:
        """The log's."""


class RebuildProgress(msgspec.Struct, frozen=True):
    """A line of a rebuild's output."""

    schema: str
    records: int  # that were read, all told
    of_records: int  # up to the live generation
    records_per_second: float  # since this process began
    seconds_left: float | None  # None: not known yet
    is_complete: bool


async def begin_rebuild(connection: Connection, tables: ProjectionTables) -> Generation:
    """
    Return the generation to fill: the one that was begun, else a new one.

    Raises:
        NotPrepared: There is no live one yet; the projection's own process makes it.
        GenerationRefused: There is another one beside the live one already.
        DATABASE_FAILURES: The database is away, or slow.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", PREPARE_LOCK)
        pair = await read_pair(connection, tables.projection)
        if pair.other is None:
            await create_generation(connection, tables, pair.live.generation + 1)
            return (await read_generations(connection, tables.projection))[-1]
    if pair.other.shape == tables.shape and pair.other.filled_at is None:
        return pair.other
    reason = (
        "it is complete, and can be swapped in"
        if pair.is_newer and pair.other.filled_at is not None
        else "it is kept for the way back"
        if not pair.is_newer
        else "another version has begun it"
    )
    raise GenerationRefused(
        f"there is {pair.other.schema} beside {pair.live.schema} already: {reason}; "
        f"`patchbay projection drop {tables.projection}` makes room"
    )


async def rebuild(
    projection: Projection[Any],
    identity: LogIdentity,
    reader: OpenReader,
    *,
    database_url: str,
    stop: asyncio.Event,
    tell: Callable[[RebuildProgress], None],
    batch_records: int = BATCH_RECORDS,
) -> bool:
    """
    Fill a generation until it has reached the live one; return whether it has, and was not stopped before.

    Raises:
        ProjectionError: It cannot be begun, or somebody else fills it.
        EventLogError: The log is away, or not what it was.
        DATABASE_FAILURES: The database is away, or slow.
    """
    async with open_connection(database_url, name="rebuilding") as connection:
        generation = await begin_rebuild(connection, projection.tables)
        follower = Follower(
            projection,
            identity,
            reader,
            database_url=database_url,
            owner=f"rebuild {socket.gethostname()}:{os.getpid()}",
            generation=generation.generation,
            batch_records=batch_records,
        )
        telling = _Telling(generation.schema, tell)
        is_level = await follower.run(stop, until_level=True, on_advance=telling.hear)
        if is_level:
            await mark_filled(connection, projection.tables.projection, generation.generation)
        telling.end(is_complete=is_level)
        return is_level


class _Telling:
    """Makes lines of passes, not too many."""

    def __init__(self, schema: str, tell: Callable[[RebuildProgress], None]) -> None:
        self._schema = schema
        self._tell = tell
        self._first: tuple[float, int] | None = None  # when the first pass had ended, and where
        self._last: Advance | None = None
        self._told_at = 0.0

    def hear(self, advance: Advance) -> None:
        self._last = advance
        now = time.monotonic()
        if self._first is None:
            self._first = now, sum(advance.next_offsets.values())
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            self._say(is_complete=False)

    def end(self, *, is_complete: bool) -> None:
        self._say(is_complete=is_complete)

    def _say(self, *, is_complete: bool) -> None:
        if self._last is None or self._first is None:
            return
        began_at, began_with = self._first
        records = sum(self._last.next_offsets.values())
        seconds = time.monotonic() - began_at
        rate = (records - began_with) / seconds if seconds > 0 else 0.0
        behind = self._last.behind_records
        left = round(behind / rate, 1) if rate else None
        self._tell(RebuildProgress(self._schema, records, records + behind, round(rate), left, is_complete))


def rebuild_here(projection: Projection[Any], settings: RebuildSettings, arguments: Sequence[str] = ()) -> int:
    """
    Rebuild in this process until it is done, or SIGTERM or SIGINT; progress goes to standard output as JSON lines.

    Args:
        projection: What is rebuilt.
        settings: Of its service.
        arguments: None, or how many records a batch has.

    Returns:
        The exit code: 0 complete, 1 it failed (standard error says why), 3 it was stopped.
    """
    codes: list[int] = []

    async def work(stop: asyncio.Event) -> None:
        try:
            brokers = settings.brokers_at(settings.kafka_bootstrap_servers)
            identity = await open_log(brokers, settings.topic, timeout_seconds=_OPEN_SECONDS)
            is_complete = await rebuild(
                projection,
                identity,
                functools.partial(open_reader, brokers, identity),
                database_url=settings.database_url.reveal(),
                stop=stop,
                tell=_print,
                batch_records=int(arguments[0]) if arguments else BATCH_RECORDS,
            )
            codes.append(0 if is_complete else 3)
        except _FAILURES as error:
            sys.stderr.write(f"{str(error) or type(error).__name__}\n")
            codes.append(1)

    run(work)
    return codes[0] if codes else 1


def _print(progress: RebuildProgress) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(progress) + b"\n")
    sys.stdout.buffer.flush()
