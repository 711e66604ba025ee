"""One Patchbay for the tests of what people type."""

from collections.abc import Iterator

import pytest
import pytest_asyncio
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
