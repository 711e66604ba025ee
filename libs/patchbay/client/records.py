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


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account."""

    id: str
    slug: str
    name: str
    created_at: datetime


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
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Key(id={self.id!r}, name={self.name!r}, hint={self.hint!r}, …)"  # the secret is nobody's business


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a write."""

    id: str
    status: str  # pending | accepted | void
    waiting_for: tuple[str, ...] = ()  # projections that do not show it yet
    result: dict[str, Any] | None = None  # the write's answer, once every projection shows it


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
