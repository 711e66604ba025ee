"""Lists as asynchronous iterators: of records, or of pages."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from patchbay.client.answering import decode
from patchbay.client.exchanging import Reply
from patchbay.client.reach import Reach

T = TypeVar("T")

PAGE_RECORDS: Final = 100


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A part of a list, and the cursor of the next one; None: it is the last."""

    records: Sequence[T]
    next_cursor: str | None


class _Cursor(msgspec.Struct, frozen=True):
    next_cursor: str | None = None


class Records(Generic[T]):
    """
    A list, read page by page as it is walked through.

    As in::

        async for number in patchbay.phone_numbers.list():
            …
    """

    def __init__(self, read: Callable[[str | None], Awaitable[Page[T]]], cursor: str | None) -> None:
        """`read` gives the page behind a cursor."""
        self._read = read
        self._cursor = cursor

    def __aiter__(self) -> AsyncIterator[T]:
        return self._records()

    async def _records(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for record in page.records:
                yield record

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Yield the pages, to keep a cursor for later."""
        cursor = self._cursor
        while True:
            page = await self._read(cursor)
            yield page
            if page.next_cursor is None or page.next_cursor == cursor:
                return
            cursor = page.next_cursor

    async def all(self) -> list[T]:
        """Return every record."""
        return [record async for record in self]


def records_of(
    reach: Reach,
    path: str,
    member: str,
    kind: type[list[T]],
    query: Mapping[str, str],
    *,
    limit: int,
    cursor: str | None,
) -> Records[T]:
    """
    Return the list that a path gives.

    Args:
        reach: Who asks.
        path: Of the list.
        member: Of the answer that holds the records.
        kind: Of what it holds.
        query: Filters.
        limit: Records of a page.
        cursor: Where to begin; None = at the beginning.
    """

    async def read(after: str | None) -> Page[T]:
        asked = {**query, "limit": str(limit)} | ({} if after is None else {"cursor": after})
        reply = await reach.calls.read(path, asked)
        members = decode(reply, dict[str, msgspec.Raw])
        found = decode(Reply(reply.status, reply.headers, bytes(members.get(member, msgspec.Raw(b"null")))), kind)
        return Page(found, decode(reply, _Cursor).next_cursor)

    return Records(read, cursor)
