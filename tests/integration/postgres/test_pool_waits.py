"""Who waits for a connection is measured; who finds one free costs nothing."""

import asyncio

import pytest

from patchbay.postgres import open_pool
from patchbay.process import metrics


def waits() -> tuple[float, float]:
    """Return how many waited, and how long in all."""
    names = ("patchbay_pool_wait_seconds_count", "patchbay_pool_wait_seconds_sum")
    count, seconds = (metrics.REGISTRY.get_sample_value(name, {"pool": "waiting"}) or 0.0 for name in names)
    return count, seconds


async def test_a_wait_for_a_connection_is_measured_also_one_in_vain(postgres: str) -> None:
    async with open_pool(postgres, name="waiting", max_connections=1) as pool:
        await pool.fetchval("SELECT 1")
        assert waits() == (0, 0), "one was free"

        async with pool.acquire():
            with pytest.raises(TimeoutError):
                await pool.acquire(timeout=0.05)
            waiting = asyncio.create_task(pool.fetchval("SELECT 2"))
            await asyncio.sleep(0)
        assert await waiting == 2

    count, seconds = waits()
    assert count == 2
    assert seconds >= 0.05
