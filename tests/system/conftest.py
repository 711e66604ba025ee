"""One Patchbay for the tests of what people type, and what starts the services of all others."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from tests.forked import Start, forking
from tests.system.up import Up, up_on
from tests.thoroughness import IS_THOROUGH

from patchbay.embedded import start


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def starting() -> AsyncIterator[Start]:
    """Give what starts services: forks of one process that has imported all; with `THOROUGH`, each by itself."""
    if IS_THOROUGH:
        yield start
    else:
        async with forking() as start_by_fork:
            yield start_by_fork
