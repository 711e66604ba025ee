"""What a request may say beside its body: parameters of the path, of the query, and header fields."""

from collections.abc import Mapping
from typing import Final

from patchbay.api.description.header_fields import (
    COMMON_QUERY,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    PATCHBAY_AFTER,
    PATCHBAY_REASON,
    REQUEST_ID,
    TRACEPARENT,
)
from patchbay.api.description.operation import Operation, Parameter, Schema, Undescribed
from patchbay.api.routes import Route


def parameters_of(route: Route, operation: Operation) -> list[Schema]:
    """
    Return the operation's parameters: its own in full, those of many operations as references.

    Raises:
        Undescribed: A parameter is on one side only.
    """
    named = {segment[1:-1] for segment in route.path.split("/") if segment.startswith("{")}
    if named != operation.path.keys():
        raise Undescribed(f"{route.method} {route.path}: described path parameters are {sorted(operation.path)}")
    query = {name: operation.query.get(name) or COMMON_QUERY.get(name) for name in sorted(route.known_query)}
    lacking = sorted({name for name, parameter in query.items() if parameter is None} | operation.query.keys() - query)
    if lacking:
        raise Undescribed(f"{route.method} {route.path}: {lacking} are on one side only")
    found = [parameter_of("path", name, parameter) for name, parameter in operation.path.items()]
    found += [parameter_of("query", name, parameter) for name, parameter in query.items() if parameter is not None]
    found += [parameter_of("header", name, parameter) for name, parameter in operation.headers.items()]
    return found + [{"$ref": f"#/components/parameters/{name}"} for name in _shared_headers_of(route, operation)]


SHARED_HEADERS: Final[Mapping[str, Parameter]] = {
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
    return [name for name in SHARED_HEADERS if has[name]]


def parameter_of(place: str, name: str, parameter: Parameter) -> Schema:
    """Return the parameter of this name, which stands in the path, the query or the header."""
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
