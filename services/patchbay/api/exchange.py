"""One request on its way to its answer: what is known of it so far."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from aiohttp.web import BaseRequest

from patchbay.api.authorization import NOBODY
from patchbay.api.connection import Connection
from patchbay.api.errors import InvalidRequest
from patchbay.api.routes import UNROUTED
from patchbay.assistants.errors import Issue

if TYPE_CHECKING:
    from patchbay.api.backend import Backend
    from patchbay.api.writing.rehearsing import Rehearsal

_QUERY_CHARACTERS = 4_000
# Control characters, ends of lines, and what was no UTF-8. Whether Unicode knows a character yet, nobody needs to know.
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOTHING: Mapping[str, str] = {}


class Exchange:
    """A request, who sent it, what its handler may use, and what an error's answer is to add."""

    __slots__ = (
        "_deadline",
        "arguments",
        "backend",
        "command_account",
        "failure_facts",
        "is_dry_run",
        "path",
        "principal",
        "query",
        "rate_fields",
        "rehearsals",
        "releases",
        "request",
        "route",
    )

    def __init__(self, request: BaseRequest, backend: "Backend", path: str, deadline: float) -> None:
        self.request = request
        self.backend = backend
        self.route = UNROUTED
        self.principal = NOBODY
        self.path = path  # as it came, percent-encoded
        self._deadline = deadline
        self.arguments: tuple[str, ...] = ()  # of the path
        self.query = _NOTHING
        self.rate_fields = ""
        self.command_account: str | None = None  # who may ask for the command's status; None: operators
        self.releases: str | None = None  # the number whose release the command under way only begins
        self.failure_facts: Mapping[str, object] | None = None
        self.is_dry_run = False
        self.rehearsals: list[Rehearsal] = []  # of a dry run: what it would have written so far

    @property
    def deadline(self) -> float:
        """Loop time by which there is an answer. How long a body took that came slowly is the client's affair."""
        connection = self.request.protocol
        if isinstance(connection, Connection) and connection.body_ended_at:
            return max(self._deadline, connection.body_ended_at + self.backend.write_seconds)
        return self._deadline


def parse_query(text: str, known: frozenset[str]) -> Mapping[str, str]:
    """
    Return the query's parameters.

    Raises:
        InvalidRequest: A parameter that the operation does not know, or one given twice.
    """
    if len(text) > _QUERY_CHARACTERS:
        raise InvalidRequest([Issue(path="query", code="too_long", message=f"at most {_QUERY_CHARACTERS} characters")])
    query: dict[str, str] = {}
    issues: list[Issue] = []
    for name, value in parse_qsl(text, keep_blank_values=True, errors="surrogateescape"):
        shown = name.encode("ascii", "backslashreplace").decode()[:100]
        if name not in known:
            issues.append(Issue(path=shown, code="unknown_parameter", message="is not a parameter of this operation"))
        elif name in query:
            issues.append(Issue(path=shown, code="duplicate_parameter", message="is given twice"))
        elif _UNREADABLE.search(value):
            issues.append(Issue(path=shown, code="malformed", message="holds characters that cannot be here"))
        else:
            query[name] = value
    if issues:
        raise InvalidRequest(issues)
    return query
