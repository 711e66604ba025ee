"""
/api/keys: issue, list, revoke.

An operator's key may do so for every account, and for the operators. An account's key may for its own account, and can
issue no key that may do more than itself.
"""

from datetime import UTC, datetime
from typing import Final

from patchbay.api import authorization
from patchbay.api.answers import encode
from patchbay.api.bodies import read_object
from patchbay.api.commanding import answer_written, carry_out, command_id_of, write_of
from patchbay.api.errors import InvalidRequest, NotFound, OperatorsOnly
from patchbay.api.exchange import Exchange
from patchbay.api.handlers.of_account import ACCOUNT_SLUG, account_of_query
from patchbay.api.minting import mint_id, mint_secret
from patchbay.api.paging import PARAMETERS, cut, parse_page
from patchbay.api.routes import Route
from patchbay.api.wire import Answer
from patchbay.assistants import ids
from patchbay.assistants.commands import IssueKey, RevokeKey
from patchbay.assistants.errors import Issue
from patchbay.assistants.events import KeyIssued
from patchbay.assistants.validation import KeyBody, check_key


async def issue(exchange: Exchange) -> Answer:
    """POST /api/keys."""
    decoded = await read_object(exchange.request)
    exchange.principal.demand_slug(decoded)
    body = check_key(decoded)
    _refuse_past(body)
    account_id, stream = _whose(exchange, body.account_slug)
    exchange.principal.demand_power_to_issue(body.scopes, body.requests_per_hour, body.expires_at)
    secret = mint_secret(body.mode)
    command = IssueKey(
        key_id=mint_id(ids.KEY),
        account_id=account_id,
        name=body.name,
        secret_sha256=secret.sha256,
        hint=secret.hint,
        scopes=body.scopes,
        expires_at=body.expires_at,
        requests_per_hour=body.requests_per_hour,
    )
    write = write_of(exchange, stream, command, decoded, id_=command_id_of(exchange, stream))
    written = await carry_out(exchange, account_id, write)
    # A repetition is told of the first one's key, whose secret nobody has any more.
    is_ours = isinstance(written.event, KeyIssued) and written.event.secret_sha256 == secret.sha256
    return answer_written(exchange, written, command, secret=secret.text if is_ours else None)


def _refuse_past(body: KeyBody) -> None:
    now = datetime.now(UTC).isoformat(timespec="microseconds")[:26] + "Z"
    if body.expires_at is not None and body.expires_at <= now:
        raise InvalidRequest([Issue(path="expiresAt", code="in_the_past", message="This time has passed already.")])


def _whose(exchange: Exchange, account_slug: str | None) -> tuple[str | None, str]:
    """Return whose key it is to be, and the stream that it is decided in."""
    principal, backend = exchange.principal, exchange.backend
    if account_slug is not None:
        account_id = principal.account_of_slug(account_slug, backend.log_id)
        return account_id, account_id
    if not principal.is_operator:
        raise OperatorsOnly
    return None, backend.operators_stream


async def list_(exchange: Exchange) -> Answer:
    """GET /api/keys. For an operator's key without `accountSlug`: the operators' keys."""
    page = parse_page(exchange.query)
    for_operators = exchange.principal.is_operator and ACCOUNT_SLUG not in exchange.query
    account_id = None if for_operators else await account_of_query(exchange)
    rows, cursor = cut(await exchange.backend.accounts.list_keys(account_id, page), page, lambda key: key.id)
    return Answer(
        body=encode({"success": True, "keys": rows, "count": len(rows), "limit": page.limit, "next_cursor": cursor})
    )


async def revoke(exchange: Exchange) -> Answer:
    """DELETE /api/keys/{id}."""
    (key_id,) = exchange.arguments
    key = await exchange.backend.accounts.find_key(key_id) if ids.is_id(ids.KEY, key_id) else None
    if key is None:
        raise NotFound(f"There is no key {key_id}.")
    exchange.principal.demand_own(key.account_id, "The key")
    stream = key.account_id or exchange.backend.operators_stream
    command = RevokeKey(key_id=key_id)
    write = write_of(exchange, stream, command, None, id_=command_id_of(exchange, stream))
    return answer_written(exchange, await carry_out(exchange, key.account_id, write), command)


_ALL: Final = "/api/keys"
ROUTES: Final = (
    Route(method="POST", path=_ALL, handler=issue, scope=authorization.KEYS_WRITE),
    Route(method="GET", path=_ALL, handler=list_, scope=authorization.KEYS_READ, query=PARAMETERS | {ACCOUNT_SLUG}),
    Route(method="DELETE", path=_ALL + "/{id}", handler=revoke, scope=authorization.KEYS_WRITE),
)
