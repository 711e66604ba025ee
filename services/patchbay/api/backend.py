"""What handlers stand on: one object, put together in `__main__` and never changed afterwards."""

from typing import Protocol

import msgspec

from patchbay.api.authentication import KeyRing
from patchbay.api.description.published import Published
from patchbay.api.feed.feed import Feed
from patchbay.api.limits.rate_limits import RateLimits
from patchbay.api.limits.write_limits import WriteLimits
from patchbay.api.list_cursors import ListCursors
from patchbay.api.reading.accounts import Accounts
from patchbay.api.reading.assistants import Assistants
from patchbay.api.reading.audit import AuditTrail
from patchbay.api.reading.commands import Commands
from patchbay.api.reading.events import Events
from patchbay.api.reading.inbound import Inbound
from patchbay.api.reading.listing import AssistantLists
from patchbay.api.reading.log_times import LogTimes
from patchbay.api.reading.number_history import NumberHistory
from patchbay.api.reading.numbers import Numbers
from patchbay.api.reading.positions import Positions
from patchbay.api.reading.snapshots import Snapshots
from patchbay.api.reading.versions import Versions
from patchbay.api.tokens import Tokens
from patchbay.api.writing.outcomes import CommandReference, CommandStatus, Write, Written
from patchbay.api.writing.rehearsing import Rehearsal
from patchbay.process import Health


class Executes(Protocol):
    """The way from a command to its verdict."""

    async def execute(self, write: Write, *, deadline: float) -> Written:
        """Carry out a command."""

    async def rehearse(self, write: Write, *, deadline: float) -> Rehearsal:
        """Tell what a command would lead to; nothing is appended."""

    async def recall(self, write: Write, *, deadline: float) -> Written | None:
        """Return what a repeated command has led to."""

    async def look_up(self, reference: CommandReference) -> CommandStatus:
        """Return what became of a command."""


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a handler may use."""

    log_id: str
    operators_stream: str
    tokens: Tokens
    key_ring: KeyRing
    rate_limits: RateLimits
    write_limits: WriteLimits
    writer: Executes
    assistants: Assistants
    numbers: Numbers
    accounts: Accounts
    inbound: Inbound
    versions: Versions
    number_history: NumberHistory
    audit: AuditTrail
    log_times: LogTimes
    commands: Commands
    lists: AssistantLists
    list_cursors: ListCursors
    positions: Positions
    snapshots: Snapshots
    events: Events
    feed: Feed
    health: Health
    published: Published
    write_seconds: float = (
        4.0  # from the request to its answer, whatever hangs; below the 5 s that clients are promised
    )
    after_seconds: float = 4.0  # how long a GET waits for the position of its Patchbay-After
