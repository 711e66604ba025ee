"""
The one table from what went wrong to the status that says so.

Every error has the shape `{"success": false, "error", "code", "status", …}`. What is not in the table is a fault of
ours: it is logged, and the client learns no more than that.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from patchbay.api import errors
from patchbay.api.answers import encode
from patchbay.api.wire import Answer
from patchbay.api.writing import outcomes
from patchbay.assistants import rejections
from patchbay.assistants.errors import InvalidBody
from patchbay.postgres import DATABASE_FAILURES

_RETRY_SOON_SECONDS = 1
_RETRY_STREAM_SECONDS = 5  # until one has ended, or another copy is found
_RETRY_LATER_SECONDS = 60  # an operator is needed


class Failure(msgspec.Struct, frozen=True):
    """How one kind of error is answered. Without a `code` or `sentence` the error's own is used."""

    status: int
    code: str = ""
    sentence: str = ""
    facts: Callable[[Any], Mapping[str, object]] = lambda _: {}  # further members of the body
    fields: Callable[[Any], Mapping[str, str]] = lambda _: {}  # header fields
    closes: bool = False


def _retry(seconds: int) -> Callable[[Any], Mapping[str, str]]:
    return lambda _: {"Retry-After": str(seconds)}


def _accepted_types(error: errors.UnsupportedMediaType) -> Mapping[str, str]:
    return {"Accept-Patch" if len(error.accepted) > 1 else "Accept": ", ".join(error.accepted)}


TABLE: Final[Mapping[type[Exception], Failure]] = {
    # The request itself.
    errors.InvalidRequest: Failure(400, facts=lambda e: {"issues": e.issues}),
    InvalidBody: Failure(400, "invalid_request", facts=lambda e: {"issues": e.issues}),
    errors.MalformedHttp: Failure(400, closes=True),
    errors.Unauthorized: Failure(401, fields=lambda _: {"WWW-Authenticate": 'Bearer realm="patchbay"'}),
    errors.OtherAccount: Failure(403),
    errors.MissingScope: Failure(403, facts=lambda e: {"scope": e.scope}),
    errors.OperatorsOnly: Failure(403),
    errors.BeyondOwnPower: Failure(403),
    errors.NotFound: Failure(404),
    errors.MethodNotAllowed: Failure(405, fields=lambda e: {"Allow": ", ".join(e.allowed)}),
    errors.NoVersion: Failure(412),
    errors.Unfinished: Failure(503, fields=_retry(_RETRY_SOON_SECONDS)),
    errors.BodyTooLarge: Failure(413, closes=True),
    errors.UnsupportedMediaType: Failure(415, fields=_accepted_types),
    errors.TooManyRequests: Failure(429, fields=lambda e: {"Retry-After": str(e.retry_after_seconds)}),
    errors.TooManyWrites: Failure(429, fields=lambda e: {"Retry-After": str(e.retry_after_seconds)}),
    errors.TooManyStreams: Failure(429, fields=_retry(_RETRY_STREAM_SECONDS)),
    errors.NoMoreStreams: Failure(503, fields=_retry(_RETRY_STREAM_SECONDS)),
    errors.NoRoom: Failure(503, fields=_retry(_RETRY_SOON_SECONDS), closes=True),
    errors.Overdue: Failure(503, fields=_retry(_RETRY_SOON_SECONDS)),
    errors.WriteOverdue: Failure(503, fields=_retry(_RETRY_SOON_SECONDS)),
    errors.SnapshotsBusy: Failure(503, fields=_retry(_RETRY_SOON_SECONDS)),
    errors.NotCaughtUp: Failure(503, fields=_retry(_RETRY_SOON_SECONDS)),
    errors.KeysUnreadable: Failure(503, fields=_retry(_RETRY_SOON_SECONDS)),
    # What the domain says.
    rejections.AccountNotOpened: Failure(404),
    rejections.AssistantNotFound: Failure(404),
    rejections.KeyNotFound: Failure(404),
    rejections.KeyNotInForce: Failure(409),
    rejections.NumberNotFound: Failure(404, facts=lambda e: {"phone_number_ids": e.number_ids}),
    rejections.AccountExists: Failure(409),
    rejections.AmbiguousName: Failure(409, facts=lambda e: {"assistant_ids": e.assistant_ids}),
    rejections.TypeDiffers: Failure(409, facts=lambda e: {"assistant_id": e.assistant_id, "type": e.type}),
    rejections.InboundNeedsNumber: Failure(409, facts=lambda e: {"assistant_id": e.assistant_id}),
    rejections.NumberTaken: Failure(
        409,
        facts=lambda e: {
            "assistant_id": e.assistant_id,
            "taken": [
                {"phone_number_id": t.number_id, "assistant_id": t.assistant_id, "assistant_name": t.assistant_name}
                for t in e.taken
            ],
        },
    ),
    rejections.NumberOwnedElsewhere: Failure(409),
    rejections.FallbackToItself: Failure(409),
    rejections.ModelOfAnotherProvider: Failure(409, facts=lambda e: {"field": e.field, "provider": e.belongs_to}),
    rejections.NameInUse: Failure(
        412, facts=lambda e: {"assistant_id": e.assistant_id, "current_version": e.current_version}
    ),
    rejections.NothingToMatch: Failure(412),
    rejections.ProviderGone: Failure(409, facts=lambda e: {"field": e.field, "provider": e.provider}),
    rejections.VersionNotFound: Failure(404, facts=lambda e: {"version": e.version}),
    rejections.VersionMismatch: Failure(412, facts=lambda e: {"current_version": e.current_version}),
    # What became of a write. Those that are not settled are answered by `unsettled`.
    outcomes.Unavailable: Failure(503, "unavailable", fields=_retry(_RETRY_SOON_SECONDS)),
    outcomes.Contended: Failure(
        503,
        "contended",
        "Other writers were faster each time; nothing took effect. Send it again.",
        fields=_retry(_RETRY_SOON_SECONDS),
    ),
    outcomes.Quarantined: Failure(
        503, "quarantined", "This part of the data needs an operator.", fields=_retry(_RETRY_LATER_SECONDS)
    ),
    outcomes.KeyReused: Failure(422, "idempotency_key_reused", "This Idempotency-Key stands for another request."),
    outcomes.Pending: Failure(202, "pending"),
    outcomes.OutcomeUnknown: Failure(
        503,
        "outcome_unknown",
        "It may still take effect: ask at Location, or send it again with the same Idempotency-Key.",
        fields=_retry(_RETRY_SOON_SECONDS),
    ),
}

