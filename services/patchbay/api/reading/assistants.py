"""Assistants as they are, and what changed between two of their versions."""

from collections.abc import Mapping, Sequence

import msgspec

from patchbay.api.coalescing import Coalescer
from patchbay.api.reading.reader import Reader, with_pointers
from patchbay.assistants.codec import decode_event
from patchbay.assistants.evolve import evolve_assistant
from patchbay.assistants.states import Assistant, differing_fields
from patchbay.projection.history import decode_headers

_READ = with_pointers(
    "SELECT assistant_id, account_id, version, record FROM {read_model}.assistants WHERE assistant_id = ANY($1::text[])"
)
_READ_EVENTS = with_pointers(
    """
    SELECT v.version, e.type, e.headers, e.value
      FROM {read_model}.versions v JOIN history.events e ON e.stream = v.stream AND e.height = v.height
     WHERE v.assistant_id = $1 AND v.version <= $2
    """,
    order="found.version",
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

    async def differences(self, current: Assistant, known_version: int) -> tuple[str, ...] | None:
        """Return the fields in which an assistant differs from an earlier version of it; None if there was no such."""
        if not 0 < known_version < current.version:
            return None
        known: Assistant | None = None
        for row in await self._reader.fetch(_READ_EVENTS, current.id, known_version):
            if row["version"] is None:
                return None
            headers = dict(decode_headers(row["headers"]))
            event = decode_event(row["type"], _text(headers, "ce_dataschema"), row["value"])
            known = evolve_assistant(known, event, assistant_id=current.id, time=_text(headers, "ce_time"))
        return None if known is None else differing_fields(known, current)


def _text(headers: Mapping[str, bytes | None], name: str) -> str:
    return (headers.get(name) or b"").decode()
