"""Moments as people write them."""

from datetime import UTC, datetime

from patchbay.cli.errors import BadUsage


def utc_text(text: str) -> str:
    """
    Return a moment as events have it: ISO 8601, UTC, six digits; without an offset it is UTC.

    Raises:
        BadUsage: It is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadUsage(f"{text!r} is no time: write it as 2026-11-23 or 2026-11-23T12:00:00Z.") from None
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
