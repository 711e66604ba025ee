"""What an event changed, in one line for people."""

from collections.abc import Callable

import msgspec

from patchbay.assistants.codec import decode_event
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
from patchbay.cli.showing import TEXT_CHARACTERS, clean, quoted, short_id
from patchbay.eventlog import Envelope


class Style(msgspec.Struct, frozen=True):
    """How much of ids and texts is shown."""

    is_full: bool = False

    def id(self, text: str) -> str:
        """Return an id, shortened unless all is wanted."""
        return clean(text) if self.is_full else short_id(text)

    def text(self, text: str) -> str:
        """Return a text in quotes on one line, cut unless all is wanted."""
        return quoted(text, None if self.is_full else TEXT_CHARACTERS)


def describe(envelope: Envelope, style: Style) -> str:
    """Return what the event says; of an event that this version does not know, its JSON."""
    try:
        event = decode_event(envelope.type, envelope.dataschema, envelope.value)
    except (UnknownEventType, MalformedEvent):
        return style.text(envelope.value.decode("utf-8", "replace"))
    return _DESCRIPTIONS[type(event)](event, style)


def _account_opened(event: AccountOpened, style: Style) -> str:
    return f"{clean(event.slug)} {style.text(event.name)}"


def _key_issued(event: KeyIssued, style: Style) -> str:
    whose = "operators'" if event.account_id is None else "account's"
    limit = "no limit" if event.requests_per_hour is None else f"{event.requests_per_hour} an hour"
    ending = "" if event.expires_at is None else f", until {event.expires_at}"
    scopes = clean(",".join(event.scopes))
    if event.replaces is not msgspec.UNSET:
        ending += f", replaces {style.id(event.replaces.key_id)} from {clean(event.replaces.expires_at)} on"
    return f"{style.id(event.key_id)} {style.text(event.name)} {clean(event.hint)}… {whose}: {scopes}, {limit}{ending}"


def _key_revoked(event: KeyRevoked, style: Style) -> str:
    return style.id(event.key_id)


def _assistant_created(event: AssistantCreated, style: Style) -> str:
    enabled = [name for name in ("inbound", "outbound", "recording") if getattr(event, f"{name}_enabled")]
    return (
        f"{style.id(event.assistant_id)} {style.text(event.name)} from {clean(event.type)}: "
        f"{clean(event.provider)}/{clean(event.model)}, "
        f"voice {clean(event.voice_provider)}/{clean(event.voice_name or event.voice_id or '-')}, "
        f"{clean(event.transcriptor_provider)}/{clean(event.transcriptor_language)}, "
        f"{' and '.join(enabled) or 'nothing'} enabled"
    )


def _assistant_updated(event: AssistantUpdated, style: Style) -> str:
    changes = []
    for name in event.__struct_fields__[1:]:
        value = getattr(event, name)
        if value is msgspec.UNSET:
            continue
        shown = style.text(value) if isinstance(value, str) else msgspec.json.encode(value).decode()
        changes.append(f"{name}={shown}")
    return f"{style.id(event.assistant_id)} {' '.join(changes)}"


def _assistant_deleted(event: AssistantDeleted, style: Style) -> str:
    count = len(event.number_ids)
    freed = "" if not count else f", which frees {count} number{'' if count == 1 else 's'}"
    return f"{style.id(event.assistant_id)}{freed}"


def _numbers_assigned(event: NumbersAssigned, style: Style) -> str:
    shown = event.numbers if style.is_full else event.numbers[:3]
    listed = ", ".join(style.id(number.number_id) for number in shown) or "no numbers"
    more = f" and {len(event.numbers) - len(shown)} more" if len(event.numbers) > len(shown) else ""
    taken = ", ".join(style.id(assistant_id) for assistant_id in event.taken_from)
    return f"{style.id(event.assistant_id)} has {listed}{more}" + (f", taken from {taken}" if taken else "")


def _number_registered(event: NumberRegistered, style: Style) -> str:
    return f"{clean(event.phone_number)} for {style.id(event.account_id)}"


def _number_released(event: NumberReleased, style: Style) -> str:
    return f"{style.id(event.number_id)} by {style.id(event.account_id)}"


def _number_updated(event: NumberUpdated, style: Style) -> str:
    changes = [] if event.status is msgspec.UNSET else [f"status={clean(event.status)}"]
    if event.fallback is not msgspec.UNSET:
        changes.append(f"fallback={'null' if event.fallback is None else clean(event.fallback)}")
    return f"{style.id(event.number_id)} {' '.join(changes)}"


def _stream_mended(event: StreamMended, style: Style) -> str:
    return f"{style.id(event.stream)}: {style.text(event.reason)}"


_DESCRIPTIONS: dict[type[Event], Callable[..., str]] = {
    AccountOpened: _account_opened,
    KeyIssued: _key_issued,
    KeyRevoked: _key_revoked,
    AssistantCreated: _assistant_created,
    AssistantUpdated: _assistant_updated,
    AssistantDeleted: _assistant_deleted,
    NumbersAssigned: _numbers_assigned,
    NumberRegistered: _number_registered,
    NumberReleased: _number_released,
    NumberUpdated: _number_updated,
    StreamMended: _stream_mended,
}
