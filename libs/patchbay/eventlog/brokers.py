"""Short visits to the brokers: connect, ask, leave, all within a bound."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from patchbay.eventlog.errors import LogUnavailable

_MAX_PARTITION_FETCH_BYTES = 8 * 1024 * 1024  # above any batch that the topic takes
_FETCH_MAX_BYTES = 64 * 1024 * 1024
_close_timeout_seconds = 2.0


@contextlib.asynccontextmanager
async def bounded(timeout_seconds: float, doing: str) -> AsyncIterator[None]:
    """
    Bound the body.

    Raises:
        LogUnavailable: The body took longer, or the brokers failed it.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            yield
    except TimeoutError as failure:
        raise LogUnavailable(f"{doing}: no answer within {timeout_seconds:g} s") from failure
    except KafkaError as failure:
        raise LogUnavailable(f"{doing}: {failure!r}") from failure


@contextlib.asynccontextmanager
async def open_admin(bootstrap_servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """Yield a started admin client."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        await admin.start()
        yield admin
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_close_timeout_seconds):
                await admin.close()


@contextlib.asynccontextmanager
async def open_consumer(bootstrap_servers: str) -> AsyncIterator[AIOKafkaConsumer]:
    """
    Yield a started consumer that belongs to no group, commits nothing and jumps nowhere by itself.

    It reads uncommitted: a stranger's open transaction must not hold it up.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_uncommitted",
        max_partition_fetch_bytes=_MAX_PARTITION_FETCH_BYTES,
        fetch_max_bytes=_FETCH_MAX_BYTES,
        fetch_min_bytes=1,  # the broker answers as soon as there is a record
        fetch_max_wait_ms=500,
        retry_backoff_ms=100,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_close_timeout_seconds):
                await consumer.stop()
