"""Holds every answer that a contract test gets against docs/openapi.yaml, so that the file cannot lie."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import jsonschema_rs
import yaml
from multidict import CIMultiDict, CIMultiDictProxy
from schemas.generate import OPENAPI

from patchbay.api.application import ROUTES
from patchbay.api.errors import MethodNotAllowed, NotFound
from patchbay.api.routes import Route, RouteTable

Schema = dict[str, Any]

DOCUMENT: Final[Schema] = yaml.load(OPENAPI.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
_TABLE: Final = RouteTable(ROUTES)
_HTTPS_OWN: Final = frozenset(  # what every answer may have, described or not
    {
        *("Cache-Control", "Connection", "Content-Length", "Content-Type", "Date", "Transfer-Encoding"),
        *("Content-Security-Policy", "Referrer-Policy", "X-Accel-Buffering", "X-Content-Type-Options"),
    }
)
_OPEN: Final = "Failure"  # the one schema that others add members to


class Undescribed(AssertionError):
    """An answer is not as the document says."""


def check_answer(
    method: str,
    path: str,
    sent: bytes | None = None,
    *,
    status: int,
    headers: CIMultiDictProxy[str] | CIMultiDict[str],
    body: bytes,
) -> None:
    """
    Compare one answer with what is described for its operation.

    Args:
        method: Of the request.
        path: With its query.
        sent: The body of the request; one that was taken must fit its own schema too.
        status: Of the answer.
        headers: Of the answer.
        body: Of the answer.

    Raises:
        Undescribed: The status, a header field, the media type, a member or a value is another one.
    """
    try:
        route, _ = _TABLE.find(method, path.partition("?")[0])
    except (NotFound, MethodNotAllowed):
        _check("no operation", _failure(), body)  # it has the shape of every failure
        return
    where = f"{method} {route.path} {status}"
    response = _response(route, status)
    if response is None:
        raise Undescribed(f"{where} is not described")
    surplus = {name for name in headers if name.title() not in _titles(response["headers"])} - _HTTPS_OWN
    if surplus:
        raise Undescribed(f"{where} has the header fields {sorted(surplus)}, which are not described")
    if method != "HEAD" and "content" in response:
        media_type = headers["Content-Type"]
        if media_type not in response["content"]:
            raise Undescribed(f"{where} is {media_type}, which is not described")
        if media_type == "application/json":
            is_dry = route.is_write and status == 200 and json.loads(body).get("dry_run") is True
            _check(where, _dry_answer(route) if is_dry else _answer(route, status), body)
    if sent is not None and status < 300 and "requestBody" in _operation(route):
        _check(f"{where}: the request", _request(route), sent)


def _titles(headers: Mapping[str, Any]) -> set[str]:
    return {name.title() for name in headers}


def _operation(route: Route) -> Schema:
    found: Schema = DOCUMENT["paths"][route.path][route.method.lower()]
    return found


def _response(route: Route, status: int) -> Schema | None:
    found: Schema | None = _operation(route)["responses"].get(str(status))
    if found is not None and "$ref" in found:
        found = DOCUMENT["components"]["responses"][found["$ref"].rpartition("/")[2]]
    return found


def _check(where: str, validator: jsonschema_rs.Validator, body: bytes) -> None:
    problems = [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(json.loads(body))]
    if problems:
        raise Undescribed(f"{where} is not as described: {problems}: {body.decode()}")


@cache
def _failure() -> jsonschema_rs.Validator:
    return _validator({"allOf": [{"$ref": "#/components/schemas/Failure"}]})


@cache
def _answer(route: Route, status: int) -> jsonschema_rs.Validator:
    response = _response(route, status) or {}
    return _validator(_closed(response["content"]["application/json"]["schema"]))


@cache
def _dry_answer(route: Route) -> jsonschema_rs.Validator:
    """A dry run's answer has the members of the real one, any of which may be null or absent, and no others."""
    response = _response(route, 200) or {}
    real, _ = response["content"]["application/json"]["schema"]["anyOf"]
    dry = DOCUMENT["components"]["schemas"]["DryRun"]
    members = {**_loosened(real)["properties"], **dry["properties"]}
    return _validator({**dry, "properties": members, "additionalProperties": False})


def _loosened(schema: Schema) -> Schema:
    if "$ref" in schema:
        return _loosened(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "properties" not in schema:
        return schema
    members = {name: {"anyOf": [_loosened(part), {"type": "null"}]} for name, part in schema["properties"].items()}
    return {"type": "object", "properties": members, "additionalProperties": False}


@cache
def _request(route: Route) -> jsonschema_rs.Validator:
    return _validator(_operation(route)["requestBody"]["content"]["application/json"]["schema"])


def _validator(schema: Schema) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator(schema | {"components": _components()}, validate_formats=True)


@cache
def _components() -> Schema:
    schemas = DOCUMENT["components"]["schemas"]
    return {"schemas": {name: schema if name == _OPEN else _closed(schema) for name, schema in schemas.items()}}


def _closed(schema: Any, *, is_whole: bool = True) -> Any:
    """Return the schema without any further members: clients must bear them, we must not send them."""
    if not isinstance(schema, dict):
        return schema
    closed = dict(schema)
    if "properties" in schema:
        closed["properties"] = {member: _closed(part) for member, part in schema["properties"].items()}
    if "items" in schema:
        closed["items"] = _closed(schema["items"])
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            closed[name] = [_closed(part, is_whole=name != "allOf") for part in schema[name]]
    names_members = "properties" in schema or "allOf" in schema
    if is_whole and names_members and "additionalProperties" not in schema:
        closed["unevaluatedProperties"] = False
    return closed
