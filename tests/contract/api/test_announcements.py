"""Verdicts that are announced: believed from the projector alone."""

import asyncio
import time

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from tests.contract.api.service import Service
from tests.servers import eventually


async def test_an_announcement_by_anybody_else_is_not_believed(service: Service) -> None:
    """Whoever may connect to the database may notify; an answer rests on the projector's word alone."""
    consumer = AIOKafkaConsumer(bootstrap_servers=service.kafka, enable_auto_commit=False, auto_offset_reset="latest")
    await consumer.start()
    database = await asyncpg.connect(service.environment["DATABASE_URL"])
    try:
        partitions = range(int(service.environment["PARTITIONS"]))
        consumer.assign([TopicPartition(service.topic, partition) for partition in partitions])
        await consumer.seek_to_end()
        async with service.projections["projector"].away():
            body = {"accountSlug": "my-team", "name": "Announced too early"}
            write = asyncio.create_task(service.own.send("POST", "/api/assistants", body))
            record = await asyncio.wait_for(consumer.getone(), 10)
            headers = {name: value.decode() for name, value in record.headers}
            word = f"{record.partition}:{record.offset}:{record.key.decode()}:{headers['ce_digest']}"
            began = time.monotonic()

            async def forged() -> bool:
                await database.execute("SELECT pg_notify('patchbay_accepted', $1)", f"read_model_1 {word}")
                await database.execute("SELECT pg_notify('patchbay_accepted', 'garbage ::: \N{SNOWMAN}')")
                return write.done() or time.monotonic() - began > 1

            await eventually(forged, 30.0)
            was_answered = write.done()
            reply = await write
    finally:
        await database.close()
        await consumer.stop()

    assert not was_answered
    assert reply.status == 202
