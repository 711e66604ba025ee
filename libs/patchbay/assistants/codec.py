"""How events are written and read: the names of types are data, never derived from class names."""

from typing import Final, NamedTuple

import msgspec

from patchbay.assistants.errors import MalformedEvent, UnknownEventType
from patchbay.assistants.events import (
    AccountOpened,
    AssistantCreated,
    AssistantDeleted,
    AssistantUpdated,
    Event,
    KeyIssued,
    KeyRevoked,
    NumberRegistered,
    NumberReleased,
    NumbersAssigned,
    NumberUpdated,
    StreamMended,
)

ROUTING: Final = "routing"
CONFIGURATION: Final = "configuration"
ACCESS: Final = "access"


class Tag(NamedTuple):
    """The name under which a type of event is stored, the version of its schema, and whom it concerns."""

    event: type[Event]
    version: int
    affects: tuple[str, ...]  # sorted; the most that an event of this type can concern
    subject: str  # the field that names what the event is about


TAGS: Final[dict[str, Tag]] = {
    "AccountOpened": Tag(AccountOpened, 1, (ACCESS,), "account_id"),
    "KeyIssued": Tag(KeyIssued, 1, (ACCESS,), "key_id"),
    "KeyRevoked": Tag(KeyRevoked, 1, (ACCESS,), "key_id"),
    "AssistantCreated": Tag(AssistantCreated, 1, (CONFIGURATION, ROUTING), "assistant_id"),
    "AssistantUpdated": Tag(AssistantUpdated, 1, (CONFIGURATION, ROUTING), "assistant_id"),
    "AssistantDeleted": Tag(AssistantDeleted, 1, (CONFIGURATION, ROUTING), "assistant_id"),
    "NumbersAssigned": Tag(NumbersAssigned, 1, (CONFIGURATION, ROUTING), "assistant_id"),
    "NumberRegistered": Tag(NumberRegistered, 1, (CONFIGURATION, ROUTING), "number_id"),
    "NumberReleased": Tag(NumberReleased, 1, (CONFIGURATION, ROUTING), "number_id"),
    "NumberUpdated": Tag(NumberUpdated, 1, (CONFIGURATION, ROUTING), "number_id"),
    "StreamMended": Tag(StreamMended, 1, (), "stream"),
}


def dataschema_of(type_name: str, version: int) -> str:
    """Return the URN of one version of the schema of a type."""
    return f"urn:patchbay:{type_name}:{version}"


_ENCODE: Final = msgspec.json.Encoder().encode
_NAMES: Final = {tag.event: (name, dataschema_of(name, tag.version), tag) for name, tag in TAGS.items()}
_DECODERS: Final = {
    (name, dataschema_of(name, tag.version)): msgspec.json.Decoder(tag.event) for name, tag in TAGS.items()
}


def type_of(event: Event) -> str:
    """Return the name under which `event` is stored."""
    return _NAMES[type(event)][0]


def encode_event(event: Event) -> tuple[str, str, tuple[str, ...], bytes]:
    """Return the type's name, the schema's URN, whom the event concerns (sorted), and its JSON."""
    name, dataschema, tag = _NAMES[type(event)]
    return name, dataschema, _affects(event, tag), _ENCODE(event)


def _affects(event: Event, tag: Tag) -> tuple[str, ...]:
    # Routing looks at nothing of an assistant's configuration but whether it answers calls.
    if isinstance(event, AssistantUpdated) and event.inbound_enabled is msgspec.UNSET:
        return (CONFIGURATION,)
    if isinstance(event, AssistantCreated) and not event.inbound_enabled:
        return (CONFIGURATION,)
    return tag.affects


def decode_event(type_name: str, dataschema: str | None, data: bytes) -> Event:
    """
    Read an event. Members that this version does not know are passed over: schemas grow by optional fields.

    Raises:
        UnknownEventType: No such type, or no such version of it.
        MalformedEvent: `data` is not what the type says.
    """
    decoder = _DECODERS.get((type_name, dataschema or ""))
    if decoder is None:
        raise UnknownEventType(type_name, dataschema)
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedEvent(type_name, str(error)) from error


def subject_of(event: Event) -> str:
    """Return the id of what `event` is about: an assistant, a number, a key, an account or a stream."""
    subject: str = getattr(event, _NAMES[type(event)][2].subject)
    return subject


def touched_assistants(event: Event) -> tuple[str, ...]:
    """Return the ids of the assistants whose version moves by `event`, the one it is about first."""
    if isinstance(event, NumbersAssigned):
        return (event.assistant_id, *event.taken_from)
    if isinstance(event, AssistantCreated | AssistantUpdated | AssistantDeleted):
        return (event.assistant_id,)
    return ()
