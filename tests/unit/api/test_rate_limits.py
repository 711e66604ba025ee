"""The hourly limit of a key, with the time passed in."""

import pytest

from patchbay.api.errors import TooManyRequests
from patchbay.api.limits.rate_limits import RateLimits
from patchbay.api.limits.windows import Windows
from patchbay.usage import slot_at


def used_up(limits: RateLimits, key_id: str, limit: int, now: float) -> bool:
    try:
        limits.take(key_id, limit, now)
    except TooManyRequests:
        return True
    return False


def test_the_fields_tell_what_is_left() -> None:
    limits = RateLimits(Windows())
    limits.take("key_a", 3, 120.0)

    fields = limits.take("key_a", 3, 120.0)

    assert fields == 'RateLimit-Policy: "hourly";q=3;w=3600\r\nRateLimit: "hourly";r=1;t=3721\r\n'


def test_beyond_the_limit_it_is_told_when_to_come_back() -> None:
    limits = RateLimits(Windows())
    limits.take("key_a", 1, 0.0)

    with pytest.raises(TooManyRequests) as refused:
        limits.take("key_a", 1, 1000.0)

    later = 1000.0 + refused.value.retry_after_seconds
    assert not used_up(limits, "key_a", 1, later)


def test_no_hour_has_more_than_the_limit() -> None:
    limits, limit = RateLimits(Windows()), 20
    taken = [now for now in range(0, 20_000, 37) if not used_up(limits, "key_a", limit, float(now))]

    assert len(taken) > 4 * limit
    assert all(sum(start <= now < start + 3600 for now in taken) <= limit for start in taken)


def test_a_refused_request_does_not_count() -> None:
    limits = RateLimits(Windows())
    limits.take("key_a", 1, 0.0)
    for second in range(1, 100):
        assert used_up(limits, "key_a", 1, float(second))

    assert not used_up(limits, "key_a", 1, 3721.0)


def test_keys_do_not_share_a_limit() -> None:
    limits = RateLimits(Windows())
    limits.take("key_a", 1, 0.0)

    assert not used_up(limits, "key_b", 1, 0.0)


def test_idle_keys_are_forgotten_and_busy_ones_are_not() -> None:
    windows = Windows()
    limits = RateLimits(windows)
    limits.take("key_idle", 1, 0.0)
    limits.take("key_busy", 1, 4000.0)

    windows.forget_idle(slot_at(4000.0))

    assert not used_up(limits, "key_idle", 1, 4000.0)
    assert used_up(limits, "key_busy", 1, 4000.0)
