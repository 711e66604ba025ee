"""Who may do what: the scopes, and whose account a request is about."""

from collections.abc import Mapping
from typing import Final

import msgspec

from patchbay.api.errors import BeyondOwnPower, MissingScope, OtherAccount
from patchbay.assistants import ids
from patchbay.assistants.scopes import allows

ASSISTANTS_READ: Final = "assistants:read"
ASSISTANTS_WRITE: Final = "assistants:write"
NUMBERS_READ: Final = "phone-numbers:read"
NUMBERS_WRITE: Final = "phone-numbers:write"
ROUTING_READ: Final = "routing:read"
EVENTS_READ: Final = "events:read"
ACCOUNT_READ: Final = "account:read"
AUDIT_READ: Final = "audit:read"
KEYS_READ: Final = "keys:read"
KEYS_WRITE: Final = "keys:write"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts: a key in force. `account_id` None: an operator's."""

    key_id: str
    account_id: str | None
    account_slug: str | None
    name: str = ""
    scopes: frozenset[str]
    requests_per_hour: int | None = None  # None = no limit
    expires_at: str | None = None  # ISO 8601, UTC, six digits

    @property
    def is_operator(self) -> bool:
        """True for an operator's key."""
        return self.account_id is None

    def demand(self, scope: str) -> None:
        """
        Go on only with the scope.

        Raises:
            MissingScope: The key lacks it.
        """
        if scope and not allows(self.scopes, scope):
            raise MissingScope(scope)

    def demand_slug(self, body: Mapping[str, object]) -> None:
        """
        Go on only if the body names no account but the key's; whether it names one well is for its validation.

        Raises:
            OtherAccount: It names another one.
        """
        slug = body.get("accountSlug")
        if isinstance(slug, str) and slug != self.account_slug and self.account_id is not None:
            raise OtherAccount("accountSlug")

    def account_of_slug(self, slug: str, log_id: str) -> str:
        """
        Return the id of the account that `slug` names, if it is the key's; an operator's key may name any.

        Raises:
            OtherAccount: The slug of another account, or of none.
        """
        if self.account_id is None:
            return ids.account_id(log_id, slug)
        if slug != self.account_slug:
            raise OtherAccount("accountSlug")
        return self.account_id

    def demand_own(self, account_id: str | None, what: str) -> None:
        """
        Go on only if this is the account of the key, or an operator asks.

        Raises:
            OtherAccount: It is not.
        """
        if self.account_id is not None and account_id != self.account_id:
            raise OtherAccount(what)

    def demand_power_to_issue(
        self, scopes: tuple[str, ...], requests_per_hour: int | None, expires_at: str | None
    ) -> None:
        """
        Go on only if the new key can do no more than this one, and no longer.

        Raises:
            BeyondOwnPower: It could.
        """
        if not all(allows(self.scopes, scope) for scope in scopes):
            raise BeyondOwnPower("more scopes")
        own_limit = self.requests_per_hour
        if own_limit is not None and (requests_per_hour is None or requests_per_hour > own_limit):
            raise BeyondOwnPower("more requests per hour")
        if self.expires_at is not None and (expires_at is None or expires_at > self.expires_at):
            raise BeyondOwnPower("a later expiry")


# Who acts before that is known: nobody's account, and no scope.
NOBODY: Final = Principal(key_id="-", account_id="", account_slug=None, scopes=frozenset())
