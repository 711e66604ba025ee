"""Whatever closing a client does, its caller goes on."""

import asyncio

from patchbay.eventlog.closing import close


async def cancelled_by_itself() -> None:
    """End as aiokafka's client does where the reading of one of its connections was cancelled."""
    reading: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    reading.cancel()
    await asyncio.gather(reading)


async def refused() -> None:
    raise OSError("gone")


async def test_a_cancellation_of_the_client_s_own_is_none_of_who_closes_it() -> None:
    """It would pass for one of the process' own task, and end it."""
    await close(cancelled_by_itself())
    await close(refused())

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_who_is_cancelled_while_closing_is_cancelled() -> None:
    never = asyncio.Event()

    async def hang() -> None:
        await never.wait()

    closing = asyncio.create_task(close(hang()))
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])

    assert closing.cancelled()
