"""The events of account, number and operator streams: what happened, as it is stored."""

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fact that was decided. Its stored form is its JSON; the type's name stands in the envelope."""


class AccountOpened(Event, frozen=True, kw_only=True):
    """An account exists from here on. Height 1 of its stream; its slug never changes."""

    account_id: str
    slug: str
    name: str


class ReplacedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that another one takes the place of, and until when it may act beside it."""

    key_id: str
    expires_at: str  # ISO 8601, UTC, six digits; where an earlier end was set, that one counts


class KeyIssued(Event, frozen=True, kw_only=True):
    """A key may act. `account_id` is None for an operator's key (in the operators' stream)."""

    key_id: str
    account_id: str | None = None
    name: str
    secret_sha256: str  # 64 hex digits; the secret itself is never stored
    hint: str  # the first characters of the secret, for people to tell keys apart
    scopes: tuple[str, ...]
    expires_at: str | None = None  # ISO 8601, UTC, six digits
    requests_per_hour: int | None = None  # None = no limit
    replaces: ReplacedKey | msgspec.UnsetType = msgspec.UNSET  # both in one event: no crash leaves half a rotation


class KeyRevoked(Event, frozen=True, kw_only=True):
    """A key may no longer act."""

    key_id: str


class ClonedFrom(msgspec.Struct, frozen=True, kw_only=True):
    """Which assistant another was copied from, as it was at which version."""

    assistant_id: str
    version: int


class AssistantCreated(Event, frozen=True, kw_only=True):
    """An assistant exists, with its whole configuration as it was decided (version 1)."""

    assistant_id: str
    account_id: str
    name: str
    type: str  # the id of the template
    provider: str
    model: str
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
    cloned_from: ClonedFrom | msgspec.UnsetType = msgspec.UNSET


class AssistantUpdated(Event, frozen=True, kw_only=True):
    """Fields of an assistant changed. Holds only what changed: absent (UNSET) = unchanged, null = cleared."""

    assistant_id: str
    name: str | msgspec.UnsetType = msgspec.UNSET
    provider: str | msgspec.UnsetType = msgspec.UNSET
    model: str | msgspec.UnsetType = msgspec.UNSET
    temperature: float | msgspec.UnsetType = msgspec.UNSET
    max_tokens: int | msgspec.UnsetType = msgspec.UNSET
    first_message: str | msgspec.UnsetType | None = msgspec.UNSET
    system_prompt: str | msgspec.UnsetType | None = msgspec.UNSET
    voice_provider: str | msgspec.UnsetType = msgspec.UNSET
    voice_model: str | msgspec.UnsetType | None = msgspec.UNSET
    voice_id: str | msgspec.UnsetType | None = msgspec.UNSET
    voice_name: str | msgspec.UnsetType | None = msgspec.UNSET
    transcriptor_provider: str | msgspec.UnsetType = msgspec.UNSET
    transcriptor_model: str | msgspec.UnsetType = msgspec.UNSET
    transcriptor_language: str | msgspec.UnsetType = msgspec.UNSET
    recording_enabled: bool | msgspec.UnsetType = msgspec.UNSET
    inbound_enabled: bool | msgspec.UnsetType = msgspec.UNSET
    outbound_enabled: bool | msgspec.UnsetType = msgspec.UNSET
    restored_from: int | msgspec.UnsetType = msgspec.UNSET  # the version whose configuration it has again by this


class AssignedNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number and the registration (height of its `NumberRegistered`) that the assignment relies on."""

    number_id: str
    registration: int


class NumbersAssigned(Event, frozen=True, kw_only=True):
    """An assistant's whole new list of numbers, in the order given, and from whom some were taken."""

    assistant_id: str
    numbers: tuple[AssignedNumber, ...]
    taken_from: tuple[str, ...] = ()  # ids of the assistants that lose a number by this event


class AssistantDeleted(Event, frozen=True, kw_only=True):
    """An assistant is no more: it holds no number, answers no call, and nothing can be done to it. Its past stays."""

    assistant_id: str
    number_ids: tuple[str, ...] = ()  # the numbers that it held, which nobody holds by this event


class NumberRegistered(Event, frozen=True, kw_only=True):
    """A number belongs to an account. The event's height is the registration."""

    number_id: str
    phone_number: str  # E.164
    account_id: str


class NumberReleased(Event, frozen=True, kw_only=True):
    """A number belongs to nobody."""

    number_id: str
    account_id: str  # the account that had it


class NumberUpdated(Event, frozen=True, kw_only=True):
    """What becomes of calls to a number changed. Holds only what did: absent (UNSET) = unchanged, null = cleared."""

    number_id: str
    fallback: str | msgspec.UnsetType | None = msgspec.UNSET  # E.164 number, or SIP or SIPS URI
    status: str | msgspec.UnsetType = msgspec.UNSET  # active | suspended


class StreamMended(Event, frozen=True, kw_only=True):
    """An operator's word that the record which stopped this stream (`ce_mends`) was forged."""

    stream: str
    reason: str
