"""One Patchbay for the tests of what people type."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.system.up import Up, up_on


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Up]:
    """Give a running `patchbay up` whose state lies in `.patchbay`, as after `make run`."""
    with up_on(tmp_path_factory.mktemp("home") / ".patchbay") as started:
        await started.start()
        yield started
