"""
/api/keys: issue, list, rotate, revoke.

An operator's key may do so for every account, and for the operators. An account's key may for its own account, and can
issue no key that may do more than itself. Any key may be revoked, itself and an account's last one too: a key that got
into wrong hands has to go at once, and an operator can always issue another.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import UNSET

from patchbay.api import authorization
from patchbay.api.answers import encode
from patchbay.api.bodies import read_object
from patchbay.api.commanding import answer_written, carry_out, command_id_of, write_of
from patchbay.api.errors import InvalidRequest, NotFound, OperatorsOnly, OtherAccount
from patchbay.api.exchange import Exchange
from patchbay.api.handlers.of_account import ACCOUNT_SLUG, account_of_query
from patchbay.api.minting import Secret, mint_id, mint_secret, utc_text
from patchbay.api.paging import PARAMETERS, cut, parse_page
from patchbay.api.reading.accounts import KeyRecord
from patchbay.api.routes import Route
from patchbay.api.wire import Answer
from patchbay.api.writing.outcomes import Written
from patchbay.assistants import ids
from patchbay.assistants.commands import IssueKey, RevokeKey, RotateKey
from patchbay.assistants.errors import Issue
from patchbay.assistants.events import KeyIssued
from patchbay.assistants.validation import check_key, check_rotate


async def issue(exchange: Exchange) -> Answer:
    """POST /api/keys."""
    decoded = await read_object(exchange.request)
    exchange.principal.demand_slug(decoded)
    body = check_key(decoded)
    _refuse_past(body.expires_at)
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
    return answer_written(exchange, written, command, secret=_secret_if_ours(written, secret))


def _refuse_past(expires_at: object) -> None:
    if isinstance(expires_at, str) and expires_at <= utc_text(datetime.now(UTC)):
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


async def rotate(exchange: Exchange) -> Answer:
    """POST /api/keys/{id}/rotate."""
    decoded = await read_object(exchange.request)
    exchange.principal.demand_slug(decoded)
    body = check_rotate(decoded)
    _refuse_past(body.expires_at)
    account_id, stream = _whose(exchange, body.account_slug)
    key, stream_of_key = await _named(exchange)
    if stream_of_key != stream:
        raise OtherAccount("The key")
    expires_at = key.expires_at if body.expires_at is UNSET else body.expires_at
    exchange.principal.demand_power_to_issue(key.scopes, key.requests_per_hour, expires_at)
    secret = mint_secret("test" if key.hint.startswith("tk_test_") else "live")
    now = datetime.now(UTC)
    command = RotateKey(
        key_id=mint_id(ids.KEY),
        replaces=key.id,
        secret_sha256=secret.sha256,
        hint=secret.hint,
        now=utc_text(now),
        overlap_until=utc_text(now + timedelta(seconds=body.overlap_seconds)),
        expires_at=body.expires_at,
    )
    write = write_of(exchange, stream, command, decoded, id_=command_id_of(exchange, stream))
    written = await carry_out(exchange, account_id, write)
    return answer_written(exchange, written, command, secret=_secret_if_ours(written, secret))


def _secret_if_ours(written: Written, secret: Secret) -> str | None:
    """Return what is shown once; None: a repetition is told of the first one's key, whose secret nobody has."""
    is_ours = isinstance(written.event, KeyIssued) and written.event.secret_sha256 == secret.sha256
    return secret.text if is_ours else None


async def revoke(exchange: Exchange) -> Answer:
    """DELETE /api/keys/{id}."""
    key, stream = await _named(exchange)
    command = RevokeKey(key_id=key.id)
    write = write_of(exchange, stream, command, None, id_=command_id_of(exchange, stream))
    return answer_written(exchange, await carry_out(exchange, key.account_id, write), command)


async def _named(exchange: Exchange) -> tuple[KeyRecord, str]:
    """Return the key that the path names, and the stream that it is decided in."""
    (key_id,) = exchange.arguments
    key = await exchange.backend.accounts.find_key(key_id) if ids.is_id(ids.KEY, key_id) else None
    if key is None:
        raise NotFound("There is no such key.")  # what was sent as an id may be a secret: it is not repeated
    exchange.principal.demand_own(key.account_id, "The key")
    return key, key.account_id or exchange.backend.operators_stream


_ALL: Final = "/api/keys"
ROUTES: Final = (
    Route(method="POST", path=_ALL, handler=issue, scope=authorization.KEYS_WRITE),
    Route(method="GET", path=_ALL, handler=list_, scope=authorization.KEYS_READ, query=PARAMETERS | {ACCOUNT_SLUG}),
    Route(method="POST", path=_ALL + "/{id}/rotate", handler=rotate, scope=authorization.KEYS_WRITE),
    Route(method="DELETE", path=_ALL + "/{id}", handler=revoke, scope=authorization.KEYS_WRITE),
)
