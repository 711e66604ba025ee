"""What Kafka's client says while its brokers are away, put into one line, and one more when they are back."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Final

import structlog

CALM_SECONDS: Final = 10.0  # it tries again far more often than this while anything is wrong
_REASON_CHARACTERS: Final = 200
_CLIENT: Final = "aiokafka"

_log = structlog.get_logger()


class OnceUntilCalm(logging.Filter):
    """
    Says that the client has trouble, and when it has none any more; lets none of its own lines through.

    The client writes up to a hundred of them a second, each with a traceback, and at the level of errors.
    """

    def __init__(self, calm_seconds: float = CALM_SECONDS) -> None:
        super().__init__()
        self._calm_seconds = calm_seconds
        self._began_at = 0.0
        self._last_at = 0.0
        self._lines = 0  # of this trouble; 0: there is none
        self._timer: asyncio.TimerHandle | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line is shown: others' are."""
        if record.levelno < logging.WARNING or record.name.partition(".")[0] != _CLIENT:
            return True
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return True  # not while the client works
        self._last_at = loop.time()
        self._lines += 1
        if self._lines == 1:
            self._began_at = self._last_at
            _log.warning("kafka_troubled", reason=record.getMessage()[:_REASON_CHARACTERS])
            self._timer = loop.call_later(self._calm_seconds, self._look, loop)
        return False

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        remaining = self._last_at + self._calm_seconds - loop.time()
        if remaining > 0:
            self._timer = loop.call_later(remaining, self._look, loop)
            return
        _log.info("kafka_calm_again", after_seconds=round(self._last_at - self._began_at, 1), lines=self._lines)
        self._lines, self._timer = 0, None

    def stop(self) -> None:
        """Say nothing any more."""
        if self._timer is not None:
            self._timer.cancel()


@contextlib.contextmanager
def calm_client() -> Iterator[None]:
    """Have the client's trouble told in one line each time; with the level `debug` its own are shown instead."""
    if logging.getLogger().isEnabledFor(logging.DEBUG):
        yield
        return
    once = OnceUntilCalm()
    # A logger's filter does not see what its children log; a handler's does.
    handlers = logging.getLogger().handlers
    for handler in handlers:
        handler.addFilter(once)
    try:
        yield
    finally:
        once.stop()
        for handler in handlers:
            handler.removeFilter(once)
