"""Phone numbers of accounts, and which assistant has each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from patchbay.api.coalescing import Coalescer
from patchbay.api.paging import Page
from patchbay.api.reading.reader import Reader, with_pointers

if TYPE_CHECKING:
    from asyncpg import Record

_COLUMNS = """
    SELECT n.number_id, n.account_id, n.phone_number, n.status, n.fallback, g.assistant_id, n.created_at, n.updated_at
      FROM {read_model}.numbers n
      LEFT JOIN {read_model}.assignments g
             ON g.account_id = n.account_id AND g.number_id = n.number_id AND g.registration = n.registration
"""
_READ = with_pointers(_COLUMNS + " WHERE n.number_id = ANY($1::text[]) AND n.account_id IS NOT NULL")
_LIST = with_pointers(
    _COLUMNS + " WHERE n.account_id = $1 AND n.number_id > $2 ORDER BY n.number_id LIMIT $3 OFFSET $4",
    order="found.number_id",
)


class NumberRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The public record of a phone number; its JSON, in this field order, is what clients see."""

    id: str
    account_id: str
    phone_number: str  # E.164
    status: str
    fallback: str | None
    assistant_id: str | None
    created_at: str
    updated_at: str


class Numbers:
    """Finds phone numbers by id and by account."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._coalescer: Coalescer[str, NumberRecord | None] = Coalescer(self._find_all)

    async def find(self, number_id: str) -> NumberRecord | None:
        """Return the number; None if it belongs to nobody."""
        return await self._coalescer.ask(number_id)

    async def list_of(self, account_id: str, page: Page) -> list[NumberRecord]:
        """Return the account's numbers, one more than the page's limit if there are more."""
        rows = await self._reader.fetch(_LIST, account_id, page.after, page.limit + 1, page.offset)
        return [_record(row) for row in rows if row["number_id"] is not None]

    async def _find_all(self, number_ids: Sequence[str]) -> list[NumberRecord | None]:
        rows = await self._reader.fetch(_READ, number_ids)
        found = {row["number_id"]: _record(row) for row in rows if row["number_id"] is not None}
        return [found.get(number_id) for number_id in number_ids]


def _record(row: "Record") -> NumberRecord:
    _, _, number_id, account_id, phone_number, status, fallback, assistant_id, created_at, updated_at = row
    return NumberRecord(
        id=number_id,
        account_id=account_id,
        phone_number=phone_number,
        status=status,
        fallback=fallback,
        assistant_id=assistant_id,
        created_at=created_at,
        updated_at=updated_at,
    )
