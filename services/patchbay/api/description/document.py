"""The whole document: every route with its entry, the schemas that they share, and what holds for all."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from patchbay.api.description import (
    accounts,
    assistant_lifecycle,
    assistant_lists,
    assistants,
    catalogue,
    commands,
    declaring,
    documentation,
    events,
    health,
    keys,
    own_account,
    phone_numbers,
    routing,
    telephony,
    versions,
)
from patchbay.api.description.header_fields import (
    ANSWER_HEADERS,
    COMMON_QUERY,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    PATCHBAY_AFTER,
    PATCHBAY_REASON,
    REQUEST_ID,
    TRACEPARENT,
)
from patchbay.api.description.operation import Content, Key, Operation, Parameter, Schema
from patchbay.api.description.refusals import DRY_RUN, FAILURE, ISSUE, failures_of, refusals_of
from patchbay.api.description.schemas import ref
from patchbay.api.description.sharing import share_responses
from patchbay.api.routes import Route

VERSION: Final = "1.0.0"  # of the contract
RESOURCES: Final = (  # in the order of the page
    assistants,
    assistant_lists,
    assistant_lifecycle,
    telephony,
    declaring,
    versions,
    phone_numbers,
    routing,
    events,
    accounts,
    own_account,
    keys,
    catalogue,
    commands,
    documentation,
    health,
)

_WORDS: Final = """\
Manages AI phone assistants, and says which assistant answers which phone number.

Every write is an event in a log. **When a write has answered 200, every later read of every copy of the API shows it,
and the next call is routed by it.** A 4xx left nothing, and never will. 202 is in the log and not yet visible; 503 says
by its `code` what became of the write: `unavailable` and `contended` nothing, `outcome_unknown` is told by `Location`.

A request is JSON, an answer is `{"success": true, …}` or `{"success": false, "error", "code", "status", …}`. A field or
a parameter that nobody knows is refused and named, never dropped. Parameters of requests are camelCase, fields of
records snake_case. Times are ISO 8601, UTC, six digits.
"""


class Undescribed(Exception):
    """Routes and entries do not match."""


def entries() -> Mapping[Key, Operation]:
    """Return every operation's entry."""
    return {key: operation for resource in RESOURCES for key, operation in resource.OPERATIONS.items()}


def describe(routes: Iterable[Route]) -> dict[str, Any]:
    """
    Return the OpenAPI document of the routes, as plain JSON data.

    Raises:
        Undescribed: A route has no entry, an entry no route, or a parameter is on one side only.
    """
    known = dict(entries())
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation = known.pop((route.method, route.path), None)
        if operation is None:
            raise Undescribed(f"{route.method} {route.path} has no entry in services/patchbay/api/description")
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, operation)
    if known:
        raise Undescribed(f"no route has the entries {sorted(known)}")
    tags = {tag: words for resource in RESOURCES for tag, words in resource.TAGS.items()}
    bodies = {_name_of_body(each): each.body.schema for each in entries().values() if each.body is not None}
    records = {name: schema for resource in RESOURCES for name, schema in resource.RECORDS.items()}
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Patchbay",
            "version": VERSION,
            "description": _WORDS,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag, "description": words} for tag, words in tags.items()],
        "paths": paths,
        "components": {
            "schemas": {"Failure": FAILURE, "Issue": ISSUE, "DryRun": DRY_RUN, **records, **bodies},
            "parameters": {name: _parameter("header", name, header) for name, header in _SHARED_HEADERS.items()},
            "headers": {name: _header(header) for name, header in ANSWER_HEADERS.items()},
            "securitySchemes": {"key": _KEY},
        },
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document))
    share_responses(plain)
    return plain


_KEY: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": (
        "`Authorization: Bearer tk_live_…`. Each operation names the scope that the key needs: `*` and `<resource>:*` "
        "include it, `write` does not include `read`. A key belongs to one account; an operator's may name any."
    ),
}


def _operation(route: Route, operation: Operation) -> Schema:
    body = {}
    if operation.body is not None:
        content = Content(
            schema=ref(_name_of_body(operation)),
            example=operation.body.example,
            media_types=operation.body.media_types,
        )
        body = {"requestBody": {"required": True, "content": _content(content)}}
    words = [operation.words, "For operators' keys only." if route.operators_only else ""]
    return {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": "\n\n".join(part for part in words if part) or operation.summary,
        "security": [] if route.public else [{"key": [route.scope] if route.scope else []}],
        "parameters": _parameters(route, operation),
        **body,
        "responses": _responses(route, operation),
    }


def _name_of_body(operation: Operation) -> str:
    return operation.name[0].upper() + operation.name[1:]


