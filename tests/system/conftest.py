"""The systems that tests share, one of which runs at a time: no other takes of the processors what is measured here."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from tests.forked import Start
from tests.system.guarantees.cluster import SERVERS, Cluster, run_cluster
from tests.system.guarantees.disks import can_mount, mounted
from tests.system.turns import Turns
from tests.system.up import Up, up_on

ROOT = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have calls follow guarantees, whose system they use."""
    folders = {ROOT / "telephony": 0, ROOT / "secured": 1}
    places = [place for place, item in enumerate(items) if item.path.parent in folders]
    ordered = sorted((items[place] for place in places), key=lambda item: folders[item.path.parent])
    for place, item in zip(places, ordered, strict=True):
        items[place] = item


@pytest.fixture(scope="session")
def turns() -> Turns:
    """Give whose turn it is. Where tests lie in no package, pytest ends no fixture with the last one of a folder."""
    return Turns()


@pytest.fixture(scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up_on(tmp_path_factory.mktemp("home") / ".patchbay") as up:
        yield up


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def home(_home: Up, turns: Turns) -> Up:
    """Give a running `patchbay up` whose state lies in `.patchbay`, as after `make run`; all tests share it."""
    await turns.rest()
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
