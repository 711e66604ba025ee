"""One session of appending: a lane for each partition, in which groups wait, travel together and are settled."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from time import time
from typing import Any

from patchbay.eventlog.contract import MAX_GROUP_BYTES
from patchbay.eventlog.errors import AppendError, NotSent, OutcomeUnknown
from patchbay.eventlog.producer import Producer
from patchbay.eventlog.seal import SealedRecord


class Group:
    """The records of one append, on their way."""

    __slots__ = ("enqueued_at", "future", "records", "size_bytes")

    def __init__(self, records: Sequence[SealedRecord], size_bytes: int) -> None:
        loop = asyncio.get_running_loop()
        self.records = records
        self.size_bytes = size_bytes
        self.future: asyncio.Future[None] = loop.create_future()
        self.enqueued_at = loop.time()

    def settle(self, error: AppendError | None = None) -> None:
        """Tell the caller, unless it no longer waits."""
        if self.future.done():
            return
        if error is None:
            self.future.set_result(None)
        else:
            self.future.set_exception(error)
            self.future.exception()  # a caller that does not look has chosen not to


class Lane:
    """The way into one partition."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.queue: deque[Group] = deque()
        self.in_flight: list[Group] = []
        self.handed_over = False  # True if the producer has had what is in flight
        self.batch: Any = None  # aiokafka's builder of what is in flight
        self.wake = asyncio.Event()

    @property
    def oldest(self) -> Group | None:
        """The group that has waited longest for its acknowledgement."""
        if self.in_flight:
            return self.in_flight[0]
        return self.queue[0] if self.queue else None

    def take(self) -> list[Group]:
        """Move what fits into one batch from the queue into flight; at least one group."""
        size_bytes = 0
        while self.queue and (not size_bytes or size_bytes + self.queue[0].size_bytes <= MAX_GROUP_BYTES):
            group = self.queue.popleft()
            size_bytes += group.size_bytes
            self.in_flight.append(group)
        return self.in_flight

    def landed(self) -> Iterator[Group]:
        """Yield what was in flight, which is so no longer."""
        groups, self.in_flight, self.handed_over, self.batch = self.in_flight, [], False, None
        yield from groups

    def fail(self, reason: str) -> Iterator[Group]:
        """Settle everything, each group by whether the producer has had it; yield what was settled."""
        error = OutcomeUnknown(reason) if self.handed_over else NotSent(reason)
        for group in self.landed():
            group.settle(error)
            yield group
        while self.queue:
            group = self.queue.popleft()
            group.settle(NotSent(reason))
            yield group


class Session:
    """What is sent with one producer: in order within each partition, until the first failure ends it all."""

    def __init__(self, number: int, partition_count: int) -> None:
        self.number = number
        self.lanes = [Lane(partition) for partition in range(partition_count)]
        self.producer: Producer | None = None
        self.ended = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def attach(
        self,
        producer: Producer,
        *,
        on_acknowledged: Callable[[Group], None],
        on_failure: Callable[["Session", str], None],
        on_skew: Callable[[float], None],
    ) -> None:
        """Send with `producer` from now on, what waits already first."""

        async def run(lane: Lane) -> None:
            try:
                while True:
                    await lane.wake.wait()
                    lane.wake.clear()
                    while lane.queue:
                        on_skew(await _send(producer, lane))
                        for group in lane.landed():
                            on_acknowledged(group)
                            group.settle()
            except Exception as failure:  # noqa: BLE001 - whatever it is, it ends the session, and is its reason
                on_failure(self, type(failure).__name__)

        self.producer = producer
        producer.on_death(lambda: on_failure(self, "sender_died"))
        self._tasks = [asyncio.create_task(run(lane), name=f"append_{lane.partition}") for lane in self.lanes]

    def enqueue(self, group: Group, partition: int) -> None:
        """Put `group` behind everything that was enqueued for its partition before."""
        lane = self.lanes[partition]
        if self._may_join(lane, group):
            lane.in_flight.append(group)
            _fill(lane.batch, group, int(time() * 1000))
        else:
            lane.queue.append(group)
            lane.wake.set()

    def _may_join(self, lane: Lane, group: Group) -> bool:
        # While the broker is busy with other partitions, what joins the waiting batch saves a round trip of its own.
        # A batch that waits to be sent again is closed: it may be in the log already.
        return (
            lane.handed_over
            and not lane.queue
            and self.producer is not None
            and self.producer.is_waiting(lane.partition)
            and not lane.batch.closed()
            and lane.batch.size() + group.size_bytes <= MAX_GROUP_BYTES
        )

    async def end(self) -> None:
        """End the lanes' tasks."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


async def _send(producer: Producer, lane: Lane) -> float:
    """Send what waits in `lane` as one batch; return how far the broker's clock is ahead, in seconds."""
    lane.batch = producer.create_batch()
    sent_at = time()
    for group in lane.take():
        _fill(lane.batch, group, int(sent_at * 1000))
    acknowledgement = await producer.send_batch(lane.batch, lane.partition)
    lane.handed_over = True
    metadata = await acknowledgement
    return _skew_seconds(metadata, sent_at, time())


def _fill(batch: Any, group: Group, timestamp_ms: int) -> None:  # noqa: ANN401 - aiokafka has no types
    for record in group.records:
        if not batch.append(timestamp=timestamp_ms, key=record.key, value=record.value, headers=record.headers):
            raise BufferError("the batch is full below the limit of a group")


def _skew_seconds(metadata: Any, sent_at: float, acknowledged_at: float) -> float:  # noqa: ANN401 - aiokafka has no types
    # A duplicate's acknowledgement has neither offset nor time; the time of one that was created here tells nothing.
    if metadata is None or metadata.timestamp_type != 1 or metadata.timestamp is None or metadata.timestamp < 0:
        return 0.0
    stored_at = metadata.timestamp / 1000
    if stored_at > acknowledged_at:
        return float(stored_at - acknowledged_at)
    return float(min(0.0, stored_at + 0.001 - sent_at))
