"""The cluster that the tests of the whole system share, and its logs where one of them fails."""

from collections.abc import Generator

import pytest
import pytest_asyncio
from tests.system.guarantees.cluster import Cluster
from tests.system.guarantees.noting import NOTES, Note
from tests.system.turns import Turns

_CLUSTER = pytest.StashKey[Cluster]()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def _cluster(shared_cluster: Cluster, turns: Turns) -> Cluster:
    await turns.take(shared_cluster)
    return shared_cluster


@pytest.fixture
def cluster(_cluster: Cluster, request: pytest.FixtureRequest) -> Generator[Cluster]:
    """Give the cluster, all of it running; no test may leave behind a cry for a person."""
    yield from watch_logs(_cluster, request)


def watch_logs(running: Cluster, request: pytest.FixtureRequest) -> Generator[Cluster]:
    """Yield a cluster to one test, and look at what its processes have said meanwhile."""
    request.node.stash[_CLUSTER] = running
    sizes = running.log_sizes()
    yield running

    assert running.errors_since(sizes) == []


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Give what takes a figure that was measured."""
    lines = request.config.stash.setdefault(NOTES, [])
    return lambda line: lines.append(f"{request.node.name}: {line}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was measured."""
    if config.stash.get(NOTES, None):
        terminalreporter.section("measured")
        for line in config.stash[NOTES]:
            terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of every process' log with a failure."""
    report = yield
    cluster = item.stash.get(_CLUSTER, None)
    if report.failed and cluster is not None:
        report.sections += [(f"the end of {name}.log", tail) for name, tail in cluster.log_tails().items()]
    return report
