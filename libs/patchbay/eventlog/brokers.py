"""Short visits to the brokers: connect, ask, leave, all within a bound."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from patchbay.eventlog.access import BootstrapServers, brokers_at
from patchbay.eventlog.closing import CLOSE_TIMEOUT_SECONDS, close
from patchbay.eventlog.errors import LogRefused, LogUnavailable
from patchbay.eventlog.refusing import FORBIDDEN, telling_refusals

_MAX_PARTITION_FETCH_BYTES = 8 * 1024 * 1024  # above any batch that the topic takes
_FETCH_MAX_BYTES = 64 * 1024 * 1024


@contextlib.asynccontextmanager
async def bounded(timeout_seconds: float, doing: str) -> AsyncIterator[None]:
    """
    Bound the body.

    Raises:
        LogRefused: The brokers do not let this process do it.
        LogUnavailable: The body took longer, or the brokers failed it.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            yield
    except TimeoutError as failure:
        raise LogUnavailable(f"{doing}: no answer within {timeout_seconds:g} s") from failure
    except FORBIDDEN as failure:
        raise LogRefused(
            f"{doing}: this login may not do it ({failure!r}); `patchbay topic rights` tells who needs what"
        ) from failure
    except KafkaError as failure:
        raise LogUnavailable(f"{doing}: {failure!r}") from failure


@contextlib.asynccontextmanager
async def open_admin(bootstrap_servers: BootstrapServers) -> AsyncIterator[AIOKafkaAdminClient]:
    """
    Yield a started admin client.

    Raises:
        LogRefused: The brokers do not let this process in.
    """
    brokers = brokers_at(bootstrap_servers)
    admin = AIOKafkaAdminClient(**brokers.client_options())
    try:
        async with telling_refusals(brokers):
            await admin.start()
        yield admin
    finally:
        await close(admin.close())


@contextlib.asynccontextmanager
async def open_consumer(
    bootstrap_servers: BootstrapServers, *, partition_fetch_bytes: int = _MAX_PARTITION_FETCH_BYTES
) -> AsyncIterator[AIOKafkaConsumer]:
    """
    Yield a started consumer that belongs to no group, commits nothing and jumps nowhere by itself.

    It reads uncommitted: a stranger's open transaction must not hold it up.

    Args:
        bootstrap_servers: `host:port`, several with commas between; or `Brokers`.
        partition_fetch_bytes: What one answer brings of a partition at most, but always one batch (KIP-74).

    Raises:
        LogRefused: The brokers do not let this process in.
    """
    brokers = brokers_at(bootstrap_servers)
    consumer = AIOKafkaConsumer(
        **brokers.client_options(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_uncommitted",
        max_partition_fetch_bytes=partition_fetch_bytes,
        fetch_max_bytes=_FETCH_MAX_BYTES,
        fetch_min_bytes=1,  # the broker answers as soon as there is a record
        fetch_max_wait_ms=500,
        request_timeout_ms=5000,  # a broker that vanished without a word is given up after this
        retry_backoff_ms=100,
    )
    try:
        async with telling_refusals(brokers):
            await consumer.start()
        yield consumer
    finally:
        await _close_consumer(consumer)


async def _close_consumer(consumer: AIOKafkaConsumer) -> None:
    # `stop()` may hang, and raises CancelledError where a fetch was about to be tried again (aiokafka 0.14,
    # consumer/fetcher.py, `close`): in a task of its own it cannot be taken for a cancellation of ours.
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait([stopping], timeout=CLOSE_TIMEOUT_SECONDS)
    if stopping.done() and not stopping.cancelled() and stopping.exception() is None:
        return
    fetcher = consumer._fetcher  # noqa: SLF001 - what `stop()` has left running is known nowhere else
    tasks = [stopping, *(fetcher._pending_tasks if fetcher is not None else ())]  # noqa: SLF001 - see above
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT_SECONDS)
    await close(consumer._client.close())  # noqa: SLF001 - see above
