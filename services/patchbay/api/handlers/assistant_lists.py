"""GET /api/assistants: an account's assistants, filtered, sorted, page by page."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from patchbay.api import authorization
from patchbay.api.answers import encode
from patchbay.api.errors import InvalidRequest
from patchbay.api.exchange import Exchange
from patchbay.api.handlers.of_account import ACCOUNT_SLUG, account_of_query
from patchbay.api.list_cursors import ListCursors, Place
from patchbay.api.paging import PARAMETERS, parse_bounds
from patchbay.api.reading.listing import SORTS, Order, Stretch, Wanted
from patchbay.api.routes import Route
from patchbay.api.tokens import MalformedToken
from patchbay.api.wire import Answer
from patchbay.assistants import fields, formats, ids
from patchbay.assistants.body_rules import Fields, read_fields
from patchbay.assistants.catalogue import Catalogue, shipped_catalogue
from patchbay.assistants.described import says
from patchbay.assistants.errors import Issue
from patchbay.assistants.fields import InvalidValue, Rule
from patchbay.assistants.searching import fold_name
from patchbay.assistants.templates import TEMPLATE_IDS

DEFAULT_SORT: Final = "-created_at"
SPELLINGS: Final = tuple(sign + name for name in SORTS for sign in ("", "-"))
_TRUTH: Final = {"true": True, "false": False}


@says({"type": "boolean"})
def _truth(value: object) -> bool:
    if value not in _TRUTH:
        raise InvalidValue("wrong_type", "This parameter must be true or false.")
    return _TRUTH[str(value)]


@lru_cache(maxsize=8)
def filter_rules(catalogue: Catalogue) -> Mapping[str, Rule]:
    """Return the parameters that say which assistants, and in which order, with the providers of `catalogue`."""
    return {
        "q": fields.prompt(fields.NAME_CHARACTERS),
        "type": fields.one_of(TEMPLATE_IDS),
        "provider": fields.one_of(catalogue.providers, "unknown_provider"),
        "model": fields.label(),
        "voice_provider": fields.one_of(catalogue.voice_providers, "unknown_provider"),
        "transcriptor_provider": fields.one_of(catalogue.transcriptor_providers, "unknown_provider"),
        "inbound_enabled": _truth,
        "phone_number_id": fields.identifier(ids.NUMBER),
        "updated_since": formats.time,
        "sort": fields.one_of(SPELLINGS),
    }


async def list_(exchange: Exchange) -> Answer:
    """GET /api/assistants."""
    issues: list[Issue] = []
    query, cursors = exchange.query, exchange.backend.list_cursors
    rules = filter_rules(shipped_catalogue())
    values = read_fields({name: value for name, value in query.items() if name in rules}, rules, (), issues)
    limit, offset = parse_bounds(query, issues)
    account_id = await account_of_query(exchange)
    order = _order(values.pop("sort", DEFAULT_SORT))
    wanted = _wanted(account_id, values)
    question = msgspec.msgpack.encode((order, wanted))
    after = None if "cursor" not in query or issues else _place(cursors, question, query["cursor"], issues)
    if issues:
        raise InvalidRequest(issues)
    page = await exchange.backend.lists.page(wanted, order, Stretch(limit=limit, after=after, offset=offset))
    tail = {
        "count": len(page.records),
        "limit": limit,
        "next_cursor": None if page.last is None else cursors.write(question, page.last),
    }
    return Answer(body=b'{"success":true,"assistants":[' + b",".join(page.records) + b"]," + encode(tail)[1:])


def _order(spelling: str) -> Order:
    return Order(spelling.removeprefix("-"), spelling.startswith("-"))


def _wanted(account_id: str, values: Fields) -> Wanted:
    searched = values.pop("q", "")
    if ids.is_id(ids.ASSISTANT, searched):
        return Wanted(account_id=account_id, assistant_id=searched, **values)
    return Wanted(account_id=account_id, name_part=fold_name(searched) or None, **values)


def _place(cursors: ListCursors, question: bytes, cursor: str, issues: list[Issue]) -> Place | None:
    try:
        return cursors.read(question, cursor)
    except MalformedToken:
        message = "is not a next_cursor that was given out here for this account, these filters and this sort"
        issues.append(Issue(path="cursor", code="malformed", message=message))
        return None


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/assistants",
        handler=list_,
        scope=authorization.ASSISTANTS_READ,
        query=PARAMETERS | {ACCOUNT_SLUG} | frozenset(filter_rules(shipped_catalogue())),
    ),
)
