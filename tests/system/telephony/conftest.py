"""All of Patchbay, a Kamailio that reads its routing table, and the figures of a run."""

import contextlib
from collections.abc import AsyncIterator, Callable, Generator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from tests.servers import eventually
from tests.system.guarantees.cluster import Cluster
from tests.system.telephony.router import Router, run_router
from tests.system.telephony.tools import KAMAILIO, SIPP, find
from tests.system.turns import Turns

_ROUTER = pytest.StashKey[Router]()
_FIGURES = pytest.StashKey[list[str]]()
_MAY_READ = "SELECT has_table_privilege('call_router', 'routing.inbound', 'SELECT')"
_LOG_CHARACTERS = 4_000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cluster(shared_cluster: Cluster, turns: Turns) -> Cluster:
    """Give a Patchbay."""
    find(KAMAILIO)
    find(SIPP)
    await turns.take(shared_cluster)
    return shared_cluster


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def router_url(cluster: Cluster) -> str:
    """Give the table's URL as a router reads it: with a login of its own that is a member of call_router."""
    connection = await asyncpg.connect(cluster.database_url)
    try:

        async def is_let_in() -> bool:
            exists = await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'call_router')")
            return bool(exists) and bool(await connection.fetchval(_MAY_READ))

        await eventually(is_let_in, 20.0)
        with contextlib.suppress(asyncpg.DuplicateObjectError):  # another file's tests had it made
            await connection.execute("CREATE ROLE kamailio LOGIN PASSWORD 'only-here' IN ROLE call_router")
    finally:
        await connection.close()
    return "postgres://kamailio:only-here@" + cluster.database_url.rpartition("@")[2]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def _router(router_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Router]:
    async with run_router(tmp_path_factory.mktemp("router"), router_url) as running:
        yield running


@pytest.fixture
def router(_router: Router, request: pytest.FixtureRequest) -> Router:
    """Give a Kamailio that reads the table."""
    request.node.stash[_ROUTER] = _router
    return _router


@pytest.fixture
def sipp_directory(tmp_path: Path) -> Callable[[str], Path]:
    """Give what names a directory for one run of SIPp."""
    return lambda name: tmp_path / name


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Give what takes a figure that was measured."""
    return request.config.stash.setdefault(_FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was measured."""
    if config.stash.get(_FIGURES, None):
        terminalreporter.section("telephony")
        for line in config.stash[_FIGURES]:
            terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the router's log with a failure."""
    report = yield
    router = item.stash.get(_ROUTER, None)
    if report.failed and router is not None:
        report.sections.append(("the end of kamailio.log", router.log[-_LOG_CHARACTERS:]))
    return report
