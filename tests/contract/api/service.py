"""The API with its projections as real processes, and a client that shows answers as they are."""

import hashlib
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from multidict import CIMultiDictProxy
from tests.contract.api.described import check_answer
from tests.forked import Start
from tests.servers import eventually

from patchbay.embedded import Launch, Running
from patchbay.embedded.ports import free_port
from patchbay.eventlog import BootstrapServers, LogIdentity, open_log
from patchbay.eventlog.brokers import open_consumer

STOP_SECONDS = 15.0
READY_SECONDS = 60.0
STANDARD_ERROR: Final = Path("/dev/stderr")
OPERATOR_SECRET = "tk_live_" + secrets.token_hex(16)


class Reply(msgspec.Struct, frozen=True):
    """An answer."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        assert self.json["success"] is False
        assert self.json["status"] == self.status
        assert self.json["error"]
        return str(self.json["code"])

    @property
    def issues(self) -> set[tuple[str, str]]:
        assert (self.status, self.code) == (400, "invalid_request")
        return {(issue["path"], issue["code"]) for issue in self.json["issues"]}


class Caller:
    """Sends requests with one key."""

    def __init__(self, session: aiohttp.ClientSession, url: str, secret: str | None, slug: str = "") -> None:
        self.session = session
        self.url = url
        self.secret = secret
        self.slug = slug

    def at(self, url: str) -> "Caller":
        """Return the same caller at another copy of the API."""
        return Caller(self.session, url, self.secret, self.slug)

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request; a `body` goes as JSON, `data` as it is. The answer must be as it is described."""
        fields = {"Authorization": f"Bearer {self.secret}"} if self.secret is not None else {}
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            fields["Content-Type"] = "application/json"
        fields |= headers or {}
        url = self.url + path
        async with self.session.request(method, url, data=data, headers=fields, allow_redirects=False) as response:
            reply = Reply(response.status, response.headers, await response.read())
        check_answer(method, path, data, status=reply.status, headers=reply.headers, body=reply.body)
        return reply

    async def create(self, name: str = "Sales Agent", **fields: object) -> Any:
        """Create an assistant, and return its record."""
        reply = await self.send("POST", "/api/assistants", {"accountSlug": self.slug, "name": name, **fields})
        return (await self._result(reply))["assistant"]

    async def register(self, phone_number: str | None = None) -> Any:
        """Register a phone number that nobody has, and return its record."""
        number = phone_number or fresh_number()
        reply = await self.send("POST", "/api/phone-numbers", {"accountSlug": self.slug, "phoneNumber": number})
        return (await self._result(reply))["phone_number"]

    async def _result(self, reply: Reply) -> Any:
        """Return what a write that prepares something led to; on a machine that does much else it may take its time."""
        if reply.status != 202:
            assert reply.status == 200, reply.body
            return reply.json

        async def result() -> Any:
            return (await self.send("GET", reply.headers["Location"])).json["command"].get("result")

        return await eventually(result, 30)

    async def assign(self, assistant_id: str, *number_ids: str, **fields: object) -> Reply:
        """Replace the numbers of an assistant."""
        body = {"accountSlug": self.slug, "phoneNumberIds": number_ids, **fields}
        return await self.send("PATCH", f"/api/assistants/{assistant_id}/telephony/phone-numbers", body)

    async def patch(self, assistant_id: str, headers: Mapping[str, str] | None = None, **fields: object) -> Reply:
        """Change an assistant."""
        body = {"accountSlug": self.slug, **fields}
        return await self.send("PATCH", f"/api/assistants/{assistant_id}", body, headers=headers)

    async def issue(self, **fields: object) -> Any:
        """Issue a key, and return its record with the secret."""
        body = {"accountSlug": self.slug, "name": "a key", "requestsPerHour": None, **fields}
        reply = await self.send("POST", "/api/keys", body)
        assert reply.status == 200, reply.body
        return reply.json["key"]


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that runs, and who may use it."""

    start: Start  # starts a process
    environment: Mapping[str, str]  # of the API's process
    projections: Mapping[str, "Restartable"]  # by name
    kafka: str
    brokers: BootstrapServers  # the same, with what they ask of one who reads
    topic: str
    log: LogIdentity  # of the topic; to find it out takes longer than most tests
    asking: AIOKafkaConsumer  # that stays: to connect anew for each question would, too
    url: str
    operator: Caller
    own: Caller  # a key with all scopes and no limit, of the account `my-team`
    other: Caller  # likewise of `other-team`

    def caller(self, secret: str | None, slug: str = "my-team") -> Caller:
        """Return a caller with another key."""
        return Caller(self.operator.session, self.url, secret, slug)

    async def records(self) -> int:
        """Return how many records the topic has, manifests and voids included."""
        partitions = [TopicPartition(self.topic, index) for index in range(self.log.partition_count)]
        return sum((await self.asking.end_offsets(partitions)).values())

    @asynccontextmanager
    async def nothing_appended(self) -> AsyncIterator[None]:
        """Fail if the block leaves a record in the log."""
        before = await self.records()
        yield
        assert await self.records() == before, "something was appended"


def fresh_number() -> str:
    """Return a phone number that no other test has."""
    return f"+49301{secrets.randbelow(10**8):08d}"


@asynccontextmanager
async def fresh_account(service: Service) -> AsyncIterator[Caller]:
    """Give a key of an account that nobody else writes to."""
    yield await open_account(service.operator, f"team-{secrets.token_hex(6)}")


@asynccontextmanager
async def run_process(
    start: Start, module: str, environment: Mapping[str, str], log: Path = STANDARD_ERROR
) -> AsyncIterator[Running]:
    """Run a service as a process of its own, and stop it in order."""
    process = await start(
        Launch(
            name=module,
            command=(sys.executable, "-m", module),
            environ={**os.environ, "LOG_LEVEL": "warning", **environment},
            log_path=log,
            probe=_unasked,
            stop_timeout_seconds=STOP_SECONDS,
        )
    )
    try:
        yield process
    finally:
        await process.stop()


async def _unasked() -> bool:
    """Say nothing: who starts a service here knows what to wait for."""
    return True


class Restartable:
    """A process that can be away for a while."""

    def __init__(self, start: Start, module: str, environment: Mapping[str, str]) -> None:
        self._start = start
        self._module = module
        self._environment = environment
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Start it."""
        await self._stack.enter_async_context(run_process(self._start, self._module, self._environment))

    async def stop(self) -> None:
        """Stop it."""
        await self._stack.aclose()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Let it be away in the block."""
        await self.stop()
        try:
            yield
        finally:
            await self.start()


@asynccontextmanager
async def run_service(
    start: Start, kafka: str, database_url: str, topic: str, **settings: str
) -> AsyncIterator[Service]:
    """Run the API, the projector and the routing, with two accounts opened; `settings` are for all three."""
    port = free_port()
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "DATABASE_URL": database_url,
        "TOPIC": topic,
        "PARTITIONS": "2",
        "API_PORT": str(port),
        "OPERATOR_KEY_SHA256": hashlib.sha256(OPERATOR_SECRET.encode()).hexdigest(),
        "ACCOUNT_WRITES_PER_HOUR": "0",  # the tests are one tenant that writes a lot
        "ACCOUNT_WRITE_BYTES_PER_HOUR": "0",
        **settings,
    }
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(run_process(start, "patchbay.api", environment))
        projections = {
            name: Restartable(start, f"patchbay.{name}", environment | {"HEALTH_PORT": str(free_port())})
            for name in ("projector", "routing")
        }
        for projection in projections.values():
            stack.push_async_callback(projection.stop)
            await projection.start()
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        url = f"http://127.0.0.1:{port}"
        operator = Caller(session, url, OPERATOR_SECRET)
        await eventually(lambda: is_ready(operator), READY_SECONDS)
        callers = [await open_account(operator, slug) for slug in ("my-team", "other-team")]
        asking = await stack.enter_async_context(open_consumer(kafka))
        running = Service(
            start=start,
            environment=environment,
            projections=projections,
            kafka=kafka,
            brokers=kafka,
            topic=topic,
            log=await open_log(kafka, topic),
            asking=asking,
            url=url,
            operator=operator,
            own=callers[0],
            other=callers[1],
        )
        await running.records()  # connects: what a test has opened, it must not leave behind
        yield running


async def is_ready(caller: Caller) -> bool:
    try:
        return (await caller.send("GET", "/readyz")).status == 200
    except aiohttp.ClientConnectionError:
        return False


async def open_account(operator: Caller, slug: str) -> Caller:
    opened = await operator.send("POST", "/api/accounts", {"accountSlug": slug, "name": slug.title()})
    assert opened.status == 200, opened.body
    key = await Caller(operator.session, operator.url, operator.secret, slug).issue()
    return Caller(operator.session, operator.url, key["secret"], slug)
