"""While the brokers are away the last known table answers; then it catches up by itself, or says that it cannot."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiokafka.admin import AIOKafkaAdminClient
from structlog.testing import capture_logs
from tests.integration.callrouting.test_subscription import NUMBER, append, routed
from tests.servers import eventually
from tests.unit.projection.chains import Chains, assistant_created, assistant_id, numbers_assigned

from patchbay.callrouting import SNAPSHOT_TYPE, Answer, CallRouting, Outcome
from patchbay.embedded import Running, cache_directory, fetch, kafka_artifacts, prepare_kafka, start
from patchbay.eventlog import LogIdentity, LogTruncated, ReadError, open_appender, open_log


class Broker:
    """A broker that can be killed, frozen, and started again at the same port on the same data."""

    def __init__(self, directory: Path) -> None:
        self._server = prepare_kafka(directory)
        self.address = self._server.address
        self._process: Running | None = None

    @property
    def process(self) -> Running:
        assert self._process is not None
        return self._process

    async def start(self) -> None:
        self._process = await start(self._server.launch)
        await self._process.wait_ready()

    @contextlib.asynccontextmanager
    async def killed(self) -> AsyncIterator[None]:
        """Let it be away in the block, after `kill -9`."""
        await self.process.kill()
        try:
            yield
        finally:
            await self.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it answer nothing in the block, with all its connections open."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Broker]:
    """Give a broker of this module's own."""
    await asyncio.to_thread(fetch, kafka_artifacts(), cache_directory())
    made = await asyncio.to_thread(Broker, tmp_path_factory.mktemp("broker"))
    await made.start()
    try:
        yield made
    finally:
        await made.process.stop()


async def move_to(broker: Broker, chains: Chains, number: int) -> None:
    """Give the number to another assistant."""
    account = chains.account("acme")
    async with open_appender(broker.address, chains.identity) as appender:
        await append(
            appender,
            [
                chains.seal(account, assistant_created(assistant_id(number), account, inbound_enabled=True)),
                chains.seal(account, numbers_assigned(assistant_id(number), (chains.number(NUMBER), 1))),
            ],
        )


@contextlib.asynccontextmanager
async def followed(broker: Broker, topic: str) -> AsyncIterator[tuple[Chains, CallRouting]]:
    """Make a log that routes the number, and follow it."""
    chains = Chains(await open_log(broker.address, topic, create_with_partitions=2))
    async with open_appender(broker.address, chains.identity) as appender:
        await append(appender, routed(chains))
    async with CallRouting.subscribe(bootstrap_servers=broker.address, topic=topic) as routing:
        yield chains, routing


async def test_a_broker_that_is_killed_and_started_again_is_followed_on(
    broker: Broker, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with followed(broker, topic) as (chains, routing):
        with capture_logs() as remarks, caplog.at_level(logging.WARNING):
            async with broker.killed():
                await eventually(lambda: routing.staleness_seconds > 6.0, 20)
                assert routing.look_up(NUMBER).assistant_id == assistant_id(1)
            await eventually(lambda: routing.staleness_seconds < 2.0, 20)
        await move_to(broker, chains, 2)
        await eventually(lambda: routing.look_up(NUMBER).assistant_id == assistant_id(2))

        assert routing.failure is None
        told = [remark["event"] for remark in remarks]
        assert told == ["log_unavailable", "log_available"]
        of_client = [record for record in caplog.records if record.name.startswith("aiokafka")]
        assert len(of_client) == len({(record.name, record.levelno, record.msg) for record in of_client})
        assert all(record.exc_info is None for record in of_client)


async def test_a_broker_that_says_nothing_for_a_while_is_followed_on(broker: Broker, topic: str) -> None:
    async with followed(broker, topic) as (chains, routing):
        with broker.frozen():
            await eventually(lambda: routing.staleness_seconds > 8.0, 20)
            assert routing.look_up(NUMBER).outcome is Outcome.ROUTED
        await eventually(lambda: routing.staleness_seconds < 2.0, 30)
        await move_to(broker, chains, 3)
        await eventually(lambda: routing.look_up(NUMBER).assistant_id == assistant_id(3))

        assert routing.failure is None


async def test_a_log_that_is_made_anew_is_told_and_the_last_table_stays(broker: Broker, topic: str) -> None:
    failures: list[Exception] = []
    chains = Chains(await open_log(broker.address, topic, create_with_partitions=2))
    async with open_appender(broker.address, chains.identity) as appender:
        await append(appender, routed(chains))
    async with CallRouting.subscribe(
        bootstrap_servers=broker.address, topic=topic, on_failure=failures.append
    ) as routing:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
        await admin.start()
        await admin.delete_topics([topic])
        await admin.close()
        anew = await eventually(lambda: make_anew(broker, topic), 20)
        await eventually(lambda: routing.failure is not None, 30)

        assert anew != chains.identity
        assert isinstance(routing.failure, ReadError)
        assert failures == [routing.failure]
        assert routing.look_up(NUMBER).outcome is Outcome.ROUTED
        await eventually(lambda: routing.staleness_seconds > 2.0)


async def make_anew(broker: Broker, topic: str) -> LogIdentity | None:
    """Make the topic again as soon as the deletion is through."""
    try:
        return await open_log(broker.address, topic, create_with_partitions=2)
    except Exception:  # noqa: BLE001 - whatever the broker says while it deletes
        return None


async def test_a_callback_that_raises_is_counted_and_stops_nothing(broker: Broker, topic: str) -> None:
    heard: list[Answer] = []

    def refuse(_number: str, answer: Answer) -> None:
        heard.append(answer)
        raise ValueError("no")

    chains = Chains(await open_log(broker.address, topic, create_with_partitions=2))
    with capture_logs() as remarks:
        async with CallRouting.subscribe(bootstrap_servers=broker.address, topic=topic, on_change=refuse) as routing:
            async with open_appender(broker.address, chains.identity) as appender:
                await append(appender, routed(chains))
            await eventually(lambda: routing.look_up(NUMBER).outcome is Outcome.ROUTED)

            assert routing.callback_failures == len(heard) > 0
            assert [remark["event"] for remark in remarks].count("callback_failed") == len(heard)
            assert heard[-1] == routing.look_up(NUMBER)


async def test_a_snapshot_of_more_than_the_log_has_is_refused(broker: Broker, topic: str) -> None:
    """The log has lost its end: what would follow does not follow from this snapshot."""
    identity = await open_log(broker.address, topic, create_with_partitions=1)
    lines = f'["snapshot","{identity.log_id}",1]\n["position",0,7,null]\n["end",2]\n'

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=lines.encode(), content_type=SNAPSHOT_TYPE)

    application = web.Application()
    application.router.add_get("/", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        with pytest.raises(LogTruncated):
            async with CallRouting.subscribe(
                bootstrap_servers=broker.address, topic=topic, snapshot=f"http://127.0.0.1:{runner.addresses[0][1]}/"
            ):
                pass
    finally:
        await runner.cleanup()
