"""What the answers that are no success look like: one schema, with each operation's own codes by status."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from patchbay.api import errors, failures
from patchbay.api.description.operation import Operation, Schema
from patchbay.api.description.schemas import members, ref
from patchbay.api.description.values import ASSISTANT, ASSISTANT_ID, NUMBER, NUMBER_ID
from patchbay.api.routes import Route
from patchbay.api.writing import outcomes
from patchbay.assistants import rejections
from patchbay.assistants.templates import TEMPLATE_IDS

FAILURE: Final[Schema] = {
    "description": "Why a request was refused. `code` is stable, `error` is for people.",
    **members(
        success={"const": False},
        error={"type": "string", "description": "A sentence: what happened, why, what to do."},
        code={"type": "string", "pattern": "^[a-z0-9_]+$"},
        status={"type": "integer", "description": "The status of the answer."},
    ),
}
ISSUE: Final[Schema] = {
    "description": "One thing that is wrong with a request, or worth a warning.",
    **members(
        path={
            "type": "string",
            "description": "Which field or parameter: `temperature`, `phoneNumberIds[2]`; empty: all of it.",
        },
        code={"type": "string", "pattern": "^[a-z0-9_]+$", "description": "Stable."},
        message={"type": "string", "description": "A sentence for people."},
    ),
}
DRY_RUN: Final[Schema] = {
    "description": (
        "What a write with `dry_run=true` would do: what it would change, beside the members of its own answer. What "
        "only the real one gives (a new id, a secret, the time) is null or absent in them."
    ),
    "additionalProperties": True,
    **members(
        success={"const": True},
        dry_run={"const": True},
        changes={
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "from", "to"],
                "properties": {
                    "field": {"type": "string"},
                    "from": {"description": "What it is."},
                    "to": {"description": "What it would be."},
                    "assistant_id": {"type": "string", "description": "Whose, if not of the record that is shown."},
                    "key_id": {"type": "string", "description": "The same of a key."},
                },
            },
        },
    ),
}

_ISSUES: Final[Schema] = {"issues": {"type": "array", "items": ref("Issue"), "minItems": 1}}
_COMMAND: Final[Schema] = {"command": members(id={"type": "string", "format": "command"})}
_TAKEN: Final[Schema] = members(
    phone_number_id=NUMBER_ID, assistant_id=ASSISTANT_ID, assistant_name={"type": ["string", "null"]}
)
# What `facts` of failures.TABLE adds to the body, by error.
FACTS: Final[Mapping[type[Exception], Schema]] = {
    errors.InvalidRequest: _ISSUES,
    errors.MissingScope: {"scope": {"type": "string", "description": "The scope that would do."}},
    rejections.InboundNeedsNumber: {"assistant_id": ASSISTANT_ID},
    rejections.AmbiguousName: {"assistant_ids": {"type": "array", "items": ASSISTANT_ID, "minItems": 2}},
    rejections.NameInUse: {"assistant_id": ASSISTANT_ID, "current_version": {"type": "integer", "minimum": 1}},
    rejections.TypeDiffers: {"assistant_id": ASSISTANT_ID, "type": {"type": "string"}},
    rejections.NumberNotFound: {"phone_number_ids": {"type": "array", "items": NUMBER_ID}},
    rejections.NumberTaken: {
        "assistant_id": {**ASSISTANT_ID, "description": "Who holds the first of them."},
        "taken": {"type": "array", "items": _TAKEN, "minItems": 1},
    },
    rejections.ModelOfAnotherProvider: {
        "field": {"type": "string", "enum": ["model", "voice_model", "transcriptor_model"]},
        "provider": {"type": "string", "description": "Whose the model is."},
    },
    rejections.VersionMismatch: {
        "current_version": {"type": "integer", "minimum": 1},
        "differing_fields": {
            "type": ["array", "null"],
            "items": {"type": "string"},
            "description": "What changed since the version that the client knows; null if that cannot be told.",
        },
    },
    rejections.ProviderGone: {
        "field": {"type": "string", "enum": ["provider", "voice_provider", "transcriptor_provider"]},
        "provider": {"type": "string", "description": "Who is gone."},
    },
    rejections.VersionNotFound: {"version": {"type": "integer", "minimum": 1}},
    rejections.AmbiguousName: {"assistant_ids": {"type": "array", "items": ASSISTANT_ID, "minItems": 2}},
    rejections.TypeDiffers: {"assistant_id": ASSISTANT_ID, "type": {"type": "string", "enum": list(TEMPLATE_IDS)}},
    rejections.InboundNeedsNumber: {"assistant_id": ASSISTANT_ID},
    rejections.NameInUse: {"assistant_id": ASSISTANT_ID, "current_version": {"type": "integer", "minimum": 1}},
    outcomes.OutcomeUnknown: _COMMAND,
}
# Members of an error's real answer, where they make it clearer.
_EXAMPLES: Final[Mapping[type[Exception], Mapping[str, object]]] = {
    errors.InvalidRequest: {
        "error": "temperature: This field must be between 0.0 and 2.0.",
        "issues": [
            {"path": "temperature", "code": "out_of_range", "message": "This field must be between 0.0 and 2.0."}
        ],
    },
    errors.Unauthorized: {"error": "Unauthorized"},
    errors.MissingScope: {
        "error": "The key lacks the scope assistants:write.",
        "scope": "assistants:write",
    },
    rejections.NumberTaken: {
        "error": (
            f"Phone number {NUMBER} is held by assistant 'Sales Agent' ({ASSISTANT}); "
            "set reassign to true to take it away from there."
        ),
        "assistant_id": ASSISTANT,
        "taken": [{"phone_number_id": NUMBER, "assistant_id": ASSISTANT, "assistant_name": "Sales Agent"}],
    },
    rejections.VersionMismatch: {
        "error": f"Assistant {ASSISTANT} is at version 4, not 3.",
        "current_version": 4,
        "differing_fields": ["system_prompt"],
    },
}
_HEADERS: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("WWW-Authenticate",),
    415: ("Accept", "Accept-Patch"),
    429: ("Retry-After",),
    503: ("Retry-After", "Location"),
}
_WORDS: Final[Mapping[int, str]] = {
    400: "Wrong whatever the state: every issue is named.",
    401: "No key, or none that is in force.",
    403: "The key is in force, and this is not for it.",
    404: "Not there, or not the account's.",
    409: "Contradicts the state.",
    412: "`If-Match` does not hold.",
    413: "The body is too large.",
    415: "The body's media type is not read here.",
    422: "The `Idempotency-Key` stands for another request.",
    429: "Too many: `Retry-After` says when to come back.",
    503: "Not now; what became of a write, `code` tells.",
}
# Of every request, of every request with a key, of every body, of every write, of every read.
_ALWAYS: Final = (errors.InvalidRequest, errors.MalformedHttp, errors.NoRoom, errors.Overdue)
_WITH_KEY: Final = (errors.Unauthorized, errors.TooManyRequests, errors.KeysUnreadable)
_WITH_BODY: Final = (errors.BodyTooLarge, errors.UnsupportedMediaType)
_OF_WRITES: Final = (
    errors.TooManyWrites,
    outcomes.Contended,
    outcomes.Quarantined,
    outcomes.KeyReused,
    outcomes.OutcomeUnknown,
)
_OF_READS: Final = (errors.NotCaughtUp,)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """One status that is no success."""

    words: str
    headers: tuple[str, ...]
    schema: Schema
    example: Mapping[str, object]


def failures_of(route: Route, operation: Operation) -> tuple[type[Exception], ...]:
    """Return every failure of the operation: its own, and those that follow from its route."""
    found: tuple[type[Exception], ...] = _ALWAYS
    if not route.public:
        found += _WITH_KEY
        if route.scope:
            found += (errors.MissingScope,)
        if route.operators_only:
            found += (errors.OperatorsOnly,)
        if not route.is_write:
            found += _OF_READS
    if operation.body is not None:
        found += _WITH_BODY
    if route.is_write and operation.takes_idempotency_key:
        found += _OF_WRITES
    if operation.if_match:
        found += (rejections.VersionMismatch,)
    elif route.is_write and operation.takes_idempotency_key:
        found += (errors.NoVersion,)
    return found + operation.failures


def refusals_of(kinds: Iterable[type[Exception]]) -> Mapping[int, Refusal]:
    """Return the answers that these failures have, by status."""
    by_status: dict[int, dict[str, type[Exception]]] = {}
    for kind in kinds:
        failure = failures.TABLE[kind]
        by_status.setdefault(failure.status, {})[failure.code or getattr(kind, "code", "")] = kind
    return {
        status: Refusal(
            words=_WORDS[status],
            headers=_HEADERS.get(status, ()),
            schema=_schema(status, by_code),
            example=_example(status, by_code),
        )
        for status, by_code in sorted(by_status.items())
    }


def _schema(status: int, by_code: Mapping[str, type[Exception]]) -> Schema:
    own: dict[str, object] = {"status": {"const": status}, "code": {"enum": sorted(by_code)}}
    for kind in by_code.values():
        own |= FACTS.get(kind, {})
    return {"allOf": [ref("Failure"), {"properties": own}]}


def _example(status: int, by_code: Mapping[str, type[Exception]]) -> Mapping[str, object]:
    code, kind = next(iter(by_code.items()))
    sentence = failures.TABLE[kind].sentence or f"{_WORDS[status]}"
    return {"success": False, "error": sentence, "code": code, "status": status, **_EXAMPLES.get(kind, {})}
