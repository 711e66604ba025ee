"""GET /api/audit: who changed what of an account, when and why."""

from collections.abc import Mapping
from typing import Final

import msgspec

from patchbay.api import authorization
from patchbay.api.answers import encode
from patchbay.api.errors import InvalidRequest, NotFound
from patchbay.api.exchange import Exchange
from patchbay.api.handlers.number_history import demand_had
from patchbay.api.handlers.of_account import ACCOUNT_SLUG, account_of_query
from patchbay.api.list_cursors import ListCursors, Place
from patchbay.api.paging import parse_bounds
from patchbay.api.reading.audit_sources import Mark, Wanted
from patchbay.api.routes import Route
from patchbay.api.tokens import MalformedToken
from patchbay.api.wire import Answer
from patchbay.assistants import fields, formats, ids
from patchbay.assistants.body_rules import read_fields
from patchbay.assistants.errors import Issue
from patchbay.assistants.fields import Rule
from patchbay.assistants.telling import TOLD_FIELDS

_ASSISTANT, _NUMBER = "assistant_id", "phone_number_id"
RULES: Final[Mapping[str, Rule]] = {
    "since": formats.time,
    "until": formats.time,
    "field": fields.one_of(sorted(TOLD_FIELDS)),
    "actor": fields.label(),
    _ASSISTANT: fields.identifier(ids.ASSISTANT),
    _NUMBER: fields.identifier(ids.NUMBER),
}
_mark: Final = msgspec.json.Decoder(Mark).decode


async def list_(exchange: Exchange) -> Answer:
    """GET /api/audit."""
    issues: list[Issue] = []
    query, cursors = exchange.query, exchange.backend.list_cursors
    values = read_fields({name: value for name, value in query.items() if name in RULES}, RULES, (), issues)
    limit, _ = parse_bounds(query, issues)
    if _ASSISTANT in query and _NUMBER in query:
        message = "cannot be given with assistant_id"
        issues.append(Issue(path=_NUMBER, code="not_with_assistant_id", message=message))
    wanted = Wanted(account_id=await account_of_query(exchange), **values)
    question = msgspec.msgpack.encode(("audit", wanted))
    mark = wanted.begin
    if "cursor" in query and not issues:
        mark = _place(cursors, question, query["cursor"], issues) or mark
    if issues:
        raise InvalidRequest(issues)
    await _demand_own(exchange, wanted)
    page = await exchange.backend.audit.page(wanted, mark, limit)
    tail = {
        "count": len(page.entries),
        "limit": limit,
        "next_cursor": None if page.last is None else cursors.write(question, _row_of(page.last)),
    }
    return Answer(body=b'{"success":true,"audit":[' + b",".join(page.entries) + b"]," + encode(tail)[1:])


async def _demand_own(exchange: Exchange, wanted: Wanted) -> None:
    """
    Go on only with an assistant and a number that are the account's, or were.

    Raises:
        NotFound: There never was one, or not of this account.
        OtherAccount: It is another account's.
    """
    if wanted.phone_number_id is not None:
        await demand_had(exchange, wanted.phone_number_id, wanted.account_id)
    if wanted.assistant_id is not None:
        newest = await exchange.backend.versions.newest(wanted.assistant_id)
        if newest is not None:
            exchange.principal.demand_own(newest.account_id, "The assistant")
        if newest is None or newest.account_id != wanted.account_id:
            raise NotFound(f"The account has no assistant {wanted.assistant_id}, and never had.")


def _row_of(mark: Mark) -> Place:
    return Place(encode(mark).decode(), 0)


def _place(cursors: ListCursors, question: bytes, cursor: str, issues: list[Issue]) -> Mark | None:
    try:
        return _mark(cursors.read(question, cursor).key)
    except MalformedToken:
        message = "is not a next_cursor that was given out here for this account and these filters"
        issues.append(Issue(path="cursor", code="malformed", message=message))
        return None


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/audit",
        handler=list_,
        scope=authorization.AUDIT_READ,
        query=frozenset({"limit", "cursor", ACCOUNT_SLUG, *RULES}),
    ),
)
