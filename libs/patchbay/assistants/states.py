"""What `decide` may know: the parts of an account, of a number and of the operators that were loaded."""

from collections.abc import Mapping

import msgspec


class Assistant(msgspec.Struct, frozen=True, kw_only=True):
    """The public record of an assistant; its JSON, in this field order, is the body that clients see."""

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
    version: int  # counts the events that touched this assistant, one that takes a number away included
    created_at: str  # ISO 8601, UTC, six digits: exactly the event's time
    updated_at: str


def differing_fields(before: Assistant, after: Assistant) -> tuple[str, ...]:
    """Return the fields a client can set that differ, `phone_number_ids` included, in the record's order."""
    return tuple(
        field
        for field in Assistant.__struct_fields__
        if field not in _SET_BY_EVENTS and getattr(before, field) != getattr(after, field)
    )


_SET_BY_EVENTS = frozenset({"id", "account_id", "type", "version", "created_at", "updated_at"})


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """Which assistant of the account holds a number, under which registration."""

    assistant_id: str
    registration: int


class OwnedNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number of this account, as read from the number's stream: may be overtaken, and is then harmless."""

    id: str
    phone_number: str
    registration: int
    status: str  # active | suspended


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key, without its secret."""

    id: str
    account_id: str | None
    name: str
    hint: str
    scopes: tuple[str, ...]
    expires_at: str | None
    requests_per_hour: int | None
    created_at: str
    revoked_at: str | None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """
    The loaded part of an account's stream.

    A part that was not loaded is absent from its mapping; `None` in a mapping means loaded, and not there. `evolve`
    keeps what is loaded true and loads nothing, so parts may be added at any height.
    """

    id: str
    slug: str | None = None  # None: not opened
    name: str | None = None
    created_at: str | None = None
    assistants: Mapping[str, Assistant | None] = {}
    holders: Mapping[str, Holding | None] = {}  # by number id
    numbers: Mapping[str, OwnedNumber | None] = {}  # by number id; of other streams: `evolve` never touches it
    keys: Mapping[str, Key | None] = {}
    named: Mapping[str, tuple[str, ...]] = {}  # by name: all assistants that have it, sorted; () = none


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """The whole state of a number's stream; `account_id` None: it belongs to nobody."""

    id: str
    phone_number: str | None = None
    account_id: str | None = None
    registration: int = 0  # height of the NumberRegistered in force
    status: str = "active"
    fallback: str | None = None  # where calls go that no assistant answers: an E.164 number, or a SIP or SIPS URI
    created_at: str | None = None
    updated_at: str | None = None


class Operators(msgspec.Struct, frozen=True, kw_only=True):
    """The loaded part of the operators' stream."""

    keys: Mapping[str, Key | None] = {}
