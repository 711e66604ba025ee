"""One Patchbay for the tests of what people type, and what starts the services of all others."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest
import pytest_asyncio
from tests.forked import Start
from tests.system.guarantees.cluster import SERVERS, Cluster, run_cluster
from tests.system.guarantees.disks import can_mount, mounted
from tests.system.up import Up, up_on


@pytest.fixture(scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up_on(tmp_path_factory.mktemp("home") / ".patchbay") as up:
        yield up


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def home(_home: Up) -> Up:
    """Give a running `patchbay up` whose state lies in `.patchbay`, as after `make run`; all tests share it."""
    if not _home.is_running:  # not yet, or the tests of another module have stopped it
        await _home.start()
    return _home


@pytest.fixture
def kafka(home: Up) -> str:
    """Give the bootstrap address of a Kafka, instead of one of the run's own."""
    return str(home.endpoints["kafka"])


@pytest.fixture
def postgres(home: Up) -> str:
    """Give the URL of a Postgres, instead of one of the run's own."""
    return str(home.endpoints["database"])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_cluster(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config, starting: Start
) -> AsyncIterator[Cluster]:
    """Give all of Patchbay as processes, for guarantees and calls; its servers' disks can be made full."""
    directory = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        disks = {name: stack.enter_context(mounted(directory / name)) for name in SERVERS} if can_mount() else {}
        async with run_cluster(directory, is_secured=pytestconfig.getoption("--secured"), start=starting) as cluster:
            cluster.disks = disks
            yield cluster
