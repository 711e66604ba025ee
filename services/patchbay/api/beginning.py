"""Waiting, at the start, for what is not there yet; what would be refused for ever is told instead."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import structlog

from patchbay.eventlog import LogRefused, LogUnavailable
from patchbay.postgres import DATABASE_FAILURES, DatabaseRefused, why_refused

RETRY_SECONDS = 0.5

# What is not there yet when everything starts at once; a KeyError: the pointers' table is there, and empty.
_NOT_YET: tuple[type[Exception], ...] = (*DATABASE_FAILURES, LogUnavailable, KeyError)

_log = structlog.get_logger()
T = TypeVar("T")


async def once_there(what: str, stop: asyncio.Event, database_url: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """
    Return what the attempt gives, as soon as what it needs is there.

    Raises:
        LogRefused, DatabaseRefused: It is there, and does not let this process in, or not do what it has to.
        SystemExit: Exit code 0; the process is to stop first.
    """
    while True:
        try:
            return await attempt()
        except LogRefused:
            raise
        except _NOT_YET as error:
            reason = why_refused(error, database_url)
            if reason is not None:
                raise DatabaseRefused(reason) from error
            _log.warning("waiting", what=what, reason=str(error) or type(error).__name__)
        with suppress(TimeoutError):
            async with asyncio.timeout(RETRY_SECONDS):
                await stop.wait()
        if stop.is_set():
            raise SystemExit(0)
