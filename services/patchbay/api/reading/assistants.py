"""Assistants as they are."""

from collections.abc import Sequence

import msgspec

from patchbay.api.coalescing import Coalescer
from patchbay.api.reading.reader import Reader, with_pointers

_READ = with_pointers(
    "SELECT assistant_id, account_id, version, record FROM {read_model}.assistants WHERE assistant_id = ANY($1::text[])"
)


class AssistantRecord(msgspec.Struct, frozen=True):
    """An assistant, its record as the JSON that clients see."""

    account_id: str
    version: int
    record: bytes


class Assistants:
    """Finds assistants by id; requests that come together are one query."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._coalescer: Coalescer[str, AssistantRecord | None] = Coalescer(self._find_all)

    async def find(self, assistant_id: str) -> AssistantRecord | None:
        """Return the assistant as the read model shows it after this call began; None if there is none."""
        return await self._coalescer.ask(assistant_id)

    async def _find_all(self, assistant_ids: Sequence[str]) -> list[AssistantRecord | None]:
        found = {
            assistant_id: AssistantRecord(account_id, version, record)
            for _, _, assistant_id, account_id, version, record in await self._reader.fetch(_READ, assistant_ids)
            if assistant_id is not None
        }
        return [found.get(assistant_id) for assistant_id in assistant_ids]