def _parameters(route: Route, operation: Operation) -> list[Schema]:
    named = {segment[1:-1] for segment in route.path.split("/") if segment.startswith("{")}
    if named != operation.path.keys():
        raise Undescribed(f"{route.method} {route.path}: described path parameters are {sorted(operation.path)}")
    query = {name: operation.query.get(name) or COMMON_QUERY.get(name) for name in sorted(route.known_query)}
    lacking = sorted({name for name, parameter in query.items() if parameter is None} | operation.query.keys() - query)
    if lacking:
        raise Undescribed(f"{route.method} {route.path}: {lacking} are on one side only")
    found = [_parameter("path", name, parameter) for name, parameter in operation.path.items()]
    found += [_parameter("query", name, parameter) for name, parameter in query.items() if parameter is not None]
    found += [_parameter("header", name, parameter) for name, parameter in operation.headers.items()]
    return found + [{"$ref": f"#/components/parameters/{name}"} for name in _shared_headers_of(route, operation)]


_SHARED_HEADERS: Final[Mapping[str, Parameter]] = {
    "If-Match": IF_MATCH,
    "If-None-Match": IF_NONE_MATCH,
    "Idempotency-Key": IDEMPOTENCY_KEY,
    "Patchbay-Reason": PATCHBAY_REASON,
    "traceparent": TRACEPARENT,
    "Patchbay-After": PATCHBAY_AFTER,
    "Request-Id": REQUEST_ID,
}


def _shared_headers_of(route: Route, operation: Operation) -> list[str]:
    has = {
        "If-Match": operation.if_match,
        "If-None-Match": operation.if_none_match,
        "Idempotency-Key": route.is_write and operation.takes_idempotency_key,
        "Patchbay-Reason": route.is_write,
        "traceparent": route.is_write,
        "Patchbay-After": not route.is_write and not route.public,
        "Request-Id": True,
    }
    return [name for name in _SHARED_HEADERS if has[name]]


def _parameter(place: str, name: str, parameter: Parameter) -> Schema:
    example = {} if parameter.example is None else {"example": parameter.example}
    required = {"required": True} if place == "path" else {}
    return {
        "name": name,
        "in": place,
        **required,
        "description": parameter.words,
        "schema": parameter.schema,
        **example,
    }


def _header(header: Parameter) -> Schema:
    example = {} if header.example is None else {"example": header.example}
    return {"description": header.words, "schema": header.schema, **example}


def _content(content: Content) -> Schema:
    example = {} if content.example is None else {"example": content.example}
    return {media_type: {"schema": content.schema, **example} for media_type in content.media_types}


def _responses(route: Route, operation: Operation) -> Schema:
    always = () if route.public else ("RateLimit-Policy", "RateLimit")
    written = ("Patchbay-Position",) if route.is_write and operation.takes_idempotency_key else ()
    headers = (*operation.answer_headers, *written)
    responses: dict[int, Schema] = {
        200: {
            "description": operation.answer_words,
            "headers": _headers(*headers, *always),
            "content": _content(_also_dry(operation.answer) if route.is_write else operation.answer),
            **({"links": _links(operation)} if operation.links else {}),
        }
    }
    if written:
        responses[202] = {
            "description": "In the log, and not visible by the deadline: `Location` tells what became of it.",
            "headers": _headers("Location", *always),
            "content": {"application/json": {"schema": ref("Pending")}},
        }
    if operation.if_none_match:
        responses[304] = {"description": "Not changed.", "headers": _headers(*operation.answer_headers, *always)}
    for status, refusal in refusals_of(failures_of(route, operation)).items():
        content = Content(schema=refusal.schema, example=refusal.example)
        responses[status] = {
            "description": refusal.words,
            "headers": _headers(*refusal.headers, *always),
            "content": _content(content),
        }
    for status, content in operation.other_answers.items():
        responses[status] = {
            "description": HTTPStatus(status).phrase,
            "headers": _headers(*always),
            "content": _content(content),
        }
    return {str(status): responses[status] for status in sorted(responses)}


def _also_dry(content: Content) -> Content:
    """Return the answer of a write: what it did, or with `dry_run=true` what it would do."""
    return msgspec.structs.replace(content, schema={"anyOf": [content.schema, ref("DryRun")]})


def _headers(*names: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("Request-Id", *names)}


def _links(operation: Operation) -> Schema:
    known = entries()
    return {
        name: {
            "operationId": known[link.to].name,
            "parameters": dict(link.parameters),
            **({"description": link.words} if link.words else {}),
        }
        for name, link in operation.links.items()
    }
