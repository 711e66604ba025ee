"""How many requests a key may send in an hour."""

from patchbay.api.authentication import OPERATOR
from patchbay.api.errors import TooManyRequests
from patchbay.api.limits.windows import Windows
from patchbay.usage import WINDOW_SECONDS, slot_at


class RateLimits:
    """
    A sliding window of an hour for each key: in no 60 minutes does a key get more than its limit.

    What was used comes back an hour after its slot's end. Time is passed in.
    """

    def __init__(self, windows: Windows) -> None:
        self._windows = windows

    def take(self, key_id: str, requests_per_hour: int, now_seconds: float) -> str:
        """
        Count one request, and return the RateLimit header fields, ready to be sent.

        Args:
            key_id: Whose request it is.
            requests_per_hour: The key's limit.
            now_seconds: Since 1970.

        Raises:
            TooManyRequests: The limit is used up; this request does not count.

        Source: draft-ietf-httpapi-ratelimit-headers-10.
        """
        window = self._windows.current(key_id, slot_at(now_seconds))
        if window.amount >= requests_per_hour:
            raise TooManyRequests(requests_per_hour, window.seconds_until_back(now_seconds))
        self._windows.count(window, now_seconds, 1)
        remaining = requests_per_hour - window.amount
        return fields(requests_per_hour, remaining, window.seconds_until_back(now_seconds))

    def touch(self, key_id: str, now_seconds: float) -> None:
        """Note that a key without a limit is used. The first operator's, of the settings, is in no list."""
        if key_id != OPERATOR:
            self._windows.touch(key_id, now_seconds)


def fields(requests_per_hour: int, remaining: int, reset_seconds: int) -> str:
    """Return both header fields, each with its line end."""
    return (
        f'RateLimit-Policy: "hourly";q={requests_per_hour};w={WINDOW_SECONDS}\r\n'
        f'RateLimit: "hourly";r={remaining};t={reset_seconds}\r\n'
    )
