"""All of Patchbay on servers with TLS, with a login for each process and no right that its work does not need."""

from collections.abc import AsyncIterator, Generator

import aiohttp
import pytest
import pytest_asyncio
from tests.contract.api.service import Caller, Service, open_account
from tests.forked import Start
from tests.secured import Secured
from tests.system.guarantees.cluster import TOPIC, Cluster, run_cluster
from tests.system.guarantees.conftest import note, pytest_runtest_makereport, pytest_terminal_summary, watch_logs
from tests.system.turns import Turns

from patchbay.eventlog.brokers import open_consumer

__all__ = ["note", "pytest_runtest_makereport", "pytest_terminal_summary"]  # found by their names here


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _secured_cluster(
    tmp_path_factory: pytest.TempPathFactory, starting: Start, turns: Turns
) -> AsyncIterator[Cluster]:
    await turns.rest()
    async with run_cluster(tmp_path_factory.mktemp("secured"), is_secured=True, start=starting) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def _cluster(_secured_cluster: Cluster, turns: Turns) -> Cluster:
    await turns.take(_secured_cluster)
    return _secured_cluster


@pytest.fixture
def cluster(_cluster: Cluster, request: pytest.FixtureRequest) -> Generator[Cluster]:
    """Give the cluster, all of it running; no test may leave behind a cry for a person."""
    yield from watch_logs(_cluster, request)


@pytest.fixture
def secured(cluster: Cluster) -> Secured:
    """Give who may come to the cluster's servers."""
    assert cluster.secured is not None
    return cluster.secured


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(_cluster: Cluster, starting: Start) -> AsyncIterator[Service]:
    """Give the same as the contract of the API has it."""
    url = f"http://127.0.0.1:{_cluster.api_ports[0]}"
    async with (
        open_consumer(_cluster.kafka) as asking,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        operator = Caller(session, url, _cluster.operator_key)
        own, other = [await open_account(operator, slug) for slug in ("my-team", "other-team")]
        running = Service(
            start=starting,
            environment=_cluster.environ_of_commands,
            projections={},
            kafka=str(_cluster.kafka),
            brokers=_cluster.kafka,
            topic=TOPIC,
            log=await _cluster.identity(),
            asking=asking,
            url=url,
            operator=operator,
            own=own,
            other=other,
        )
        await running.records()  # connects: what a test has opened, it must not leave behind
        yield running
