"""Accounts, and the keys of accounts and operators."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncpg
import msgspec
from msgspec import structs

from patchbay.api.coalescing import Coalescer
from patchbay.api.minting import utc_text
from patchbay.api.paging import Page
from patchbay.api.reading.reader import Reader, with_pointers
from patchbay.assistants.rejections import AccountNotOpened
from patchbay.usage import READ_LAST_USED

if TYPE_CHECKING:
    from asyncpg import Record

_ACCOUNTS = "SELECT account_id, slug, name, created_at FROM {read_model}.accounts"
_FIND = with_pointers(_ACCOUNTS + " WHERE account_id = ANY($1::text[])")
_LIST = with_pointers(
    _ACCOUNTS + " WHERE account_id > $1 ORDER BY account_id LIMIT $2 OFFSET $3", order="found.account_id"
)
# Each count walks along an index; a key's own limit bounds how often.
_OVERVIEW = with_pointers(
    """
    SELECT a.account_id, a.slug, a.name, a.created_at,
           (SELECT count(*) FROM {read_model}.listed_assistants s WHERE s.account_id = a.account_id) AS assistants,
           (SELECT count(*) FROM {read_model}.numbers n WHERE n.account_id = a.account_id) AS phone_numbers
      FROM {read_model}.accounts a WHERE a.account_id = $1
    """
)
_KEY_COLUMNS = "key_id, account_id, name, hint, scopes, requests_per_hour, created_at, revoked_at, replaced_by"
_KEY = with_pointers(f"SELECT {_KEY_COLUMNS}, expires_at FROM {{read_model}}.keys WHERE key_id = $1")
_KEYS = f"SELECT {_KEY_COLUMNS}, LEAST(expires_at, retires_at) AS expires_at FROM {{read_model}}.keys"
_LIST_KEYS = with_pointers(
    _KEYS + " WHERE account_id IS NOT DISTINCT FROM $1 AND key_id > $2 ORDER BY key_id LIMIT $3 OFFSET $4",
    order="found.key_id",
)
_LAST_USED = with_pointers(READ_LAST_USED)


class AccountRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The public record of an account; its JSON, in this field order, is what clients see."""

    id: str
    slug: str
    name: str
    created_at: str


class AccountOverview(AccountRecord, frozen=True, kw_only=True):
    """An account with how much it has."""

    assistants: int
    phone_numbers: int


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The public record of a key that was issued; its JSON, in this field order, is what clients see."""

    id: str
    account_id: str | None
    name: str
    hint: str
    scopes: tuple[str, ...]
    expires_at: str | None  # where it was replaced, the end of the overlap
    requests_per_hour: int | None
    created_at: str
    revoked_at: str | None
    replaced_by: str | None  # the id of the key that took its place
    last_used_at: str | None = None


class Accounts:
    """Finds accounts and keys."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._coalescer: Coalescer[str, AccountRecord | None] = Coalescer(self._find_all)

    async def find(self, account_id: str) -> AccountRecord | None:
        """Return the account; None if nobody has opened it."""
        return await self._coalescer.ask(account_id)

    async def overview(self, account_id: str) -> AccountOverview:
        """
        Return the account with how much it has.

        Raises:
            AccountNotOpened: Nobody has opened it.
        """
        (row,) = await self._reader.fetch(_OVERVIEW, account_id)
        if row["account_id"] is None:
            raise AccountNotOpened(account_id)
        counts = {"assistants": row["assistants"], "phone_numbers": row["phone_numbers"]}
        return AccountOverview(**structs.asdict(_account(row)), **counts)

    async def list_all(self, page: Page) -> list[AccountRecord]:
        """Return the accounts, one more than the page's limit if there are more."""
        rows = await self._reader.fetch(_LIST, page.after, page.limit + 1, page.offset)
        return [_account(row) for row in rows if row["account_id"] is not None]

    async def find_key(self, key_id: str) -> KeyRecord | None:
        """
        Return the key, revoked or not; None if it was never issued.

        Its expiry is the one that it was issued with, whatever has replaced it since.
        """
        rows = await self._reader.fetch(_KEY, key_id)
        return None if rows[0]["key_id"] is None else _key(rows[0])

    async def list_keys(self, account_id: str | None, page: Page) -> list[KeyRecord]:
        """Return the keys of the account, or of the operators (None), one more than the limit if there are more."""
        rows = await self._reader.fetch(_LIST_KEYS, account_id, page.after, page.limit + 1, page.offset)
        keys = [_key(row) for row in rows if row["key_id"] is not None]
        used_at = await self._last_used([key.id for key in keys])
        return [structs.replace(key, last_used_at=used_at.get(key.id)) for key in keys]

    async def _last_used(self, key_ids: Sequence[str]) -> dict[str, str]:
        try:
            rows = await self._reader.fetch(_LAST_USED, key_ids)
        except asyncpg.UndefinedTableError:  # no projector has made it yet
            return {}
        return {row["id"]: utc_text(datetime.fromtimestamp(row["used_at"], UTC)) for row in rows if row["id"]}

    async def _find_all(self, account_ids: Sequence[str]) -> list[AccountRecord | None]:
        rows = await self._reader.fetch(_FIND, account_ids)
        found = {row["account_id"]: _account(row) for row in rows if row["account_id"] is not None}
        return [found.get(account_id) for account_id in account_ids]


def _account(row: "Record") -> AccountRecord:
    return AccountRecord(id=row["account_id"], slug=row["slug"], name=row["name"], created_at=row["created_at"])


def _key(row: "Record") -> KeyRecord:
    return KeyRecord(
        id=row["key_id"],
        account_id=row["account_id"],
        name=row["name"],
        hint=row["hint"],
        scopes=tuple(row["scopes"]),
        expires_at=row["expires_at"],
        requests_per_hour=row["requests_per_hour"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
        replaced_by=row["replaced_by"],
    )
