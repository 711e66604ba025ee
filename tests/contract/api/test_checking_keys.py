"""A key is refused with the same work whatever the reason, and no secret reaches a log, an event or an error."""

import hashlib
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from tests.contract.api.copies import Copy
from tests.contract.api.service import OPERATOR_SECRET, Caller, Reply, Service
from tests.servers import eventually

from patchbay.api.authentication import KeyRing
from patchbay.api.errors import Unauthorized
from patchbay.api.live import LiveGenerations, read_generations
from patchbay.api.reading.principals import Principals
from patchbay.api.reading.reader import Reader
from patchbay.postgres import open_pool

PARTITIONS = 2


@asynccontextmanager
async def key_ring(service: Service) -> AsyncIterator[KeyRing]:
    """Give a key ring of our own on the service's database."""
    async with open_pool(service.environment["DATABASE_URL"], name="test") as pool:
        live = LiveGenerations(pool, await read_generations(pool))
        yield KeyRing(Principals(Reader(pool, live)), hashlib.sha256(OPERATOR_SECRET.encode()).hexdigest())


async def work_of_refusing(ring: KeyRing, secret: str) -> list[str]:
    """Return every function of ours that runs until the key is refused, and what they call of C."""
    work: list[str] = []
    seen: list[FrameType] = []  # a coroutine is called again each time that it goes on

    def note(frame: FrameType, event: str, called: Any) -> None:
        if "/patchbay/" in frame.f_code.co_filename:
            if event == "call" and not any(frame is other for other in seen):
                seen.append(frame)
                work.append(frame.f_code.co_qualname)
            elif event == "c_call":
                work.append(called.__name__)

    sys.setprofile(note)
    try:
        with pytest.raises(Unauthorized):
            await ring.principal_of(f"Bearer {secret}", 0.0)
    finally:
        sys.setprofile(None)
    return work


async def test_unknown_revoked_and_replaced_keys_are_refused_with_the_same_work(service: Service) -> None:
    """Counted, not timed: the same functions in the same order, one statement, one constant-time comparison."""
    revoked, replaced = await service.own.issue(), await service.own.issue()
    assert (await service.own.send("DELETE", f"/api/keys/{revoked['id']}")).status == 200
    body = {"accountSlug": "my-team", "overlapSeconds": 0}
    assert (await service.own.send("POST", f"/api/keys/{replaced['id']}/rotate", body)).status == 200
    async with key_ring(service) as ring:
        await work_of_refusing(ring, "tk_live_first")  # what only the first one does
        unknown = await work_of_refusing(ring, "tk_live_" + "0" * 32)
        of_revoked = await work_of_refusing(ring, revoked["secret"])
        again = await work_of_refusing(ring, revoked["secret"])
        of_replaced = await work_of_refusing(ring, replaced["secret"])
        known = await ring.principal_of(f"Bearer {service.own.secret}", 0.0)

    assert unknown == of_revoked == again
    assert (unknown.count("compare_digest"), unknown.count("Reader.fetch")) == (1, 1)
    assert (of_replaced.count("compare_digest"), of_replaced.count("Reader.fetch")) == (1, 1)
    assert known.account_slug == "my-team"


class Secrets:
    """Collects every secret that is given out, and every answer that is no success."""

    def __init__(self) -> None:
        self.texts = [OPERATOR_SECRET]
        self.refusals: list[bytes] = []

    def note(self, reply: Reply, status: int) -> Any:
        assert reply.status == status, reply.body
        if status >= 400:
            self.refusals.append(reply.body)
            return None
        key = reply.json.get("key", {})
        if "secret" in key:
            self.texts.append(key["secret"])
        return key

    def found_in(self, content: bytes) -> list[str]:
        return [text for text in self.texts if text[8:].encode() in content]


