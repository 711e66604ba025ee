"""The log, partition by partition from its start to the end that it had when the work began."""

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from patchbay.audit import AuditError, Gap
from patchbay.cli.audit.progressing import Progress
from patchbay.cli.errors import LogUnreadable, Unreachable
from patchbay.cli.quieting import quieten_libraries
from patchbay.cli.whereabouts import LogAccess
from patchbay.eventlog import (
    LogIdentity,
    LogRefused,
    LogUnavailable,
    ReadError,
    Record,
    TopicError,
    open_log,
    open_reader,
)
from patchbay.eventlog.ranges import Hole, read_range

T = TypeVar("T")

_OPEN_SECONDS: Final = 10.0


class OpenedLog:
    """A log and its ends, as they were when it was opened."""

    def __init__(self, access: LogAccess, identity: LogIdentity, ends: Mapping[int, int]) -> None:
        self.access = access
        self.identity = identity
        self.ends = ends

    @property
    def offsets(self) -> int:
        """How many offsets there are in all."""
        return sum(self.ends.values())

    async def read(
        self, partition: int, start: int, until: int, *, reached: Callable[[int], None]
    ) -> AsyncIterator[Sequence[Record] | Gap]:
        """
        Yield the records of a partition, and the gaps between them, in order, many at once.

        Args:
            partition: Which.
            start: The first offset.
            until: The first offset behind it.
            reached: Is told how many offsets are done.
        """
        async for content in read_range(self.access.bootstrap_servers, self.identity, partition, start, until):
            if isinstance(content, Hole):
                reason = "transactions" if content.is_explained else "unknown"
                yield Gap(partition, content.offset, content.until, reason)
                continue
            yield content
            reached(content[-1].offset + 1 - start)

    async def read_all(self, progress: Progress) -> AsyncIterator[Sequence[Record] | Gap]:
        """Yield everything, one partition after the other."""
        done = 0
        for partition, end in self.ends.items():

            def reached(offsets: int, before: int = done) -> None:
                progress.reached(before + offsets)

            async for content in self.read(partition, 0, end, reached=reached):
                yield content
            done += end


@asynccontextmanager
async def opened_log(access: LogAccess) -> AsyncIterator[OpenedLog]:
    """Yield the log; nothing is written to it."""
    identity = await open_log(access.bootstrap_servers, access.topic, timeout_seconds=_OPEN_SECONDS)
    start = dict.fromkeys(range(identity.partition_count), 0)
    async with open_reader(access.bootstrap_servers, identity, start) as reader:
        ends = dict(sorted((await reader.end_offsets()).items()))
    yield OpenedLog(access, identity, ends)


def run_with_log(access: LogAccess, work: Callable[[OpenedLog], Awaitable[T]]) -> T:
    """
    Do `work` with the log.

    Raises:
        Unreachable: The brokers do not answer.
        LogUnreadable: There is no such log, or it is not what it was, or something cannot be vouched for.
    """
    quieten_libraries()

    async def run() -> T:
        async with opened_log(access) as log:
            return await work(log)

    return guarded(access, lambda: asyncio.run(run()))


def guarded(access: LogAccess, work: Callable[[], T]) -> T:
    """Do `work`, and say what went wrong as commands say it."""
    try:
        return vouched(work)
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


def vouched(work: Callable[[], T]) -> T:
    """
    Do `work` with what must be intact.

    Raises:
        LogUnreadable: It is not.
    """
    try:
        return work()
    except AuditError as error:
        raise LogUnreadable(f"Not intact: {error}.", code="not_intact") from None
    except OSError as error:
        if error.filename is None and error.errno != errno.ENOSPC:
            raise  # it is not about files
        raise LogUnreadable(f"{error.filename or 'A file'}: {error.strerror}.", code="file_unusable") from None
