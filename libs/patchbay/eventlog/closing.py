"""Closing a client of aiokafka: bounded, and such that nothing of it reaches whoever closes."""

import asyncio
from collections.abc import Coroutine
from typing import Any

CLOSE_TIMEOUT_SECONDS = 2.0


async def close(closing: Coroutine[Any, Any, None]) -> None:
    """
    Await what closes a client, a bounded time, whatever it raises.

    It runs in a task of its own. A connection whose reading was cancelled hands its CancelledError on to whoever closes
    it (aiokafka 0.14, client.py, `close`; seen by TLS, which ends later than a socket): taken for a cancellation of the
    process' own task, it would end the process.
    """
    task = asyncio.ensure_future(closing)
    try:
        await asyncio.wait([task], timeout=CLOSE_TIMEOUT_SECONDS)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=CLOSE_TIMEOUT_SECONDS)
        if task.done() and not task.cancelled():
            task.exception()  # nobody else looks at it, and the event loop would complain