async def do_everything(given: Secrets, operator: Caller, whose: dict[str, object], prefix: str) -> None:
    """Carry out every operation on keys, also in every wrong way that has a secret in its hands."""
    key = {**whose, "name": "k", "requestsPerHour": None}
    issued = given.note(await operator.send("POST", "/api/keys", key | {"mode": prefix}), 200)
    secret = issued["secret"]
    holder = Caller(operator.session, operator.url, secret)
    path = f"/api/keys/{issued['id']}"
    for read in ("/api/account", "/api/keys"):
        given.note(await holder.send("GET", read), 200)
    again = {"Idempotency-Key": secrets.token_hex(8)}
    rotated = given.note(await holder.send("POST", f"{path}/rotate", whose, headers=again), 200)
    given.note(await holder.send("POST", f"{path}/rotate", whose, headers=again), 200)
    given.note(await holder.send("POST", f"{path}/rotate", whose | {"overlapSeconds": secret}), 400)
    given.note(await holder.send("POST", "/api/keys", {**whose, "name": secret, "expiresAt": secret}), 400)
    given.note(await holder.send("POST", "/api/keys", {**key, "scopes": [secret]}), 400)
    given.note(await holder.send("POST", "/api/keys", {**key, "mode": secret}), 400)
    misnamed = await holder.send("POST", "/api/keys", {"name": "k", "accountSlug": secret})
    given.note(misnamed, 403 if "accountSlug" in whose else 400)
    given.note(await holder.send("POST", "/api/keys", data=f'{{"name": {secret}}}'.encode()), 400)
    given.note(await holder.send("GET", f"/api/keys?limit={secret}"), 400)
    given.note(await holder.send("GET", f"/api/keys?cursor={secret}"), 400)
    given.note(await holder.send("DELETE", f"/api/keys/{secret}"), 404)
    given.note(await holder.send("POST", f"/api/keys/{secret}/rotate", whose), 404)
    given.note(await holder.send("GET", f"/api/{secret}"), 404)
    given.note(await holder.send("PUT", "/api/keys", {"name": secret}), 405)
    given.note(await holder.send("GET", f"/api/commands/{secret}"), 404)
    for authorization in (secret, f"Basic {secret}", f"Bearer {secret} {secret}", f"Bearer {secret}x"):
        given.note(await holder.send("GET", "/api/keys", headers={"Authorization": authorization}), 401)
    given.note(await holder.send("DELETE", path), 200)
    given.note(await operator.send("DELETE", f"/api/keys/{rotated['id']}"), 200)

    async def is_refused() -> bool:
        return (await holder.send("GET", "/api/keys")).status == 401

    assert await eventually(is_refused, 10.0)
    given.note(await holder.send("GET", "/api/keys"), 401)


async def test_no_secret_reaches_a_log_an_event_a_table_or_an_error(service: Service, second: Copy) -> None:
    given = Secrets()
    operator = service.operator.at(second.url)
    await do_everything(given, operator, {"accountSlug": "my-team"}, "live")
    await do_everything(given, operator, {"operators": True}, "test")

    assert len(given.texts) == 5
    assert len(given.refusals) > 25
    assert [body for body in given.refusals if given.found_in(body)] == []
    log = second.log.read_bytes()
    assert b"/api/keys/{id}/rotate" in log
    assert given.found_in(log) == []
    records = await every_record(service)
    assert b"KeyIssued" in records
    assert given.found_in(records) == []
    keys = await every_key_row(service)
    assert b"tk_test_" in keys
    assert given.found_in(keys) == []


async def every_record(service: Service) -> bytes:
    """Return the bytes of every record of the log, headers and keys included."""
    partitions = [TopicPartition(service.topic, number) for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=service.kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    consumer.assign(partitions)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(partitions)
        assert all(ends.values())
        content: list[bytes] = []
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for batch in (await consumer.getmany(timeout_ms=1_000)).values():
                for record in batch:
                    content += [record.key, record.value, *(value for _, value in record.headers)]
        return b"\n".join(content)
    finally:
        await consumer.stop()


async def every_key_row(service: Service) -> bytes:
    """Return every row about keys as text."""
    async with open_pool(service.environment["DATABASE_URL"], name="test") as pool:
        tables = ("read_model_1.keys", "usage.counts", "usage.last_used")
        rows = [row[0] for table in tables for row in await pool.fetch(f"SELECT t::text FROM {table} t")]
    return "\n".join(rows).encode()
