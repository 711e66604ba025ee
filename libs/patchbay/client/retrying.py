"""What follows from an answer: is it definite, is it to be asked for, may the request be sent again, and when."""

import enum
import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import msgspec

_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_REMAINING: Final = re.compile(r";\s*r=([0-9]{1,15})(?=[;,]|$)")
_RESET: Final = re.compile(r";\s*t=([0-9]{1,9})(?=[;,]|$)")


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long a call is tried, and how."""

    seconds: float = 30.0  # from its beginning to giving up, pauses included
    attempts: int = 10
    exchange_seconds: float = 12.0  # of one attempt; the API answers within 10 s, come what may
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 5.0  # unless the API asks for a longer one


class Next(enum.Enum):
    """What is to be done about an answer."""

    TAKE = "it is the result"
    REFUSE = "it is definite, and no"
    AGAIN = "nothing took effect, send it again"
    LOST = "something may have taken effect, send it again if that is safe"
    ASK = "ask what became of it"


class RateLimit(msgspec.Struct, frozen=True):
    """What the key may still send."""

    remaining: int
    reset_seconds: int  # until some of the used-up requests come back


def judge(status: int, code: str | None) -> Next:
    """
    Return what to do about an answer.

    Args:
        status: Of the answer.
        code: Its error code; None if its body is no answer of Patchbay's, such as a proxy's page.
    """
    if status in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED):
        return Next.TAKE
    if status == HTTPStatus.ACCEPTED or code == "outcome_unknown":
        return Next.ASK
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Next.AGAIN
    if status == HTTPStatus.SERVICE_UNAVAILABLE and code == "quarantined":
        return Next.REFUSE  # an operator is needed: no client's patience is that long
    if status == HTTPStatus.SERVICE_UNAVAILABLE and code is not None:
        return Next.AGAIN
    return Next.LOST if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Next.REFUSE


def is_decided_by_state(status: int) -> bool:
    """True if this refusal was decided with every earlier try of the same command in view: none has taken effect."""
    return status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED) or status in (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )


def pause_seconds(attempt: int, asked_for: float | None, patience: Patience, chance: float) -> float:
    """
    Return how long to wait before the next attempt: what the API asked for, and a part of a growing pause on top.

    Clients that were turned away together so do not come back together.

    Args:
        attempt: How many there were, 1 or more.
        asked_for: Seconds, by Retry-After; None: nothing was asked for.
        patience: Its pauses.
        chance: From 0 to 1, drawn anew each time.
    """
    longest = min(patience.longest_pause_seconds, patience.first_pause_seconds * 2.0 ** min(attempt - 1, 30))
    return (asked_for or 0.0) + longest * chance


def retry_after(headers: Mapping[str, str], now_epoch_seconds: float) -> float | None:
    """
    Return the seconds that Retry-After asks for; None without one that can be read.

    Source: RFC 9110, 10.2.3.
    """
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        at = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, at - now_epoch_seconds) if math.isfinite(at) else None


def rate_limit(headers: Mapping[str, str]) -> RateLimit | None:
    """
    Return what the RateLimit header tells of the policy that has the least left; None without one.

    Source: draft-ietf-httpapi-ratelimit-headers-10.
    """
    told = []
    for item in headers.get("ratelimit", "").split(","):
        remaining, reset = _REMAINING.search(item), _RESET.search(item)
        if remaining is not None:
            told.append(RateLimit(int(remaining[1]), int(reset[1]) if reset is not None else 0))
    return min(told, key=lambda limit: (limit.remaining, -limit.reset_seconds), default=None)
