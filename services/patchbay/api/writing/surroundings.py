"""The seams of the writing engine: what a stream needs of the log, the database and the projections."""

from typing import Protocol

import msgspec

from patchbay.api.writing.attempts import PendingRecord
from patchbay.api.writing.outcomes import CommandReference, CommandStatus, Written
from patchbay.api.writing.remembering import Memory
from patchbay.api.writing.rivals import Rivals
from patchbay.api.writing.snapshot import Loaded, Wanted
from patchbay.assistants.catalogue import Catalogue
from patchbay.eventlog.contract import Appender


class Loads(Protocol):
    """What brings a stream's state (see `Loader`)."""

    async def load(self, wanted: Wanted) -> Loaded:
        """Return the stream as the database shows it after this call began."""


class Watches(Protocol):
    """What tells records their verdicts (see `Settler`), and hears of other copies' events."""

    rivals: Rivals

    def watch(self, record: PendingRecord) -> None:
        """Tell this record its verdict."""

    @property
    def is_full(self) -> bool:
        """True if so much waits for its verdict that nothing more may be written."""


class Replays(Protocol):
    """What tells again what an accepted command did (see `Replayer`)."""

    async def replay(self, stream: str, height: int, *, routed: bool) -> Written:
        """Return the effect of the event at this height, once readers see it."""

    async def routed(self, stream: str, height: int) -> None:
        """Return once the routing table shows the stream at this height."""

    async def look_up(self, reference: CommandReference) -> CommandStatus:
        """Return what became of a command."""


class Surroundings(msgspec.Struct, frozen=True):
    """The parts that every stream of this copy shares."""

    loader: Loads
    appender: Appender
    settler: Watches
    replayer: Replays
    memory: Memory
    catalogue: Catalogue | None = None  # the providers in force; None = as shipped
