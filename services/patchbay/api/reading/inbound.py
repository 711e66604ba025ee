"""Who answers an inbound call: the routing table and the read model, in one snapshot."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from patchbay.api.coalescing import Coalescer
from patchbay.api.reading.reader import Reader, with_pointers

if TYPE_CHECKING:
    from asyncpg import Record

_READ = with_pointers(
    """
    SELECT r.number, r.account, r.assistant, r.outcome, r.fallback, a.record
      FROM routing.inbound r LEFT JOIN {read_model}.assistants a ON a.assistant_id = r.assistant
     WHERE r.number = ANY($1::text[])
    """
)


class InboundRoute(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table, with the assistant's record as the JSON that clients see."""

    number: str  # E.164
    outcome: str
    account_id: str | None = None
    assistant_id: str | None = None
    fallback: str | None = None
    record: bytes | None = None


class Inbound:
    """Looks numbers up in the routing table; requests that come together are one query."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._coalescer: Coalescer[str, InboundRoute | None] = Coalescer(self._find_all)

    async def find(self, number: str) -> InboundRoute | None:
        """Return who answers; None if nobody has registered the number."""
        return await self._coalescer.ask(number)

    async def _find_all(self, numbers: Sequence[str]) -> list[InboundRoute | None]:
        rows = await self._reader.fetch(_READ, numbers)
        found = {row["number"]: _route(row) for row in rows if row["number"] is not None}
        return [found.get(number) for number in numbers]


def _route(row: "Record") -> InboundRoute:
    return InboundRoute(
        number=row["number"],
        account_id=row["account"],
        assistant_id=row["assistant"],
        outcome=row["outcome"],
        fallback=row["fallback"],
        record=row["record"],
    )
