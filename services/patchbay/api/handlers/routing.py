"""/api/routing: who answers a call to a number, or why nobody does; and the whole table, for subscribers."""

import re
from typing import Final

import msgspec

from patchbay.api import authorization
from patchbay.api.answers import encode
from patchbay.api.errors import InvalidRequest
from patchbay.api.exchange import Exchange
from patchbay.api.handlers import number_history
from patchbay.api.reading.inbound import InboundRoute
from patchbay.api.reading.positions import READ_MODEL, ROUTING
from patchbay.api.routes import Route
from patchbay.api.wire import Answer
from patchbay.assistants.errors import Issue
from patchbay.assistants.fields import InvalidValue
from patchbay.assistants.formats import phone_number
from patchbay.callrouting import SNAPSHOT_TYPE

ROUTED: Final = "routed"
UNKNOWN_NUMBER: Final = "unknown_number"
_LIKE_A_REGISTERED_ONE: Final = re.compile(r"\+[0-9]{5,15}")


async def look_up(exchange: Exchange) -> Answer:
    """GET /api/routing/inbound/{e164}."""
    (text,) = exchange.arguments
    if number_history.AT in exchange.query:
        number = _number(text)
        found = await number_history.find_at(exchange, number)
    else:
        number, found = await _find_now(exchange, text)
    if found is None or exchange.principal.account_id not in (None, found.account_id):
        # Another account's number is as one that nobody has.
        found = InboundRoute(number=number, outcome=UNKNOWN_NUMBER)
    record = found.record if found.outcome == ROUTED else None
    return Answer(
        body=encode(
            {
                "success": True,
                "phone_number": found.number,
                "outcome": found.outcome,
                "fallback": found.fallback,
                "account_id": found.account_id,
                "assistant_id": found.assistant_id,
                "assistant": None if record is None else msgspec.Raw(record),
            }
        )
    )


async def _find_now(exchange: Exchange, text: str) -> tuple[str, InboundRoute | None]:
    """
    Return the number, as E.164, and who answers a call to it.

    What a router asks for is nearly always a number as it is registered, and that has been checked. So it is looked for
    before it is checked, which takes longer than all the rest of an answer.
    """
    find = exchange.backend.inbound.find
    found = await find(text) if _LIKE_A_REGISTERED_ONE.fullmatch(text) else None
    if found is not None:
        return text, found
    number = _number(text)
    return number, None if number == text else await find(number)


def _number(text: str) -> str:
    try:
        return str(phone_number(text))
    except InvalidValue as invalid:
        raise InvalidRequest([Issue(path="e164", code=invalid.code, message=invalid.message)]) from None


async def snapshot(exchange: Exchange) -> Answer:
    """GET /api/routing/snapshot."""
    if exchange.request.method == "HEAD":
        return Answer(body=b"", content_type=SNAPSHOT_TYPE)
    return Answer(body=b"", content_type=SNAPSHOT_TYPE, stream=exchange.backend.snapshots.begin())


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/routing/snapshot",
        handler=snapshot,
        scope=authorization.ROUTING_READ,
        operators_only=True,
        projections=(ROUTING,),
    ),
    Route(
        method="GET",
        path="/api/routing/inbound/{e164}",
        handler=look_up,
        scope=authorization.ROUTING_READ,
        query=frozenset({number_history.AT}),
        projections=(READ_MODEL, ROUTING),
    ),
)
