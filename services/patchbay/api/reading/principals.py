"""Whose secret it is: keys in force, looked up by what is kept of their secrets."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from patchbay.api.authorization import Principal
from patchbay.api.coalescing import Coalescer
from patchbay.api.reading.reader import Reader, with_pointers

if TYPE_CHECKING:
    from asyncpg import Record

_READ = with_pointers(
    """
    SELECT k.secret_sha256, k.key_id, k.account_id, k.name, a.slug, k.scopes, k.requests_per_hour,
           LEAST(k.expires_at, k.retires_at) AS expires_at
      FROM {read_model}.keys k LEFT JOIN {read_model}.accounts a ON a.account_id = k.account_id
     WHERE k.secret_sha256 = ANY($1::bytea[]) AND k.revoked_at IS NULL
    """
)


class Principals:
    """Finds who acts; requests that come together are one query."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._coalescer: Coalescer[bytes, Principal | None] = Coalescer(self.find_all)

    async def find(self, secret_sha256: bytes) -> Principal | None:
        """Return whose key this is; None if it is unknown or revoked, after the same work."""
        return await self._coalescer.ask(secret_sha256)

    async def find_all(self, digests: Sequence[bytes]) -> list[Principal | None]:
        """Return the same for each of several secrets, in one query."""
        rows = await self._reader.fetch(_READ, digests)
        found = {row["secret_sha256"]: _principal(row) for row in rows if row["key_id"] is not None}
        return [found.get(digest) for digest in digests]


def _principal(row: "Record") -> Principal:
    return Principal(
        key_id=row["key_id"],
        account_id=row["account_id"],
        account_slug=row["slug"],
        name=row["name"],
        scopes=frozenset(row["scopes"]),
        requests_per_hour=row["requests_per_hour"],
        expires_at=row["expires_at"],
    )
