"""The header fields of requests and answers that more than one operation has."""

from collections.abc import Mapping
from typing import Final

from patchbay.api.description.operation import Parameter, Schema
from patchbay.api.description.values import CURSOR, POSITION_TOKEN
from patchbay.api.paging import DEFAULT_LIMIT, LARGEST_LIMIT, LARGEST_OFFSET

_TAG: Final = r'(?:W/)?"[!#-~]*"'
_ETAG_LIST: Final[Schema] = {
    "type": "string",
    "format": "entity-tags",
    "pattern": rf"^(?:\*|[ \t,]*{_TAG}(?:[ \t]*,[ \t]*(?:{_TAG})?)*)$",
}

IDEMPOTENCY_KEY: Final = Parameter(
    words=(
        "1 to 255 visible ASCII characters, bare or in double quotes. The same request with the same key gets the "
        "first one's effect and answer, as long as the log is kept; another request with it is 422."
    ),
    schema={"type": "string", "pattern": r'^(?:[!#-~][!-~]{0,254}|"(?:[!#-\[\]-~]|\\["\\]){1,255}")$'},
    example="7f9c2ba4-e88f-4b1e-9a3c-2d5e8f6a0b17",
)
IF_MATCH: Final = Parameter(
    words="Go on only if the assistant has one of these versions (strong comparison), or with `*` if it is there.",
    schema=_ETAG_LIST,
    example='"3"',
)
IF_NONE_MATCH: Final = Parameter(words="304 if this is the version still.", schema=_ETAG_LIST, example='"3"')
PATCHBAY_AFTER: Final = Parameter(
    words=(
        "The `Patchbay-Position` of an earlier write, or several, at most 32, with commas between them: the answer "
        "waits until they are visible to this read. "
        "503 `not_caught_up` if that takes longer than about four seconds."
    ),
    schema=POSITION_TOKEN,
)
PATCHBAY_REASON: Final = Parameter(
    words=(
        "Why, in 1 to 200 characters; goes into the event. Visible ASCII and blanks as they are; all else, and `%`, as "
        "UTF-8 in `%XX`."
    ),
    schema={"type": "string", "format": "reason", "pattern": "^(?:[ -$&-~]|%[0-9A-Fa-f]{2})+$"},
    example="Shorter greeting, ticket 4711",
)
REQUEST_ID: Final = Parameter(
    words="Names the request in answer and log; one that is too long or has odd characters is replaced.",
    schema={"type": "string"},
    example="order-4711-retry-2",
)
TRACEPARENT: Final = Parameter(
    words="W3C Trace Context; goes into the event. A malformed one is as none.",
    schema={"type": "string"},
    example="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)

# Parameters of a query that mean the same wherever they are known.
COMMON_QUERY: Final[Mapping[str, Parameter]] = {
    "limit": Parameter(
        words="How many at most.",
        schema={"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT},
        example=20,
    ),
    "cursor": Parameter(words="The `next_cursor` of the page before. Not with `offset`.", schema=CURSOR),
    "dry_run": Parameter(
        words="`true`: validate and decide it, tell what it would change, and write nothing.",
        schema={"type": "string", "enum": ["false", "true"], "default": "false"},
    ),
    "offset": Parameter(
        words="How many to pass over. Cursors are cheaper, and miss nothing when the list changes.",
        schema={"type": "integer", "minimum": 0, "maximum": LARGEST_OFFSET},
        example=0,
    ),
}

# Of answers, by name.
ANSWER_HEADERS: Final[Mapping[str, Parameter]] = {
    "Request-Id": Parameter(
        words="The name of the request.", schema={"type": "string"}, example="req_5c1a9f00000000000b"
    ),
    "ETag": Parameter(words="The version of the assistant, a strong tag.", schema={"type": "string"}, example='"3"'),
    "Patchbay-Position": Parameter(
        words="Stands for this write: send it as `Patchbay-After` with a GET that has to show it.",
        schema=POSITION_TOKEN,
    ),
    "RateLimit-Policy": Parameter(
        words="The limit of the key; absent if it has none.",
        schema={"type": "string"},
        example='"hourly";q=1000;w=3600',
    ),
    "RateLimit": Parameter(
        words="What is left of it, and after how many seconds some comes back.",
        schema={"type": "string"},
        example='"hourly";r=998;t=3540',
    ),
    "Retry-After": Parameter(words="Seconds.", schema={"type": "string", "pattern": "^[0-9]+$"}, example="1"),
    "Location": Parameter(
        words="Where to ask what became of the write.",
        schema={"type": "string", "pattern": "^/api/commands/cmd_[A-Za-z0-9_-]+$"},
    ),
    "WWW-Authenticate": Parameter(words="Send a key.", schema={"type": "string"}, example='Bearer realm="patchbay"'),
    "Accept": Parameter(words="The media types that would do.", schema={"type": "string"}, example="application/json"),
    "Accept-Patch": Parameter(
        words="The media types that would do.",
        schema={"type": "string"},
        example="application/json, application/merge-patch+json",
    ),
}
