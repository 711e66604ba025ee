"""Kafka's client repeats itself a hundred times a second while its brokers are away: once a minute is enough."""

import contextlib
import logging
import time
from collections.abc import Iterator
from typing import Final

REPEAT_SECONDS: Final = 60.0
_LOGGERS: Final = (
    "aiokafka",
    "aiokafka.cluster",
    "aiokafka.conn",
    "aiokafka.consumer.consumer",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.consumer.subscription_state",
)
_REMARKS_KEPT: Final = 1_000


class OncePerMinute(logging.Filter):
    """Passes one record of each kind in a minute, on one line: the traceback of a refused connection tells nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.suppressed = 0
        self._next_at: dict[tuple[str, int, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is shown."""
        kind, now = (record.name, record.levelno, str(record.msg)), time.monotonic()
        if now < self._next_at.get(kind, 0.0):
            self.suppressed += 1
            return False
        if len(self._next_at) >= _REMARKS_KEPT:
            self._next_at.clear()
        self._next_at[kind] = now + REPEAT_SECONDS
        record.exc_info = record.exc_text = None
        return True


_FILTER: Final = OncePerMinute()
_users = 0


@contextlib.contextmanager
def quiet_client() -> Iterator[None]:
    """Keep Kafka's client, of which there is one code for all who use it in this process, from repeating itself."""
    global _users  # noqa: PLW0603 - the loggers are the process's, and so is the count of who wants them quiet
    _users += 1
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
    try:
        yield
    finally:
        _users -= 1
        if _users == 0:
            for name in _LOGGERS:
                logging.getLogger(name).removeFilter(_FILTER)
