"""From an answer as it came to its record, or to the error that it is."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec

from patchbay.client import errors
from patchbay.client.exchanging import Reply
from patchbay.client.records import Issue

T = TypeVar("T")

_KINDS: Final[Mapping[int, type[errors.Refused]]] = {
    HTTPStatus.UNAUTHORIZED: errors.Unauthorized,
    HTTPStatus.FORBIDDEN: errors.Forbidden,
    HTTPStatus.NOT_FOUND: errors.NotFound,
    HTTPStatus.CONFLICT: errors.Conflict,
    HTTPStatus.PRECONDITION_FAILED: errors.VersionMismatch,
    HTTPStatus.UNPROCESSABLE_ENTITY: errors.KeyReused,
    HTTPStatus.TOO_MANY_REQUESTS: errors.RateLimited,
    HTTPStatus.SERVICE_UNAVAILABLE: errors.Unavailable,
}
_SHOWN_ISSUES: Final = 5
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every failure."""

    success: bool
    error: str
    code: str
    issues: tuple[Issue, ...] = ()


def failure_of(reply: Reply) -> Failure | None:
    """Return what a failure says; None if this is no answer of Patchbay's."""
    try:
        failure = msgspec.json.decode(reply.body, type=Failure)
    except _UNREADABLE:
        return None
    return None if failure.success else failure


def decode(reply: Reply, kind: type[T]) -> T:
    """
    Return the body of a success.

    Raises:
        UnexpectedAnswer: It is something else.
    """
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except _UNREADABLE as error:
        raise errors.UnexpectedAnswer(
            f"The answer (status {reply.status}) is not what Patchbay's API says to this ({error}): "
            "check the address, or take a newer client.",
            status=reply.status,
            request_id=reply.headers.get("request-id"),
        ) from None


def refusal_of(reply: Reply, **facts: object) -> errors.PatchbayError:
    """Return the error that the answer is; `facts` are added to those that it tells."""
    failure = failure_of(reply)
    request_id = reply.headers.get("request-id")
    if failure is None:
        return errors.UnexpectedAnswer(
            f"What answered (status {reply.status}) is not Patchbay's API: check the address.",
            status=reply.status,
            request_id=request_id,
        )
    members: dict[str, Any] = msgspec.json.decode(reply.body)
    default = errors.InvalidRequest if reply.status < HTTPStatus.INTERNAL_SERVER_ERROR else errors.Unavailable
    kind = _KINDS.get(reply.status, default)
    return kind(
        _sentence(failure),
        status=reply.status,
        code=failure.code,
        issues=failure.issues,
        request_id=request_id,
        facts={**members, **facts},
    )


def _sentence(failure: Failure) -> str:
    issues = [f"{issue.path}: {issue.message}" if issue.path else issue.message for issue in failure.issues]
    if not issues:
        return failure.error
    more = len(issues) - _SHOWN_ISSUES
    return "; ".join(issues[:_SHOWN_ISSUES]) + (f"; and {more} more" if more > 0 else "")
