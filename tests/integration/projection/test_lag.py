"""A projection that has projected everything is not behind, whatever a partition ends in."""

import asyncio
import functools

from tests.contract.readers.strangers import end_with_a_transaction
from tests.integration.projection.running import READ_MODEL
from tests.servers import eventually

from patchbay.eventlog import open_log, open_reader
from patchbay.projection import Progress, Projector


async def test_the_lag_is_none_where_a_partition_ends_in_the_end_of_a_transaction(
    kafka: str, topic: str, database_url: str
) -> None:
    identity = await open_log(kafka, topic, create_with_partitions=2)
    await end_with_a_transaction(kafka, identity, 1)
    stop, progress = asyncio.Event(), Progress("read_model")
    projector = Projector(
        READ_MODEL,
        identity,
        functools.partial(open_reader, kafka, identity),
        database_url=database_url,
        instance_id="one",
        progress=progress,
    )
    task = asyncio.create_task(projector.run(stop))
    try:
        await eventually(lambda: progress.lag_records == 0, 30)

        assert progress.readiness_fault() is None
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)
