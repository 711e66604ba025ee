"""Finding the log at the start: it may not be there yet, or be away."""

import asyncio
import contextlib

import structlog

from patchbay.eventlog import BootstrapServers, LogIdentity, LogRefused, LogUnavailable, TopicMissing, open_log
from patchbay.projection.progress import Progress

log = structlog.get_logger()

RETRY_SECONDS = 1.0


async def find_log(
    bootstrap_servers: BootstrapServers, topic: str, *, progress: Progress, stop: asyncio.Event
) -> LogIdentity | None:
    """
    Return the log, as soon as it can be had; None if `stop` is set before.

    Raises:
        LogRefused: The brokers do not let this process read it.
        NotALog: The topic is not a log of Patchbay.
        LogMismatch: Its manifests contradict one another.
    """
    while not stop.is_set():
        try:
            return await open_log(bootstrap_servers, topic)
        except LogRefused:
            raise
        except (LogUnavailable, TopicMissing) as error:
            progress.hindered(str(error))
            log.warning("log_not_found", topic=topic, reason=str(error))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY_SECONDS):
                await stop.wait()
    return None
