"""What holds for every test: the run's servers, and that nothing is left behind."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
import structlog
from tests.forked import starting
from tests.servers import database_url, eventually, kafka, postgres, topic

__all__ = ["database_url", "kafka", "postgres", "starting", "topic"]  # fixtures are found by their names here


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what is said on pytest's command line."""
    parser.addoption(
        "--secured",
        action="store_true",
        help="run tests/system/guarantees on servers with TLS, a login for each process, and least rights",
    )


def pytest_collection_finish() -> None:
    """Do not look through thousands of tests, and all that was imported, whenever garbage is collected."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Undo what a test, or a command that it runs, has set: those behind it would log elsewhere, or nothing."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    if root.handlers != handlers:
        root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(request: pytest.FixtureRequest) -> None:
    """Fail an asynchronous test that leaves a task running, or an error that only the loop has seen."""
    if request.node.get_closest_marker("asyncio") is not None:
        request.getfixturevalue("_watched_loop")


@pytest_asyncio.fixture(loop_scope="session")
async def _watched_loop() -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    unhandled: list[dict[str, Any]] = []
    before = asyncio.all_tasks()
    loop.set_exception_handler(lambda _loop, context: unhandled.append(context))
    try:
        yield
        mine = asyncio.current_task()

        def left() -> list[asyncio.Task[Any]]:
            return [task for task in asyncio.all_tasks() if task is not mine and task not in before]

        try:
            await eventually(lambda: not left(), deadline_seconds=1.0)  # a task that was cancelled needs a turn to end
        except AssertionError:
            leaked = left()
            for task in leaked:
                task.cancel()
            await asyncio.gather(*leaked, return_exceptions=True)
            pytest.fail(f"the test left tasks running: {[task.get_coro() for task in leaked]}")
        if unhandled:
            pytest.fail(f"the loop saw errors that nobody handled: {unhandled}")
    finally:
        loop.set_exception_handler(None)
