"""The time of events: never before the head's, and six digits of a second long."""

from datetime import UTC, datetime, timedelta

_TICK = timedelta(microseconds=1)


def now() -> str:
    """Return this machine's time, ISO 8601, UTC, six digits: such strings sort as times do."""
    return _written(datetime.now(UTC))


def after(head_time: str) -> str:
    """Return now, or a microsecond after the head's time if that is later: time follows height in a stream."""
    time = now()
    if time > head_time:
        return time
    return _written(datetime.fromisoformat(head_time) + _TICK)


def _written(time: datetime) -> str:
    return time.isoformat(timespec="microseconds")[:26] + "Z"
