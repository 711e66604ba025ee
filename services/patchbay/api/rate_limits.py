"""How many requests a key may send in an hour, to this process."""

import asyncio
from collections import deque

from patchbay.api.errors import TooManyRequests

WINDOW_SECONDS = 3600
_SLOT_SECONDS = 60
_FORGET_SECONDS = 600
_SLOTS = WINDOW_SECONDS // _SLOT_SECONDS


class _Window:
    """The requests of the last hour, counted by the minute."""

    __slots__ = ("slots", "used")

    def __init__(self) -> None:
        self.slots: deque[list[int]] = deque()  # [minute, requests], at most 61 of them
        self.used = 0


class RateLimits:
    """
    A sliding window of an hour for each key: in no 60 minutes does a key get more than its limit.

    A minute's requests come back an hour after the minute's end. Time is passed in.
    """

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}

    def take(self, key_id: str, requests_per_hour: int, now_seconds: float) -> str:
        """
        Count one request, and return the RateLimit header fields, ready to be sent.

        Args:
            key_id: Whose request it is.
            requests_per_hour: The key's limit.
            now_seconds: A clock that never goes back.

        Raises:
            TooManyRequests: The limit is used up; this request does not count.

        Source: draft-ietf-httpapi-ratelimit-headers-10.
        """
        window = self._windows.get(key_id)
        if window is None:
            window = self._windows[key_id] = _Window()
        minute = int(now_seconds // _SLOT_SECONDS)
        slots = window.slots
        while slots and slots[0][0] < minute - _SLOTS:
            window.used -= slots.popleft()[1]
        if window.used >= requests_per_hour:
            oldest = slots[0][0] if slots else minute
            raise TooManyRequests(requests_per_hour, _seconds_until_back(oldest, now_seconds))
        if slots and slots[-1][0] == minute:
            slots[-1][1] += 1
        else:
            slots.append([minute, 1])
        window.used += 1
        return fields(requests_per_hour, requests_per_hour - window.used, _seconds_until_back(slots[0][0], now_seconds))

    async def run(self) -> None:
        """Forget idle keys every now and then, until cancelled."""
        while True:
            await asyncio.sleep(_FORGET_SECONDS)
            self.forget_idle(asyncio.get_running_loop().time())

    def forget_idle(self, now_seconds: float) -> None:
        """Drop the windows of keys that have sent nothing for an hour."""
        oldest = int(now_seconds // _SLOT_SECONDS) - _SLOTS
        for key_id in [key for key, window in self._windows.items() if window.slots[-1][0] < oldest]:
            del self._windows[key_id]


def fields(requests_per_hour: int, remaining: int, reset_seconds: int) -> str:
    """Return both header fields, each with its line end."""
    return (
        f'RateLimit-Policy: "hourly";q={requests_per_hour};w={WINDOW_SECONDS}\r\n'
        f'RateLimit: "hourly";r={remaining};t={reset_seconds}\r\n'
    )


def _seconds_until_back(minute: int, now_seconds: float) -> int:
    return max(1, int((minute + _SLOTS + 1) * _SLOT_SECONDS - now_seconds) + 1)
