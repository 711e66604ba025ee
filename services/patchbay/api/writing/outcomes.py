"""What can become of a write, and nothing else can."""

from typing import Literal

import msgspec

from patchbay.assistants.commands import Command
from patchbay.assistants.events import Event
from patchbay.assistants.states import Account, Number, Operators

State = Account | Number | Operators


class Position(msgspec.Struct, frozen=True):
    """Everything of a partition below `next_offset`."""

    partition: int
    next_offset: int


class CommandReference(msgspec.Struct, frozen=True):
    """All that is needed to tell later what became of a command: no memory of it is kept anywhere else."""

    stream: str
    height: int  # the highest height that a record of this command was appended under
    digest: str  # of that record
    command_id: str


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """A command on its way, with what goes into the envelope of its event."""

    stream: str
    command: Command
    command_id: str  # 64 hex digits: of account and idempotency key, or random
    request_digest: str  # 64 hex digits: of the request, to tell a repetition from a reuse of the key
    actor: str  # id of the key that acts
    account: str | None = None  # whose write it is; None: the stream's
    reason: str | None = None
    traceparent: str | None = None
    changes_routing: bool = False  # the answer waits for the routing table too
    repeats: bool = True  # it may have been sent before: the history is asked for its command id


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """
    The command's event is accepted and visible to every reader; or nothing had to change (`event` None).

    `state` is the loaded part of the stream right after the event (at the first effect's height when `replayed`).
    """

    event: Event | None
    state: State
    height: int
    position: Position
    time: str = ""
    replayed: bool = False


class CommandStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command. `written` is there when it is accepted and every projection shows it."""

    status: Literal["pending", "accepted", "void"]
    waiting_for: tuple[str, ...] = ()
    written: Written | None = None


class WriteFailed(Exception):
    """
    The write has no definite answer of the domain; a `Rejection` is raised as itself.

    Raised as one of::

        WriteFailed
        ├── Unavailable        nothing was sent, or nothing of it can ever land
        ├── Contended          others won every time; nothing took effect
        ├── Quarantined        the stream needs an operator; nothing took effect
        ├── KeyReused          the idempotency key stands for another request
        └── Unsettled          .reference tells later
            ├── Pending        in the log, not visible by the deadline
            └── OutcomeUnknown may still land
    """


class Unavailable(WriteFailed):
    """The log or the database is out of reach, or too busy. Nothing took effect and nothing will."""


class Contended(WriteFailed):
    """Other writers won the stream's next height each time. Nothing took effect and nothing will."""


class Quarantined(WriteFailed):
    """The stream is stopped or quarantined until an operator mends it. Nothing took effect and nothing will."""


class KeyReused(WriteFailed):
    """The idempotency key belongs to another request of this account."""


class Unsettled(WriteFailed):
    """There is no verdict yet; `reference` finds it later."""

    def __init__(self, reference: CommandReference, waiting_for: tuple[str, ...] = ()) -> None:
        super().__init__(f"no verdict yet at height {reference.height} of {reference.stream}")
        self.reference = reference
        self.waiting_for = waiting_for  # projections that have not passed it


class Pending(Unsettled):
    """The broker has acknowledged the record, but it is not visible by the deadline."""


class OutcomeUnknown(Unsettled):
    """A record was sent and not acknowledged: it may land at any time."""
