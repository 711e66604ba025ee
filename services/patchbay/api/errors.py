"""
Why a request is refused before, or beside, the domain's own rejections.

RefusedRequest
├── InvalidRequest         wrong whatever the state; `.issues` has every fault
├── MalformedHttp          not even a request
├── Unauthorized           no key, or none that is known and in force
├── Forbidden              .code tells which
│   ├── OtherAccount       the id or slug of another account
│   ├── MissingScope       the key may not do this
│   └── BeyondOwnPower     a key may not issue one that can do more than itself
├── NotFound               no such path, or nothing has this id
├── MethodNotAllowed       .allowed
├── NoVersion              If-Match, and nothing that has a version
├── Unfinished             a release is half done; a repetition goes on
├── BodyTooLarge
├── UnsupportedMediaType
├── TooManyRequests        .retry_after_seconds
├── TooManyWrites          of the account; .retry_after_seconds
├── TooManyStreams         the key follows the events as often as it may
├── NoMoreStreams          so does this process
├── SnapshotsBusy          as many snapshots as may be are under way
├── NoRoom                 as many connections as may be are open
├── Overdue                no answer could be made in time
├── WriteOverdue           so it is with a write, which may still take effect
├── NotCaughtUp            a projection has not passed the position of Patchbay-After in time
└── KeysUnreadable         whether the key is in force cannot be told
"""

from collections.abc import Sequence
from typing import ClassVar

from patchbay.assistants.errors import Issue


class RefusedRequest(Exception):
    """The request is not carried out."""

    code: ClassVar[str] = "refused"


class InvalidRequest(RefusedRequest):
    """The request is wrong whatever the state."""

    code = "invalid_request"

    def __init__(self, issues: Sequence[Issue]) -> None:
        first = issues[0]
        more = "" if len(issues) == 1 else f" ({len(issues) - 1} more in issues)"
        super().__init__((f"{first.path}: {first.message}" if first.path else first.message) + more)
        self.issues = tuple(issues)


class MalformedHttp(RefusedRequest):
    """What came over the connection is not HTTP."""

    code = "malformed_http"

    def __init__(self) -> None:
        super().__init__("This is not a well-formed HTTP request.")


class Unauthorized(RefusedRequest):
    """No key was sent, or none that is known and in force: which of these is nobody's business."""

    code = "unauthorized"

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class Forbidden(RefusedRequest):
    """The key is in force, and this is not for it."""

    code = "forbidden"


class OtherAccount(Forbidden):
    """The id or slug of another account."""

    code = "other_account"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} belongs to another account than the key.")


class MissingScope(Forbidden):
    """The key lacks the scope."""

    code = "missing_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(f"The key lacks the scope {scope}.")
        self.scope = scope


class OperatorsOnly(Forbidden):
    """Only an operator's key may do this."""

    code = "operators_only"

    def __init__(self) -> None:
        super().__init__("Only an operator's key may do this.")


class BeyondOwnPower(Forbidden):
    """A key may not issue one that can do more than itself."""

    code = "beyond_own_power"

    def __init__(self, what: str) -> None:
        super().__init__(f"A key cannot issue one with {what} than its own.")


class NotFound(RefusedRequest):
    """No such path, or nothing has this id."""

    code = "not_found"


class MethodNotAllowed(RefusedRequest):
    """The path exists, and knows other methods."""

    code = "method_not_allowed"

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{method} is not allowed here; allowed: {', '.join(allowed)}.")
        self.allowed = tuple(allowed)


class NoVersion(RefusedRequest):
    """The request is to go on at a version only, and what it is about has none."""

    code = "no_version"

    def __init__(self) -> None:
        super().__init__("What this changes has no version, so it matches none of If-Match; send it without.")


class Unfinished(RefusedRequest):
    """The first half of a release took effect, the second did not."""

    code = "unfinished"

    def __init__(self, number_id: str, reason: str) -> None:
        super().__init__(
            f"Phone number {number_id} was taken off its assistant, but is not released yet ({reason}); "
            "send it again to go on."
        )
        self.number_id = number_id


class BodyTooLarge(RefusedRequest):
    """The body is over the limit; it was not read to its end."""

    code = "body_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The body may have at most {limit_bytes} bytes.")
        self.limit_bytes = limit_bytes


class UnsupportedMediaType(RefusedRequest):
    """The body is not declared as JSON, or is encoded in a way that is not read here."""

    code = "unsupported_media_type"

    def __init__(self, sentence: str, accepted: Sequence[str]) -> None:
        super().__init__(sentence)
        self.accepted = tuple(accepted)


class TooManyRequests(RefusedRequest):
    """The key has used up its requests of the hour."""

    code = "rate_limited"

    def __init__(self, requests_per_hour: int, retry_after_seconds: int) -> None:
        super().__init__(
            f"The key may send {requests_per_hour} requests an hour; try again in {retry_after_seconds} s."
        )
        self.retry_after_seconds = retry_after_seconds


class TooManyWrites(RefusedRequest):
    """The account has used up what it may write in the hour."""

    code = "write_limited"

    def __init__(self, limit: str, retry_after_seconds: int) -> None:
        super().__init__(
            f"The account may write {limit} an hour; try again in {retry_after_seconds} s. Reading goes on."
        )
        self.retry_after_seconds = retry_after_seconds


class TooManyStreams(RefusedRequest):
    """The key has as many event streams open as it may."""

    code = "too_many_streams"

    def __init__(self, streams: int) -> None:
        super().__init__(f"The key has {streams} event streams open, and may have no more; end one.")


class NoMoreStreams(RefusedRequest):
    """This copy has as many event streams open as it may, or stops."""

    code = "no_more_streams"

    def __init__(self) -> None:
        super().__init__("This copy of the API can open no more event streams.")


class SnapshotsBusy(RefusedRequest):
    """As many snapshots as may be are under way."""

    code = "snapshots_busy"

    def __init__(self) -> None:
        super().__init__("Other snapshots are being sent; ask again in a while.")


class NoRoom(RefusedRequest):
    """This copy has as many connections open as it may, in all or from one address."""

    code = "no_room"

    def __init__(self) -> None:
        super().__init__("Too many connections are open here; close some that are idle, and try again.")


class Overdue(RefusedRequest):
    """No answer could be made in time."""

    code = "unavailable"

    def __init__(self) -> None:
        super().__init__("This took too long, and was given up.")


class WriteOverdue(RefusedRequest):
    """The same of a write: whether it takes effect is not known."""

    code = "outcome_unknown"

    def __init__(self) -> None:
        super().__init__("This took too long; it may still take effect. Send it again with the same Idempotency-Key.")


class NotCaughtUp(RefusedRequest):
    """A projection has not passed the asked position in time."""

    code = "not_caught_up"

    def __init__(self, projection: str) -> None:
        super().__init__(f"The {projection.replace('_', ' ')} has not reached the position of Patchbay-After yet.")
        self.projection = projection


class KeysUnreadable(RefusedRequest):
    """Whether a key is in force cannot be told: the database is out of reach."""

    code = "unavailable"

    def __init__(self) -> None:
        super().__init__("Keys cannot be checked at the moment.")
