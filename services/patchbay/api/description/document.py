"""The whole document: every route with its entry, the schemas that they share, and what holds for all."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from patchbay.api.description import (
    accounts,
    assistant_lifecycle,
    assistant_lists,
    assistants,
    audit,
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
from patchbay.api.description.header_fields import ANSWER_HEADERS
from patchbay.api.description.operation import Content, Key, Operation, Schema, Undescribed
from patchbay.api.description.parameters import SHARED_HEADERS, parameter_of, parameters_of
from patchbay.api.description.refusals import DRY_RUN, FAILURE, ISSUE
from patchbay.api.description.responses import content_of, header_of, responses_of
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
    audit,
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
records snake_case. Times are ISO 8601, UTC, six digits. Formats other than `date` and `date-time` are Patchbay's own:
they say of a text what no pattern can.
"""


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
    names = {key: operation.name for key, operation in known.items()}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation = known.pop((route.method, route.path), None)
        if operation is None:
            raise Undescribed(f"{route.method} {route.path} has no entry in services/patchbay/api/description")
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, operation, names)
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
            "parameters": {name: parameter_of("header", name, header) for name, header in SHARED_HEADERS.items()},
            "headers": {name: header_of(header) for name, header in ANSWER_HEADERS.items()},
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


def _operation(route: Route, operation: Operation, names: Mapping[Key, str]) -> Schema:
    body = {}
    if operation.body is not None:
        content = Content(
            schema=ref(_name_of_body(operation)),
            example=operation.body.example,
            media_types=operation.body.media_types,
        )
        body = {"requestBody": {"required": True, "content": content_of(content)}}
    words = [operation.words, "For operators' keys only." if route.operators_only else ""]
    return {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": "\n\n".join(part for part in words if part) or operation.summary,
        "security": [] if route.public else [{"key": [route.scope] if route.scope else []}],
        "parameters": parameters_of(route, operation),
        **body,
        "responses": responses_of(route, operation, names),
    }


def _name_of_body(operation: Operation) -> str:
    return operation.name[0].upper() + operation.name[1:]
