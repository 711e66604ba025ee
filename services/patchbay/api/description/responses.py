"""What is answered, by status: the success, what every read or write may answer beside it, and the refusals."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from patchbay.api.description.operation import Content, Key, Operation, Parameter, Schema
from patchbay.api.description.refusals import failures_of, refusals_of
from patchbay.api.description.schemas import ref
from patchbay.api.routes import Route


def responses_of(route: Route, operation: Operation, names: Mapping[Key, str]) -> Schema:
    """
    Return every answer that the operation has, by status.

    Args:
        route: Which tells what every read or write of its kind has.
        operation: Which tells the rest.
        names: Of the operations that links lead to.
    """
    always = () if route.public else ("RateLimit-Policy", "RateLimit")
    written = ("Patchbay-Position",) if route.is_write and operation.takes_idempotency_key else ()
    headers = (*operation.answer_headers, *written)
    responses: dict[int, Schema] = {
        200: {
            "description": operation.answer_words,
            "headers": _headers(*headers, *always),
            "content": content_of(_also_dry(operation.answer) if route.is_write else operation.answer),
            **({"links": _links(operation, names)} if operation.links else {}),
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
            "content": content_of(content),
        }
    for status, content in operation.other_answers.items():
        responses[status] = {
            "description": HTTPStatus(status).phrase,
            "headers": _headers(*always),
            "content": content_of(content),
        }
    return {str(status): responses[status] for status in sorted(responses)}


def _also_dry(content: Content) -> Content:
    """Return the answer of a write: what it did, or with `dry_run=true` what it would do."""
    return msgspec.structs.replace(content, schema={"anyOf": [content.schema, ref("DryRun")]})


def _headers(*names: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("Request-Id", *names)}


def _links(operation: Operation, names: Mapping[Key, str]) -> Schema:
    return {
        name: {
            "operationId": names[link.to],
            "parameters": dict(link.parameters),
            **({"description": link.words} if link.words else {}),
        }
        for name, link in operation.links.items()
    }


def content_of(content: Content) -> Schema:
    """Return a body, by media type."""
    example = {} if content.example is None else {"example": content.example}
    return {media_type: {"schema": content.schema, **example} for media_type in content.media_types}


def header_of(header: Parameter) -> Schema:
    """Return a header field of answers."""
    example = {} if header.example is None else {"example": header.example}
    return {"description": header.words, "schema": header.schema, **example}
