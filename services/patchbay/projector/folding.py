"""How events become rows of the read model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from patchbay.assistants.codec import ACCESS, CONFIGURATION, decode_event, touched_assistants
from patchbay.assistants.errors import UnknownEventType
from patchbay.assistants.events import AssistantCreated, Event
from patchbay.assistants.states import Assistant
from patchbay.eventlog import Envelope
from patchbay.postgres import Connection
from patchbay.projection import Arrival, YoungOld
from patchbay.projector.drafting import ReadModelDraft
from patchbay.projector.writes import READ_ASSISTANTS

CONCERNS: Final = frozenset({CONFIGURATION, ACCESS})
CACHED_CHARACTERS: Final = 32_000_000  # of each age

_decode_record = msgspec.json.Decoder(Assistant).decode


def _weigh(assistant: Assistant) -> int:
    return 1_500 + len(assistant.system_prompt or "") + len(assistant.first_message or "")


class ReadModelFold:
    """Folds accounts, keys, assistants and numbers. Keeps the assistants that were changed lately in memory."""

    def __init__(self, schema: str) -> None:
        self._statement = READ_ASSISTANTS.format(schema=schema)
        self._known: YoungOld[str, Assistant] = YoungOld(CACHED_CHARACTERS, _weigh)
        self._at_hand: dict[str, Assistant] = {}

    def decode(self, envelope: Envelope) -> Event | None:
        """
        Return the event; None if its type is not known and does not concern the read model.

        Raises:
            UnknownEventType: It does concern it.
            MalformedEvent: Its data is not what its type says.
        """
        try:
            return decode_event(envelope.type, envelope.dataschema, envelope.value)
        except UnknownEventType:
            if CONCERNS.isdisjoint(envelope.affects):
                return None
            raise

    async def load(self, connection: Connection, events: Sequence[tuple[Event, Arrival]]) -> None:
        """Bring the assistants into memory that `events` change."""
        self._at_hand = {}
        wanted: dict[str, None] = {}
        for event, _ in events:
            if not isinstance(event, AssistantCreated):
                wanted.update(dict.fromkeys(touched_assistants(event)))
        missing = []
        for assistant_id in wanted:
            assistant = self._known.get(assistant_id)
            if assistant is None:
                missing.append(assistant_id)
            else:
                self._at_hand[assistant_id] = assistant
        if missing:
            for (record,) in await connection.fetch(self._statement, missing):
                assistant = _decode_record(record)
                self._at_hand[assistant.id] = assistant

    def draft(self) -> ReadModelDraft:
        """Return an empty draft on top of what was kept."""
        return ReadModelDraft(self._at_hand, self._keep)

    def _keep(self, changed: Mapping[str, Assistant], deleted: Iterable[str]) -> None:
        self._known.update(changed)
        self._known.drop(deleted)
