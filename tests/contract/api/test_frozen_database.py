"""A Postgres that says nothing any more: every request is answered in time all the same."""

import asyncio
import time

from tests.contract.api.service import Caller, Reply, Service, fresh_number
from tests.contract.api.wires import copy_behind_a_wire
from tests.servers import eventually

PROMISED_SECONDS = 5.0  # whatever hangs; the bounds that are set for parts of it make 4


async def timed(caller: Caller, method: str, path: str, body: object = None) -> tuple[Reply, float]:
    """Return an answer, and how long it took."""
    began = time.monotonic()
    reply = await caller.send(method, path, body)
    return reply, time.monotonic() - began


async def test_while_postgres_is_frozen_every_request_is_answered_in_time(service: Service) -> None:
    """More at once than there are connections: who waits for one does not wait for ever either."""
    assistant = await service.own.create()
    path = f"/api/assistants/{assistant['id']}"
    reads = ("/api/phone-numbers", path, f"/api/routing/inbound/{fresh_number()}", "/api/phone-numbers?limit=1")
    async with copy_behind_a_wire(service) as (caller, wire):
        for read in reads:
            await caller.send("GET", read)  # its key is known from here on
        wire.freeze()
        change = {"accountSlug": "my-team", "name": "Lost"}
        answers = await asyncio.gather(
            *(timed(caller, "GET", read) for read in reads * 6), *(timed(caller, "PATCH", path, change) for _ in "12")
        )
        wire.mend()

        async def is_back() -> bool:
            return (await caller.send("GET", path)).status == 200

        await eventually(is_back, 30.0)

    assert {(reply.status, reply.code) for reply, _ in answers} == {(503, "unavailable")}
    assert max(seconds for _, seconds in answers) < PROMISED_SECONDS
