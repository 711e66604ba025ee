"""Who sends a request: keys, checked afresh at least once a second."""

import asyncio
import hashlib
import hmac
from collections.abc import Collection
from datetime import UTC, datetime

import structlog

from patchbay.api.authorization import Principal
from patchbay.api.errors import KeysUnreadable, Unauthorized
from patchbay.api.minting import utc_text
from patchbay.api.reading.principals import Principals
from patchbay.postgres import DATABASE_FAILURES

FRESH_SECONDS = 0.8  # below the second within which a revoked key is refused everywhere
RENEW_SECONDS = 0.4  # from then on a key that is in use is read again, while its requests go on
_KEYS_REMEMBERED = 10_000
_KEYS_RENEWED = 1_000  # in one query; who is left out is looked up by its own request
_SECRET_CHARACTERS = 200  # ours have 40; more is not worth hashing
OPERATOR = "operator"  # the actor named in events, for the key that stands in the settings

_log = structlog.get_logger()


class _Remembered:
    """A key in force, as it was read."""

    __slots__ = ("is_used", "principal", "read_at")

    def __init__(self, principal: Principal, read_at: float) -> None:
        self.principal = principal
        self.read_at = read_at  # loop time, before it was asked for
        self.is_used = True  # since then


class KeyRing:
    """
    Tells whose key a request carries.

    A key is remembered for less than a second, counted from before it was read, so that one that was revoked is refused
    in time by every copy; without the database nobody is let in for longer. Unknown and revoked keys do the same work.
    Keys in use are read again before that time is up, all of them in one query, so that no request waits for it.
    """

    def __init__(self, principals: Principals, operator_key_sha256: str | None) -> None:
        self._principals = principals
        self._operator_digest = bytes.fromhex(operator_key_sha256) if operator_key_sha256 else None
        self._operator = Principal(
            key_id=OPERATOR, account_id=None, account_slug=None, name="the first operator", scopes=frozenset({"*"})
        )
        self._known: dict[bytes, _Remembered] = {}  # by digest
        self._renewing: asyncio.Task[None] | None = None

    async def principal_of(self, authorization: str | None, now: float) -> Principal:
        """
        Return who acts.

        Args:
            authorization: The header of this name.
            now: Loop time.

        Raises:
            Unauthorized: No key, or none that is known and in force.
            KeysUnreadable: That cannot be told.
        """
        digest = digest_of(authorization)
        remembered = self._known.get(digest)
        if remembered is None or now - remembered.read_at >= FRESH_SECONDS:
            principal = await self._find(digest, now)
        else:
            principal = remembered.principal
            remembered.is_used = True
            if now - remembered.read_at >= RENEW_SECONDS and self._renewing is None:
                self._renewing = asyncio.create_task(self._renew(now), name="keys_renewed")
        if _has_expired(principal):
            raise Unauthorized
        return principal

    async def close(self) -> None:
        """End what is under way."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])

    async def no_longer_in_force(self, digests: Collection[bytes]) -> set[bytes]:
        """
        Return which of these keys are revoked or expired by now, read afresh.

        Raises:
            DatabaseFailure: One of `patchbay.postgres.DATABASE_FAILURES`.
        """
        asked = [digest for digest in digests if digest != self._operator_digest]
        found = await self._principals.find_all(asked)
        return {
            digest
            for digest, principal in zip(asked, found, strict=True)
            if principal is None or _has_expired(principal)
        }

    async def _find(self, digest: bytes, now: float) -> Principal:
        if self._operator_digest is not None and hmac.compare_digest(digest, self._operator_digest):
            return self._operator
        try:
            principal = await self._principals.find(digest)
        except DATABASE_FAILURES as error:
            raise KeysUnreadable from error
        if principal is None or _has_expired(principal):
            self._known.pop(digest, None)
            raise Unauthorized
        if len(self._known) >= _KEYS_REMEMBERED:
            self._known.clear()
        self._known[digest] = _Remembered(principal, now)
        return principal

    async def _renew(self, now: float) -> None:
        """Read the keys again that were used since they were read; what fails is left to those who use them."""
        known = self._known
        digests = [digest for digest, one in known.items() if one.is_used and one.read_at < now][:_KEYS_RENEWED]
        try:
            for digest, principal in zip(digests, await self._principals.find_all(digests), strict=True):
                if principal is None:
                    known.pop(digest, None)
                elif (there := known.get(digest)) is not None and there.read_at < now:
                    there.principal, there.read_at, there.is_used = principal, now, False
        except DATABASE_FAILURES as error:
            _log.warning("keys_not_renewed", reason=str(error) or type(error).__name__)
        finally:
            self._renewing = None


def digest_of(authorization: str | None) -> bytes:
    """
    Return what is kept of the secret in an Authorization header.

    Raises:
        Unauthorized: There is none in it.
    """
    scheme, _, secret = (authorization or "").partition(" ")
    secret = secret.strip(" ")
    if scheme.lower() != "bearer" or not secret or len(secret) > _SECRET_CHARACTERS:
        raise Unauthorized
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def _has_expired(principal: Principal) -> bool:
    return principal.expires_at is not None and principal.expires_at <= utc_text(datetime.now(UTC))
