"""The calls about accounts, keys and commands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from patchbay.client.answering import decode
from patchbay.client.paging import PAGE_RECORDS, Records, records_of
from patchbay.client.reach import Body, Reach, given, segment
from patchbay.client.records import Account, Command, Key

ACCOUNTS: Final = "/api/accounts"
KEYS: Final = "/api/keys"


class _AccountAnswer(msgspec.Struct, frozen=True):
    account: Account


class _KeyAnswer(msgspec.Struct, frozen=True):
    key: Key


class _CommandAnswer(msgspec.Struct, frozen=True):
    command: Command


class Accounts:
    """Opens and lists accounts; for operators."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def open(self, slug: str, name: str | None = None, *, idempotency_key: str | None = None) -> Account:
        """
        Open an account; one that is open already, under the same name, stays as it is.

        Raises:
            PatchbayError: It was not opened, or nobody knows.
        """
        body: Body = {"accountSlug": slug} | ({} if name is None else {"name": name})
        reply = await self._reach.write("POST", ACCOUNTS, body, idempotency_key=idempotency_key)
        return decode(reply, _AccountAnswer).account

    def list(self, *, limit: int = PAGE_RECORDS, cursor: str | None = None) -> Records[Account]:
        """Return all accounts, to be walked through."""
        return records_of(self._reach, ACCOUNTS, "accounts", list[Account], {}, limit=limit, cursor=cursor)


class Keys:
    """Issues, lists and revokes keys."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def issue(
        self,
        name: str,
        *,
        scopes: Sequence[str] | None = None,
        is_test: bool = False,
        expires_at: datetime | None = None,
        requests_per_hour: int | msgspec.UnsetType | None = msgspec.UNSET,
        for_operators: bool = False,
        account: str | None = None,
        idempotency_key: str | None = None,
    ) -> Key:
        """
        Issue a key. Its `secret` is shown this once; it is None if the answer that had it was lost on the way.

        Args:
            name: What it is for, for people.
            scopes: What it may do; everything where none is named.
            is_test: Begin the secret with `tk_test_`.
            expires_at: When it stops to be in force, with its time zone.
            requests_per_hour: None: without a limit; unnamed: the API's default.
            for_operators: A key of the operators.
            account: Its slug, if not the client's.
            idempotency_key: Names the write.

        Raises:
            PatchbayError: None was issued, or nobody knows.
        """
        body: Body = {"name": name, "mode": "test" if is_test else "live"}
        if for_operators:
            body["operators"] = True
        else:
            body["accountSlug"] = self._reach.slug(account)
        if scopes is not None:
            body["scopes"] = list(scopes)
        if expires_at is not None:
            body["expiresAt"] = expires_at.isoformat()
        if requests_per_hour is not msgspec.UNSET:
            body["requestsPerHour"] = requests_per_hour
        return decode(await self._reach.write("POST", KEYS, body, idempotency_key=idempotency_key), _KeyAnswer).key

    def list(
        self,
        *,
        of_operators: bool = False,
        account: str | None = None,
        limit: int = PAGE_RECORDS,
        cursor: str | None = None,
    ) -> Records[Key]:
        """Return the keys of the account, revoked ones too; or those of the operators."""
        query = {} if of_operators else given(accountSlug=account or self._reach.account)
        return records_of(self._reach, KEYS, "keys", list[Key], query, limit=limit, cursor=cursor)

    async def rotate(
        self,
        key_id: str,
        *,
        overlap_seconds: int | None = None,
        expires_at: datetime | msgspec.UnsetType | None = msgspec.UNSET,
        of_operators: bool = False,
        account: str | None = None,
        idempotency_key: str | None = None,
    ) -> Key:
        """
        Issue a key in the place of another, which stays in force for a while.

        Args:
            key_id: Of the key to replace.
            overlap_seconds: How long it is accepted beside the new one; unnamed: the API's default.
            expires_at: Of the new key; unnamed: as the old one was issued.
            of_operators: It is a key of the operators.
            account: Its slug, if not the client's.
            idempotency_key: Names the write.

        Raises:
            PatchbayError: None was issued, or nobody knows.
        """
        body: Body = {"operators": True} if of_operators else {"accountSlug": self._reach.slug(account)}
        if overlap_seconds is not None:
            body["overlapSeconds"] = overlap_seconds
        if expires_at is not msgspec.UNSET:
            body["expiresAt"] = expires_at.isoformat() if isinstance(expires_at, datetime) else None
        path = f"{KEYS}/{segment(key_id)}/rotate"
        return decode(await self._reach.write("POST", path, body, idempotency_key=idempotency_key), _KeyAnswer).key

    async def revoke(self, key_id: str, *, idempotency_key: str | None = None) -> None:
        """
        Revoke a key. A second after this has returned, no copy of the API accepts it.

        Raises:
            PatchbayError: It was not revoked, or nobody knows.
        """
        await self._reach.write("DELETE", f"{KEYS}/{segment(key_id)}", idempotency_key=idempotency_key)


class Commands:
    """Tells what became of writes."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def get(self, command_id: str) -> Command:
        """
        Return what became of a write whose outcome was not known in time.

        Raises:
            PatchbayError: There is no such command, or there was no answer.
        """
        return (await self._reach.read(f"/api/commands/{segment(command_id)}", _CommandAnswer)).command
