"""What is told of one operation beside what its route and its types say already."""

from collections.abc import Mapping
from typing import Any

import msgspec

Schema = Mapping[str, Any]
Key = tuple[str, str]  # method and path of a route


class Undescribed(Exception):
    """Routes and entries do not match."""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A body: its schema, and one that is real."""

    schema: Schema
    example: object = None
    media_types: tuple[str, ...] = ("application/json",)


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a path, of a query or of a header field."""

    words: str
    schema: Schema
    example: object = None


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """What can be done next with what the answer tells."""

    to: Key
    parameters: Mapping[str, str]  # OpenAPI runtime expressions, by parameter
    words: str = ""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """
    One operation, in words.

    What follows from the route alone is not repeated here: the key and its scope, the limit, the header fields and
    failures that every read or every write has.
    """

    tag: str
    name: str  # operationId: lower camel case, stable
    summary: str
    words: str = ""
    path: Mapping[str, Parameter] = {}  # every "{name}" of the route's path
    query: Mapping[str, Parameter] = {}  # those of the route's parameters that COMMON_QUERY does not know
    headers: Mapping[str, Parameter] = {}  # further header fields of the request
    body: Content | None = None  # of the request
    answer: Content
    answer_words: str = "Done."
    answer_headers: tuple[str, ...] = ()  # further ones, of ANSWER_HEADERS
    other_answers: Mapping[int, Content] = {}  # successes, or answers of another shape, by status
    failures: tuple[type[Exception], ...] = ()  # those of failures.TABLE that are this operation's own
    if_match: bool = False  # PATCH and the like: goes on only at a version
    if_none_match: bool = False  # GET: may answer 304
    takes_idempotency_key: bool = True  # of a write: it appends, and a repetition finds what it appended
    links: Mapping[str, Link] = {}
