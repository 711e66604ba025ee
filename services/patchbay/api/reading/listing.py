"""Lists of an account's assistants: which, in which order, from where on."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from patchbay.api.list_cursors import Place
from patchbay.api.reading.reader import Reader, with_pointers

if TYPE_CHECKING:
    from asyncpg import Record

PAGE_BYTES: Final = 4 * 1024 * 1024  # a page ends with the record that goes over it
# By which column a list is sorted. What is alike in it is told apart by the height of its creation; heights grow as
# times of creation do, so that these need no column.
SORTS: Final[Mapping[str, str | None]] = {"name": "folded_name", "created_at": None, "updated_at": "updated_at"}

# $1 account, $2 to $9 filters, of which null asks for nothing.
_FILTERS: Final = """
    l.account_id = $1
    AND ($2::text IS NULL OR position($2 IN l.folded_name) > 0)
    AND ($3::text IS NULL OR l.type = $3)
    AND ($4::text IS NULL OR l.provider = $4)
    AND ($5::text IS NULL OR l.model = $5)
    AND ($6::text IS NULL OR l.voice_provider = $6)
    AND ($7::text IS NULL OR l.transcriptor_provider = $7)
    AND ($8::bool IS NULL OR l.inbound_enabled = $8)
    AND coalesce(l.updated_at >= $9::text, true)
"""
# Said once more where it leads along the list's own index; elsewhere it must not tempt a plan to take that and sort.
_SINCE: Final = " AND l.updated_at >= coalesce($9::text, '')"
# Each record is looked up by itself, behind OFFSET 0: a plan for empty tables would walk through all of them instead.
# One that would make the page too long is left out; that it is there says that the list goes on.
_PAGE: Final = f"""
    SELECT p.key, p.created_height, a.assistant_id,
           CASE WHEN sum(octet_length(a.record)) OVER (ORDER BY {{window}}) - octet_length(a.record) < {PAGE_BYTES}
                THEN a.record END AS record
      FROM (SELECT {{key}} AS key, l.created_height, l.assistant_id
              FROM {{{{read_model}}}}.listed_assistants l
             WHERE {_FILTERS} {{bounds}}
             ORDER BY {{order}}
             LIMIT $10 OFFSET $11) AS p
     CROSS JOIN LATERAL (
           SELECT assistant_id, record
             FROM {{{{read_model}}}}.assistants WHERE assistant_id = p.assistant_id OFFSET 0) AS a
"""
# By an id there is one at most: found by it, and then asked whether it passes.
_ONE: Final = with_pointers(
    f"""
    SELECT a.assistant_id, a.record
      FROM (SELECT coalesce($10::text, g.assistant_id) AS assistant_id
              FROM (VALUES ($11::text)) AS n (number_id)
              LEFT JOIN LATERAL (
                   SELECT assistant_id FROM {{read_model}}.assignments
                    WHERE account_id = $1 AND number_id = n.number_id OFFSET 0) AS g ON true
             WHERE n.number_id IS NULL OR g.assistant_id = coalesce($10::text, g.assistant_id)) AS w
     CROSS JOIN LATERAL (
           SELECT * FROM {{read_model}}.listed_assistants WHERE assistant_id = w.assistant_id OFFSET 0) AS l
     CROSS JOIN LATERAL (
           SELECT assistant_id, record
             FROM {{read_model}}.assistants WHERE assistant_id = l.assistant_id OFFSET 0) AS a
     WHERE {_FILTERS}
    """
)


class Order(msgspec.Struct, frozen=True):
    """What a list is sorted by; rows that are alike in that, by their age."""

    by: str  # one of SORTS
    is_descending: bool = False


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which assistants of an account; None = whatever it is."""

    account_id: str
    assistant_id: str | None = None
    name_part: str | None = None  # folded
    type: str | None = None
    provider: str | None = None
    model: str | None = None
    voice_provider: str | None = None
    transcriptor_provider: str | None = None
    inbound_enabled: bool | None = None
    phone_number_id: str | None = None
    updated_since: str | None = None  # ISO 8601, UTC, six digits; inclusive


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list: behind a place, or from an offset on."""

    limit: int
    after: Place | None = None
    offset: int = 0


class ListPage(msgspec.Struct, frozen=True):
    """Part of a list."""

    records: list[bytes]  # the JSON that clients see
    last: Place | None  # where the list goes on; None at its end


def _statement(order: Order, *, is_from_place: bool) -> str:
    direction, beyond = ("DESC", "<") if order.is_descending else ("ASC", ">")
    key = SORTS[order.by]
    if key is None:
        columns = [("created_height", "created_height")]
        bounds = f"AND l.created_height {beyond} $12" if is_from_place else ""
    else:
        columns = [(key, "key"), ("created_height", "created_height")]
        bounds = f"AND (l.{key}, l.created_height) {beyond} ($13, $12)" if is_from_place else ""
        bounds += _SINCE if key == "updated_at" else ""
    page = _PAGE.format(
        key="''" if key is None else f"l.{key}",
        bounds=bounds,
        order=", ".join(f"l.{column} {direction}" for column, _ in columns),
        window=", ".join(f"p.{name} {direction}" for _, name in columns),
    )
    return with_pointers(page, order=", ".join(f"found.{name} {direction}" for _, name in columns))


_STATEMENTS: Final = {
    (order, is_from_place): _statement(order, is_from_place=is_from_place)
    for order in (Order(by, is_descending) for by in SORTS for is_descending in (False, True))
    for is_from_place in (False, True)
}


class AssistantLists:
    """Reads pages of lists of assistants."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def page(self, wanted: Wanted, order: Order, stretch: Stretch) -> ListPage:
        """Return a part of the list: as many as asked for, fewer at its end or where the records are very long."""
        filters = (
            wanted.account_id,
            wanted.name_part,
            wanted.type,
            wanted.provider,
            wanted.model,
            wanted.voice_provider,
            wanted.transcriptor_provider,
            wanted.inbound_enabled,
            wanted.updated_since,
        )
        if wanted.assistant_id is not None or wanted.phone_number_id is not None:
            rows = await self._reader.fetch(_ONE, *filters, wanted.assistant_id, wanted.phone_number_id)
            is_there = rows[0]["assistant_id"] is not None and not stretch.offset
            return ListPage([rows[0]["record"]] if is_there else [], None)
        after: tuple[object, ...] = ()
        if stretch.after is not None:
            place = stretch.after
            after = (place.height,) if SORTS[order.by] is None else (place.height, place.key)
        statement = _STATEMENTS[order, stretch.after is not None]
        rows = await self._reader.fetch(statement, *filters, stretch.limit + 1, stretch.offset, *after)
        return _page([row for row in rows if row["assistant_id"] is not None], stretch.limit)


def _page(rows: "list[Record]", limit: int) -> ListPage:
    shown = [row for row in rows[:limit] if row["record"] is not None]
    if len(shown) == len(rows):
        return ListPage([row["record"] for row in shown], None)
    last = Place(shown[-1]["key"], shown[-1]["created_height"])
    return ListPage([row["record"] for row in shown], last)
