"""A stranger's transaction leaves an end that takes an offset and is no record: whoever reads must not wait for it."""

from typing import Any

from tests.contract.readers.strangers import end_with_a_transaction
from tests.integration.cli.commands import patchbay_process
from tests.servers import eventually

from patchbay.callrouting import CallRouting
from patchbay.eventlog import open_log, open_reader


async def test_a_reader_passes_the_end_of_a_transaction_at_the_end_of_a_partition(kafka: str, topic: str) -> None:
    identity = await open_log(kafka, topic, create_with_partitions=2)
    await end_with_a_transaction(kafka, identity, 1)
    async with open_reader(kafka, identity, {0: 0, 1: 0}) as reader:
        ends = await reader.end_offsets()
        records: list[Any] = []

        async def has_passed() -> bool:
            records.extend(await reader.fetch(max_records=10, timeout_seconds=0.1))
            return await reader.passed_offsets() == ends

        await eventually(has_passed, 30)

        assert ends == {0: 1, 1: 3}, "a manifest each, a record, and the end of its transaction"
        assert reader.positions == {0: 1, 1: 2}, "checkpoints lie behind a record"
        assert len(records) == 3
        assert await reader.lag_offsets() == 0


async def test_a_reader_that_goes_on_behind_the_last_record_passes_it_too(kafka: str, topic: str) -> None:
    identity = await open_log(kafka, topic, create_with_partitions=1)
    await end_with_a_transaction(kafka, identity, 0)
    async with open_reader(kafka, identity, {0: 2}) as reader:

        async def has_passed() -> bool:
            return not await reader.fetch(max_records=10, timeout_seconds=0.1) and not await reader.lag_offsets()

        await eventually(has_passed, 30)

        assert await reader.passed_offsets() == {0: 3}


async def test_a_router_starts_and_the_tail_ends_on_a_log_that_ends_so(kafka: str, topic: str) -> None:
    await end_with_a_transaction(kafka, await open_log(kafka, topic, create_with_partitions=2), 0)
    async with CallRouting.subscribe(bootstrap_servers=kafka, topic=topic, start_timeout_seconds=30) as routing:
        fresh = routing.staleness_seconds
        ran = await patchbay_process(
            *("log", "tail", "--from", "beginning", "--no-follow", "--json"),
            KAFKA_BOOTSTRAP_SERVERS=kafka,
            TOPIC=topic,
        )
        await eventually(lambda: routing.staleness_seconds < max(fresh, 1.5))

    assert ran.code == 0
    assert len(ran.records) == 3, ran.err
