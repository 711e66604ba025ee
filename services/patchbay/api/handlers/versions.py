"""/api/assistants/{assistantId}/versions and what goes with them: every edit, what it left, and the way back."""

import re
from typing import Final

from patchbay.api import authorization
from patchbay.api.answers import encode
from patchbay.api.bodies import read_object
from patchbay.api.conditional import etag_of, field, none_match
from patchbay.api.errors import InvalidRequest, NotFound
from patchbay.api.exchange import Exchange
from patchbay.api.handlers.of_assistant import assistant_of_path, change, if_match_of
from patchbay.api.moments import Moment, demand_past, demand_since_beginning, parse_point
from patchbay.api.paging import PARAMETERS, cut, malformed_cursor, parse_page
from patchbay.api.reading.versions import Newest, VersionState
from patchbay.api.routes import Route
from patchbay.api.wire import Answer
from patchbay.assistants.commands import RestoreAssistant
from patchbay.assistants.errors import Issue
from patchbay.assistants.evolve import CONFIGURATION_FIELDS
from patchbay.assistants.lifecycle_bodies import check_restore
from patchbay.assistants.rejections import AssistantNotFound, VersionNotFound
from patchbay.assistants.states import differing_fields
from patchbay.assistants.validation import changes_of

AT: Final = "at"
_ORDERS: Final = ("newest", "oldest")
_CURSOR: Final = re.compile(r"(newest|oldest):([1-9][0-9]{0,8})")
_VERSION: Final = re.compile(r"[1-9][0-9]{0,8}")
_HEAD: Final = b'{"success":true,"assistant":'


async def list_(exchange: Exchange) -> Answer:
    """GET /api/assistants/{assistantId}/versions."""
    assistant_id = assistant_of_path(exchange)
    page = parse_page(exchange.query)
    order = exchange.query.get("order", "newest")
    if order not in _ORDERS:
        raise InvalidRequest([Issue(path="order", code="not_allowed", message="must be `newest` or `oldest`")])
    begin: int | None = None
    if page.after:
        cursor = _CURSOR.fullmatch(page.after)
        if cursor is None or cursor[1] != order:
            raise malformed_cursor()
        begin = int(cursor[2])
    await _own(exchange, assistant_id)
    versions = exchange.backend.versions
    read = versions.list_newest if order == "newest" else versions.list_oldest
    rows, next_cursor = cut(
        await read(assistant_id, begin, page.limit + 1, page.offset), page, lambda row: f"{order}:{row.version}"
    )
    body = {"versions": rows, "count": len(rows), "limit": page.limit, "next_cursor": next_cursor}
    return Answer(body=encode({"success": True, **body}))


async def read(exchange: Exchange) -> Answer:
    """GET /api/assistants/{assistantId}/versions/{version}."""
    assistant_id, text = assistant_of_path(exchange), exchange.arguments[1]
    newest = await _own(exchange, assistant_id)
    if _VERSION.fullmatch(text) is None:
        raise _no_version(assistant_id, text)
    return _show(exchange, await _state_of(exchange, assistant_id, int(text), newest))


async def read_at(exchange: Exchange) -> Answer:
    """GET /api/assistants/{assistantId}with `at`."""
    assistant_id = assistant_of_path(exchange)
    point = parse_point(exchange.query[AT], AT)
    newest = await _own(exchange, assistant_id)
    return _show(exchange, await _state_at(exchange, assistant_id, AT, point, newest))


async def compare(exchange: Exchange) -> Answer:
    """GET /api/assistants/{assistantId}/diff."""
    assistant_id, query = assistant_of_path(exchange), exchange.query
    since, until = [parse_point(query[name], name) if name in query else None for name in ("from", "to")]
    newest = await _own(exchange, assistant_id)
    after = await _state_at(exchange, assistant_id, "to", newest.version if until is None else until, newest)
    previous = max(after.assistant.version - 1, 1)
    before = await _state_at(exchange, assistant_id, "from", previous if since is None else since, newest)
    changes = [
        {"field": name, "from": getattr(before.assistant, name), "to": getattr(after.assistant, name)}
        for name in differing_fields(before.assistant, after.assistant)
    ]
    body = {"assistant_id": assistant_id, "from": _end(before), "to": _end(after), "changes": changes}
    return Answer(body=encode({"success": True, **body}))


