"""/api/events: the account's accepted events, as they happen."""

from typing import Final

from patchbay.api import authorization
from patchbay.api.authentication import digest_of
from patchbay.api.errors import InvalidRequest
from patchbay.api.exchange import Exchange
from patchbay.api.feed.stream import Holder, Wanted
from patchbay.api.handlers.of_account import ACCOUNT_SLUG, account_of_query
from patchbay.api.routes import Route
from patchbay.api.tokens import MalformedToken, TokenOfAnotherLog
from patchbay.api.wire import Answer
from patchbay.assistants.codec import TAGS
from patchbay.assistants.errors import Issue

EVENT_STREAM: Final = "text/event-stream"
_LAST_EVENT_ID: Final = "Last-Event-ID"
_LAST_EVENT_ID_PARAMETER: Final = "lastEventId"
_FIELDS: Final = "X-Accel-Buffering: no\r\n"  # tells nginx to hand each event on at once


async def follow(exchange: Exchange) -> Answer:
    """GET /api/events."""
    issues: list[Issue] = []
    types = _types(exchange, issues)
    positions = _resumed_at(exchange, issues)
    is_from_beginning = _is_from_beginning(exchange, issues)
    if issues:
        raise InvalidRequest(issues)
    account_id = await _account(exchange)
    if exchange.request.method == "HEAD":
        return Answer(body=b"", content_type=EVENT_STREAM)
    backend = exchange.backend
    is_from_now = positions is None and not is_from_beginning
    if positions is None:
        positions = await backend.events.ends() if is_from_now else [0] * backend.feed.cursors.partition_count
    holder = Holder(key_id=exchange.principal.key_id, digest=digest_of(exchange.request.headers.get("Authorization")))
    wanted = Wanted(account_id=account_id, types=types, positions=tuple(positions), is_from_now=is_from_now)
    stream = backend.feed.open(holder, wanted)
    return Answer(body=b"", content_type=EVENT_STREAM, fields=_FIELDS, stream=stream)


async def _account(exchange: Exchange) -> str | None:
    """Return whose events; None, for an operator's key that names no account: every account's."""
    if exchange.principal.is_operator and ACCOUNT_SLUG not in exchange.query:
        return None
    return await account_of_query(exchange)


def _types(exchange: Exchange, issues: list[Issue]) -> frozenset[str] | None:
    text = exchange.query.get("type")
    if text is None:
        return None
    names = text.split(",")
    issues += [
        Issue(path="type", code="unknown_type", message=f"{name[:100]!r} is not a type of event")
        for name in names
        if name not in TAGS
    ]
    return frozenset(names)


def _is_from_beginning(exchange: Exchange, issues: list[Issue]) -> bool:
    text = exchange.query.get("from", "now")
    if text not in ("now", "beginning"):
        issues.append(Issue(path="from", code="malformed", message="must be `now` or `beginning`"))
    return text == "beginning"


def _resumed_at(exchange: Exchange, issues: list[Issue]) -> list[int] | None:
    """Return where the client was; None if it says nothing. The header is newer than what stands in a URL."""
    header = exchange.request.headers.get(_LAST_EVENT_ID, "").strip()
    path, text = _LAST_EVENT_ID, header
    if not header:
        path, text = _LAST_EVENT_ID_PARAMETER, exchange.query.get(_LAST_EVENT_ID_PARAMETER, "")
    if not text:
        return None
    try:
        return exchange.backend.feed.cursors.read(text)
    except TokenOfAnotherLog:
        issues.append(Issue(path=path, code="other_log", message="is of another log"))
    except MalformedToken:
        issues.append(Issue(path=path, code="malformed", message="is not the id of an event that was sent here"))
    return None


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/events",
        handler=follow,
        scope=authorization.EVENTS_READ,
        query=frozenset({ACCOUNT_SLUG, "type", "from", _LAST_EVENT_ID_PARAMETER}),
    ),
)
