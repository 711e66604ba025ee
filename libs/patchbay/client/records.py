"""What the API's answers hold, as types. A member that a later version of the API adds is passed over."""

from datetime import datetime
from typing import Any, TypedDict

import msgspec


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of a request, or one warning about a write that succeeded."""

    path: str = ""
    code: str = ""
    message: str = ""


class Assistant(msgspec.Struct, frozen=True, kw_only=True):
    """An assistant. Kinds and providers are texts: the API may come to know more of them."""

    id: str
    account_id: str
    name: str
    type: str
    model: str
    provider: str
    temperature: float
    max_tokens: int
    first_message: str | None
    system_prompt: str | None
    voice_provider: str
    voice_model: str | None
    voice_id: str | None
    voice_name: str | None
    transcriptor_provider: str
    transcriptor_model: str
    transcriptor_language: str
    recording_enabled: bool
    inbound_enabled: bool
    outbound_enabled: bool
    phone_number_ids: tuple[str, ...]
    version: int
    created_at: datetime
    updated_at: datetime
    warnings: tuple[Issue, ...] = ()  # of the write that this is the answer to; empty when read


class Configuration(TypedDict, total=False):
    """What of an assistant can be set; `None` clears a text that may be empty."""

    first_message: str | None
    system_prompt: str | None
    provider: str
    model: str
    temperature: float
    max_tokens: int
    voice_provider: str
    voice_model: str | None
    voice_id: str | None
    voice_name: str | None
    transcriptor_provider: str
    transcriptor_model: str
    transcriptor_language: str
    recording_enabled: bool
    inbound_enabled: bool
    outbound_enabled: bool


class Changes(Configuration, total=False):
    """What of an assistant can be changed."""

    name: str


class Filters(TypedDict, total=False):
    """Which assistants of an account, and in which order."""

    q: str  # part of the name, or an id
    type: str
    provider: str
    model: str
    voice_provider: str
    transcriptor_provider: str
    inbound_enabled: bool
    phone_number_id: str
    updated_since: datetime
    sort: str  # name | created_at | updated_at, with `-` before it from the end


class PhoneNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A phone number of an account."""

    id: str
    account_id: str
    phone_number: str  # E.164
    status: str  # active | suspended
    assistant_id: str | None
    created_at: datetime
    updated_at: datetime
    fallback: str | None = None  # where calls go that no assistant answers


class NumberChange(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a phone number."""

    time: datetime
    change: str  # registered | changed | assigned | unassigned | released
    type: str  # of its event
    account_id: str
    actor: str | None = None  # id of the key that acted
    reason: str | None = None
    command_id: str | None = None
    assistant_id: str | None = None  # who has it from then on, if that is what changed
    previous_assistant_id: str | None = None
    changes: dict[str, str | None] = {}  # of fallback and status


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account."""

    id: str
    slug: str
    name: str
    created_at: datetime


class AccountOverview(Account, frozen=True, kw_only=True):
    """An account with how much it has."""

    assistants: int
    phone_numbers: int


class OwnKey(msgspec.Struct, frozen=True, kw_only=True):
    """The key that asks."""

    id: str
    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    requests_per_hour: int | None


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and for which account; an operator's key has none of its own."""

    account: AccountOverview | None
    key: OwnKey


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key. `secret` is there once: in the answer that issued it."""

    id: str
    account_id: str | None  # None: an operator's
    name: str
    hint: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    requests_per_hour: int | None
    created_at: datetime
    revoked_at: datetime | None = None
    replaced_by: str | None = None  # the id of the key that has taken its place
    last_used_at: datetime | None = None
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Key(id={self.id!r}, name={self.name!r}, hint={self.hint!r}, …)"  # the secret is nobody's business


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a write."""

    id: str
    status: str  # pending | accepted | void
    waiting_for: tuple[str, ...] = ()  # projections that do not show it yet
    result: dict[str, Any] | None = None  # the write's answer, once every projection shows it


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a write would do to one field. `assistant_id` or `key_id`: of another record than the one shown."""

    field: str
    before: Any = msgspec.field(name="from", default=None)
    after: Any = msgspec.field(name="to", default=None)
    assistant_id: str | None = None
    key_id: str | None = None


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One edit of an assistant."""

    version: int
    time: datetime
    type: str  # of its event
    actor: str | None = None  # id of the key that acted
    reason: str | None = None
    command_id: str | None = None
    changed_fields: tuple[str, ...] = ()
    restored_from: int | None = None


class VersionPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One end of a comparison."""

    version: int
    time: datetime


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Which fields of an assistant differ between two versions."""

    assistant_id: str
    since: VersionPoint = msgspec.field(name="from")
    until: VersionPoint = msgspec.field(name="to")
    changes: tuple[FieldChange, ...]


class AuditChange(msgspec.Struct, frozen=True, kw_only=True):
    """A field before and after; `subject`: the assistant, number, key or account that has it."""

    subject: str
    field: str
    before: Any = msgspec.field(name="from", default=None)
    after: Any = msgspec.field(name="to", default=None)


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An event of an account, and what it changed."""

    time: datetime
    type: str
    subject: str
    actor: str | None = None  # id of the key that acted
    reason: str | None = None
    command_id: str | None = None
    stream: str = ""
    height: int = 0
    changes: tuple[AuditChange, ...] = ()


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What a write would lead to; nothing was written. `answer` is what it would answer."""

    changes: tuple[FieldChange, ...]
    answer: dict[str, Any]


class InboundRoute(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers a call to a number, or why nobody does."""

    phone_number: str  # E.164
    outcome: str  # routed | unassigned | inbound_disabled | suspended | unknown_number
    fallback: str | None = None
    account_id: str | None = None
    assistant_id: str | None = None
    assistant: Assistant | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted event. `cursor` is where the stream goes on behind it: keep it with what you made of the event."""

    id: str
    type: str
    source: str
    time: datetime
    stream: str = msgspec.field(name="partitionkey")
    sequence: str = ""  # its height in its stream, 20 digits
    subject: str | None = None
    actor: str | None = None
    reason: str | None = None
    data: dict[str, Any] = {}
    cursor: str = ""