_UNREACHABLE: Final = Failure(
    503, "unavailable", "The database is out of reach at the moment.", fields=_retry(_RETRY_SOON_SECONDS)
)
OURS: Final = Failure(500, "internal_error", "Something went wrong here; it has been logged.")


def failure_of(error: Exception) -> Failure:
    """Return how this error is answered; `OURS` if nobody has foreseen it."""
    found = TABLE.get(type(error))
    if found is not None:
        return found
    return _UNREACHABLE if isinstance(error, DATABASE_FAILURES) else OURS


def answer_failure(error: Exception, more_facts: Mapping[str, object] | None = None, more_fields: str = "") -> Answer:
    """
    Return the answer to a request that failed.

    Args:
        error: What was raised.
        more_facts: Further members of the body.
        more_fields: Further header fields, each with its line end.
    """
    failure = failure_of(error)
    code = failure.code or getattr(error, "code", "internal_error")
    body = {
        "success": False,
        "error": failure.sentence or str(error),
        "code": code,
        "status": failure.status,
        **failure.facts(error),
        **(more_facts or {}),
    }
    fields = "".join([f"{name}: {value}\r\n" for name, value in failure.fields(error).items()])
    fields += more_fields
    return Answer(status=failure.status, body=encode(body), fields=fields, code=code, closes=failure.closes)


def unsettled(error: outcomes.Unsettled, token: str) -> Answer:
    """Return the answer to a write without a verdict: where to ask for it."""
    location = f"Location: /api/commands/{token}\r\n"
    if isinstance(error, outcomes.Pending):
        command = {"id": token, "status": "pending", "waiting_for": error.waiting_for}
        return Answer(
            status=202,
            body=encode({"success": True, "pending": True, "command": command}),
            fields=location,
            code="pending",
        )
    return answer_failure(error, {"command": {"id": token}}, location)