async def restore(exchange: Exchange) -> Answer:
    """POST /api/assistants/{assistantId}/restore. What the version was never changes, so it is read beforehand."""
    assistant_id = assistant_of_path(exchange)
    decoded = await read_object(exchange.request)
    exchange.principal.demand_slug(decoded)
    if_match = if_match_of(exchange)
    body = check_restore(decoded)
    account_id = exchange.principal.account_of_slug(body.account_slug, exchange.backend.log_id)
    newest = await _own(exchange, assistant_id)
    if newest.account_id != account_id:  # an operator's key, and the slug of another account
        raise AssistantNotFound(assistant_id)
    state = await exchange.backend.versions.read(assistant_id, body.version)
    if state is None or state.is_deleted:
        raise VersionNotFound(assistant_id, body.version)
    then = {name: getattr(state.assistant, name) for name in CONFIGURATION_FIELDS}
    command = RestoreAssistant(
        assistant_id=assistant_id,
        version=body.version,
        configuration=changes_of(assistant_id, then),
        if_match=if_match,
    )
    return await change(exchange, account_id, command, decoded, changes_routing=True)


async def _own(exchange: Exchange, assistant_id: str) -> Newest:
    """
    Return how far the assistant has come.

    Raises:
        NotFound: There never was such an assistant.
        OtherAccount: It is another account's.
    """
    newest = await exchange.backend.versions.newest(assistant_id)
    if newest is None:
        raise NotFound(f"There is no assistant {assistant_id}, and there never was.")
    exchange.principal.demand_own(newest.account_id, "The assistant")
    return newest


async def _state_at(
    exchange: Exchange, assistant_id: str, path: str, point: int | Moment, newest: Newest
) -> VersionState:
    if isinstance(point, int):
        return await _state_of(exchange, assistant_id, point, newest)
    backend = exchange.backend
    await demand_past(point, path, backend.log_times, newest.account_id)
    version = await backend.versions.at(assistant_id, point)
    if version == 0:
        await demand_since_beginning(point, path, backend.log_times)
        raise NotFound(f"There was no assistant {assistant_id} at {point.text} yet.")
    return await _state_of(exchange, assistant_id, version, newest)


async def _state_of(exchange: Exchange, assistant_id: str, version: int, newest: Newest) -> VersionState:
    state = await exchange.backend.versions.read(assistant_id, version) if version <= newest.version else None
    if state is None:
        raise _no_version(assistant_id, str(version))
    if state.is_deleted:
        raise NotFound(f"Assistant {assistant_id} was deleted by its version {version}, at {state.time}.")
    return state


def _no_version(assistant_id: str, version: str) -> NotFound:
    return NotFound(f"Assistant {assistant_id} has no version {version[:20]}.")


def _show(exchange: Exchange, state: VersionState) -> Answer:
    """Return what GET answered when this version was the newest."""
    version = state.assistant.version
    fields = f"ETag: {etag_of(version)}\r\n"
    if not none_match(field(exchange.request.headers, "If-None-Match"), version):
        return Answer(status=304, body=b"", fields=fields)
    return Answer(body=_HEAD + encode(state.assistant) + b"}", fields=fields)


def _end(state: VersionState) -> dict[str, object]:
    return {"version": state.assistant.version, "time": state.time}


_ONE: Final = "/api/assistants/{assistantId}"
ROUTES: Final = (
    Route(
        method="GET",
        path=_ONE + "/versions",
        handler=list_,
        scope=authorization.ASSISTANTS_READ,
        query=PARAMETERS | {"order"},
    ),
    Route(method="GET", path=_ONE + "/versions/{version}", handler=read, scope=authorization.ASSISTANTS_READ),
    Route(
        method="GET",
        path=_ONE + "/diff",
        handler=compare,
        scope=authorization.ASSISTANTS_READ,
        query=frozenset({"from", "to"}),
    ),
    Route(method="POST", path=_ONE + "/restore", handler=restore, scope=authorization.ASSISTANTS_WRITE),
)
