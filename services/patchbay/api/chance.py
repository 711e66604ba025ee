"""Random names that keep no secret: drawn from the system's generator, many at a time."""

import os

_DRAWN_BYTES = 4096


class _Pool:
    def __init__(self) -> None:
        self._hex = ""
        self._used = 0

    def take(self, count: int) -> str:
        end = self._used + 2 * count
        if end > len(self._hex):
            self._hex = os.urandom(max(_DRAWN_BYTES, count)).hex()
            self._used, end = 0, 2 * count
        drawn = self._hex[self._used : end]
        self._used = end
        return drawn


_pool = _Pool()


def random_hex(count: int) -> str:
    """
    Return `count` random bytes as hex digits, for ids that must be unique. What must stay secret is drawn alone.

    A process that is forked would draw the same: services are started, never forked.
    """
    return _pool.take(count)
