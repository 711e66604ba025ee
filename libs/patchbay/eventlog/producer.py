"""
One idempotent producer of aiokafka, from its start to an end that is bounded whatever the brokers do.

Source: aiokafka 0.14, producer/sender.py and producer/message_accumulator.py. A producer whose batch has failed, or
that has lost its brokers, cannot be stopped in bounded time by its own `stop()` (aiokafka #1101): its tasks are ended
here.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from patchbay.eventlog.access import BootstrapServers, brokers_at
from patchbay.eventlog.closing import close
from patchbay.eventlog.contract import MAX_GROUP_BYTES
from patchbay.eventlog.refusing import telling_refusals

# A builder never refuses what the appender puts together; what it refuses would be a hole in the chain.
_MAX_BATCH_BYTES: Final = 2 * MAX_GROUP_BYTES
_abandon_timeout_seconds: Final = 2.0


class Producer:
    """A producer that is used for one session and never mended."""

    def __init__(self, bootstrap_servers: BootstrapServers, topic: str, *, request_timeout_seconds: float) -> None:
        self._topic = topic
        self._brokers = brokers_at(bootstrap_servers)
        self._producer = AIOKafkaProducer(
            **self._brokers.client_options(),
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=_MAX_BATCH_BYTES,
            request_timeout_ms=int(request_timeout_seconds * 1000),
            retry_backoff_ms=50,
        )
        self._requests: set[asyncio.Task[None]] = set()
        self._track_requests()

    async def start(self) -> None:
        """
        Connect, get a producer id, and learn who leads the partitions, so that nothing waits for it later.

        Raises:
            LogRefused: The brokers do not let this process in.
            KafkaError: The brokers refuse, or there is no such topic.
        """
        async with telling_refusals(self._brokers):
            await self._producer.start()
        await self._producer.partitions_for(self._topic)

    def on_death(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the task that sends ends by itself: nothing would ever be sent again."""
        self._producer._sender.sender_task.add_done_callback(lambda _: callback())  # noqa: SLF001 - told nowhere else

    def create_batch(self) -> Any:  # noqa: ANN401 - aiokafka has no types
        """Return an empty aiokafka BatchBuilder."""
        return self._producer.create_batch()

    async def send_batch(self, batch: Any, partition: int) -> "asyncio.Future[Any]":  # noqa: ANN401 - aiokafka has no types
        """Hand `batch` over; until this returns nothing of it was. The future's result is aiokafka's RecordMetadata."""
        future: asyncio.Future[Any] = await self._producer.send_batch(batch, self._topic, partition=partition)
        return future

    def is_waiting(self, partition: int) -> bool:
        """Return True if a batch that was handed over has not been picked up yet: it may still grow."""
        waiting = self._producer._message_accumulator._batches  # noqa: SLF001 - told nowhere else
        return bool(waiting.get(TopicPartition(self._topic, partition)))

    async def stop(self) -> None:
        """Let what was handed over finish, then close; for a producer with nothing wrong. The caller bounds it."""
        await self._producer.stop()

    async def abandon(self) -> None:
        """End it now, whatever state it is in; what was handed over may still land."""
        producer = self._producer
        producer._closed = True  # noqa: SLF001 - else its __del__ complains
        sender_task = producer._sender.sender_task  # noqa: SLF001 - see above
        tasks = [*self._requests, *([sender_task] if sender_task is not None else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_abandon_timeout_seconds)
        self._fail_batches()
        await close(producer.client.close())

    def _track_requests(self) -> None:
        # The sender keeps its request tasks in a local variable; when it is cancelled it waits for them, unbounded.
        sender = self._producer._sender  # noqa: SLF001 - see above
        send = sender._send_produce_req  # noqa: SLF001 - see above

        async def tracked(node_id: int, batches: Any) -> None:  # noqa: ANN401 - aiokafka has no types
            task = asyncio.current_task()
            if task is not None:
                self._requests.add(task)
                task.add_done_callback(self._requests.discard)
            await send(node_id, batches)

        sender._send_produce_req = tracked  # noqa: SLF001 - see above

    def _fail_batches(self) -> None:
        accumulator = self._producer._message_accumulator  # noqa: SLF001 - see above
        waiting = [batch for batches in accumulator._batches.values() for batch in batches]  # noqa: SLF001 - see above
        # aiokafka takes each that fails out of this set, and raises for one that waits to be sent again.
        accumulator._pending_batches.update(waiting)  # noqa: SLF001 - see above
        accumulator.fail_all(KafkaError("the session has ended"))
        for batch in accumulator._pending_batches:  # noqa: SLF001 - see above
            for future in (batch.future, batch._drain_waiter):  # noqa: SLF001 - see above
                if future.done() and not future.cancelled():
                    future.exception()  # nobody else looks at it, and the event loop would complain
