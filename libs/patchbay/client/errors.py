"""
Why a call of the client has no result.

PatchbayError
├── Refused             the API said no, and nothing took effect: .status .code .issues .facts .request_id
│   ├── InvalidRequest  400, 413, 415 and the like: wrong whatever the state; .issues has every fault
│   ├── Unauthorized    401: no key, or none in force
│   ├── Forbidden       403: another account's, or a scope that the key lacks
│   ├── NotFound        404
│   ├── Conflict        409: contradicts the state; .code and .facts say how
│   ├── VersionMismatch 412: .current_version .differing_fields
│   ├── KeyReused       422: the idempotency key stands for another request
│   ├── RateLimited     429: .retry_after_seconds is longer than the patience
│   └── Unavailable     503: nothing took effect; was retried where that helps
├── Unsettled           a write may have taken effect, or yet do so: .idempotency_key .command_id
│   ├── Pending         it is in the log, and was not visible in time
│   └── OutcomeUnknown  nobody knows
├── Unreachable         there was no answer, and nothing took effect
└── UnexpectedAnswer    what answered is not Patchbay's API, or one that this client is too old for
"""

from collections.abc import Mapping, Sequence
from typing import Any

from patchbay.client.records import Issue


class PatchbayError(Exception):
    """A call has no result."""


class Refused(PatchbayError):
    """The API said no; this call left nothing and never will."""

    def __init__(
        self,
        sentence: str,
        *,
        status: int,
        code: str,
        issues: Sequence[Issue] = (),
        request_id: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """`facts`: every member of the answer's body."""
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.issues = tuple(issues)
        self.request_id = request_id
        self.facts = dict(facts or {})


class InvalidRequest(Refused):
    """The request is wrong whatever the state."""


class Unauthorized(Refused):
    """No key, or none that is in force."""


class Forbidden(Refused):
    """Another account's, or a scope that the key lacks."""


class NotFound(Refused):
    """Not there, or not the account's."""


class Conflict(Refused):
    """It contradicts the state."""


class VersionMismatch(Refused):
    """The assistant has moved on from the version that was named."""

    @property
    def current_version(self) -> int | None:
        """The version that it has now, as far as the API told."""
        version = self.facts.get("current_version")
        return version if isinstance(version, int) else None

    @property
    def differing_fields(self) -> tuple[str, ...]:
        """The fields that differ between the version that was named and the current one, as far as the API told."""
        fields = self.facts.get("differing_fields")
        return tuple(str(field) for field in fields) if isinstance(fields, list) else ()


class KeyReused(Refused):
    """The idempotency key stands for another request of this account."""


class RateLimited(Refused):
    """The key's requests are used up for longer than the patience."""

    @property
    def retry_after_seconds(self) -> float:
        """How long to wait, as the API told; 0 = it did not."""
        seconds = self.facts.get("retry_after_seconds", 0.0)
        return float(seconds) if isinstance(seconds, int | float) else 0.0


class Unavailable(Refused):
    """The API could not do it now. Nothing took effect."""


class Unsettled(PatchbayError):
    """
    A write may have taken effect, or may yet do so.

    The same call with `idempotency_key` takes effect once, however often it is made; `Patchbay.commands.get` asks what
    became of `command_id`, where there is one.
    """

    def __init__(self, sentence: str, *, idempotency_key: str | None, command_id: str | None) -> None:
        super().__init__(sentence)
        self.idempotency_key = idempotency_key
        self.command_id = command_id


class Pending(Unsettled):
    """It is in the log, and was not visible to reads in time."""


class OutcomeUnknown(Unsettled):
    """Whether it has taken effect, or will, is not known."""


class Unreachable(PatchbayError):
    """There was no answer, and nothing took effect."""


class UnexpectedAnswer(PatchbayError):
    """What answered is not Patchbay's API, or one that this client is too old for."""

    def __init__(self, sentence: str, *, status: int | None = None, request_id: str | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.request_id = request_id
