"""/api/account: what a key is, and whose."""

from typing import Final

from patchbay.api import authorization
from patchbay.api.answers import encode
from patchbay.api.exchange import Exchange
from patchbay.api.handlers.of_account import ACCOUNT_SLUG, account_of_query
from patchbay.api.routes import Route
from patchbay.api.wire import Answer


async def read(exchange: Exchange) -> Answer:
    """GET /api/account. An operator's key has no account of its own, and may name any."""
    accounts, principal = exchange.backend.accounts, exchange.principal
    is_of_none = principal.is_operator and ACCOUNT_SLUG not in exchange.query
    account = None if is_of_none else await accounts.overview(await account_of_query(exchange))
    key = {
        "id": principal.key_id,
        "name": principal.name,
        "scopes": sorted(principal.scopes),
        "expires_at": principal.expires_at,
        "requests_per_hour": principal.requests_per_hour,
    }
    return Answer(body=encode({"success": True, "account": account, "key": key}))


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/account",
        handler=read,
        scope=authorization.ACCOUNT_READ,
        query=frozenset({ACCOUNT_SLUG}),
    ),
)
