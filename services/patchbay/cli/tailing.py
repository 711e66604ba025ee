"""Following the log: read from its start, judge, and show what was asked for."""

import argparse
import asyncio
import os
import select
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from heapq import merge
from itertools import groupby
from operator import attrgetter
from typing import Final

import msgspec

from patchbay.cli.describing import Style
from patchbay.cli.errors import LogUnreadable, Unreachable
from patchbay.cli.judging import Chains, Judged
from patchbay.cli.lines import for_people, for_programs, wants_colour
from patchbay.cli.quieting import quieten_libraries
from patchbay.cli.whereabouts import LogAccess, Whereabouts
from patchbay.eventlog import (
    Foreign,
    KafkaReader,
    LogRefused,
    LogUnavailable,
    ReadError,
    Record,
    TopicError,
    open_log,
    open_reader,
)

_FETCH_RECORDS: Final = 5_000
_FETCH_SECONDS: Final = 0.25  # Ctrl-C is obeyed within it
_OPEN_SECONDS: Final = 10.0
_SILENCE_SECONDS: Final = 5.0  # the brokers answer at least twice a second while they live
_PATIENCE_SECONDS: Final = 1.0  # reading what is not shown may take so long without a word


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which records are shown."""

    streams: tuple[str, ...] = ()  # ids or their endings; none: all
    types: frozenset[str] = frozenset()  # none: all

    def holds(self, judged: Judged) -> bool:
        """Return whether the record is to be shown."""
        content = judged.content
        if self.types and (isinstance(content, Foreign) or content.type not in self.types):
            return False
        stream = (judged.record.key or b"").decode("utf-8", "replace")  # of an event the key is the stream
        return not self.streams or any(stream.endswith(wanted) for wanted in self.streams)


def run(arguments: argparse.Namespace) -> None:
    """
    Follow the log until Ctrl-C, or to its end.

    Raises:
        NotRunning: Nothing is known of a log.
        Unreachable: The brokers do not answer.
        LogUnreadable: There is no such log, or it is not what it was.
    """
    access = Whereabouts(arguments.data_dir).log()
    quieten_libraries()
    try:
        asyncio.run(_run(access, arguments))
    except LogRefused as error:
        raise Unreachable(f"Kafka at {access.bootstrap_servers} refuses: {error}.") from None
    except LogUnavailable as error:
        raise Unreachable(
            f"Kafka at {access.bootstrap_servers} does not answer ({error}): is Patchbay running? `make run` starts it."
        ) from None
    except TopicError as error:
        raise LogUnreadable(f"{error}: TOPIC says which topic is Patchbay's.") from None
    except ReadError as error:
        raise LogUnreadable(f"The log has lost or changed records: {error}.") from None


async def _run(access: LogAccess, arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    identity = await open_log(access.bootstrap_servers, access.topic, timeout_seconds=_OPEN_SECONDS)
    start = dict.fromkeys(range(identity.partition_count), 0)
    async with open_reader(access.bootstrap_servers, identity, start) as reader:
        ends = await reader.end_offsets()
        tail = Tail(
            Chains(identity),
            Wanted(streams=tuple(arguments.stream or ()), types=frozenset(arguments.type or ())),
            shown_from=start if arguments.start == "beginning" else ends,
            style=Style(arguments.full),
            as_json=arguments.json,
        )
        await _follow(reader, tail, stop, until=ends if arguments.no_follow else None)


async def _follow(reader: KafkaReader, tail: "Tail", stop: asyncio.Event, *, until: Mapping[int, int] | None) -> None:
    is_silent = False
    while not stop.is_set() and not (until and await _has_passed(reader, until)):
        records = await reader.fetch(max_records=_FETCH_RECORDS, timeout_seconds=_FETCH_SECONDS)
        for record in in_order_of_time(records):
            if until is None or record.offset < until[record.partition]:
                tail.take(record)
        sys.stdout.flush()
        if is_abandoned(sys.stdout.fileno()):
            return
        was_silent, is_silent = is_silent, reader.seconds_since_contact > _SILENCE_SECONDS
        if is_silent and not was_silent:
            _remark("Kafka does not answer; waiting for it.")


async def _has_passed(reader: KafkaReader, ends: Mapping[int, int]) -> bool:
    passed = await reader.passed_offsets()
    return all(passed[partition] >= end for partition, end in ends.items())


def is_abandoned(descriptor: int) -> bool:
    """Return whether nobody reads any more what is written there; a quiet log would else never find out."""
    poller = select.poll()
    poller.register(descriptor, 0)  # an error and a hang-up are told unasked
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poller.poll(0))


def in_order_of_time(records: Sequence[Record]) -> Sequence[Record]:
    """Return the records by the time of their append, those of one partition in their own order whatever the time."""
    by_partition = sorted(records, key=attrgetter("partition"))  # stable
    runs = [list(run) for _, run in groupby(by_partition, attrgetter("partition"))]
    return list(merge(*runs, key=attrgetter("timestamp")))


class Tail:
    """Judges every record and prints those that are wanted."""

    def __init__(
        self, chains: Chains, wanted: Wanted, *, shown_from: Mapping[int, int], style: Style, as_json: bool
    ) -> None:
        """`shown_from` is the first offset of each partition that is shown."""
        self._chains = chains
        self._wanted = wanted
        self._shown_from = shown_from
        self._style = style
        self._as_json = as_json
        self._in_colour = wants_colour(sys.stdout, os.environ)
        self._passed = 0  # records read without being shown
        self._remark_at = time.monotonic() + _PATIENCE_SECONDS

    def take(self, record: Record) -> None:
        """Judge the next record, and print it if it is wanted."""
        judged = self._chains.judge(record)
        if record.offset < self._shown_from[record.partition]:
            self._pass_over()
        elif self._wanted.holds(judged):
            if self._as_json:
                sys.stdout.write(for_programs(judged).decode() + "\n")
            else:
                sys.stdout.write(for_people(judged, self._style, in_colour=self._in_colour) + "\n")

    def _pass_over(self) -> None:
        self._passed += 1
        if not self._passed % 1024 and time.monotonic() > self._remark_at:
            _remark(f"{self._passed:,} records read; what comes from now on is shown after them.")
            self._remark_at = time.monotonic() + 10 * _PATIENCE_SECONDS


def _remark(sentence: str) -> None:
    sys.stderr.write(f"patchbay: {sentence}\n")
    sys.stderr.flush()
