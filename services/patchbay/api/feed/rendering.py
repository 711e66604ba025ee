"""Whose an event is, and how it reads: CloudEvents in structured JSON, with nothing secret in it."""

from typing import Any, Final

import msgspec

from patchbay.api.reading.events import AcceptedEvent
from patchbay.assistants import ids
from patchbay.projection.history import decode_headers

REGISTERED: Final = "NumberRegistered"

_ACCOUNT: Final = ids.ACCOUNT + "_"
_NUMBER: Final = ids.NUMBER + "_"
_HIDDEN: Final = "secret"  # how a member's name begins that is not shown, in events of any type


class _Owned(msgspec.Struct):
    account_id: str


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event as it is told. Whatever else its envelope holds is for those who read the log."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str | None = None
    time: str
    datacontenttype: str = ""
    dataschema: str | None = None
    sequence: str  # its height in its stream, 20 digits
    partitionkey: str  # its stream
    digest: str
    actor: str | None = None
    affects: str | None = None
    reason: str | None = None
    traceparent: str | None = None
    data: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


_owned: Final = msgspec.json.Decoder(_Owned).decode
_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_any_members: Final = msgspec.json.Decoder(dict[str, Any]).decode
_encode: Final = msgspec.json.Encoder().encode
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def owner_of(event: AcceptedEvent) -> str | None:
    """
    Return the account that is told of the event, None if there is none.

    A number's events are its owner's, from its registration to its release, both included.
    """
    if event.stream.startswith(_ACCOUNT):
        return event.stream
    if not event.stream.startswith(_NUMBER) or event.owner_value is None:
        return None
    if event.owner_type != REGISTERED and event.owner_height != event.height:
        return None  # after its release
    try:
        return _owned(event.owner_value).account_id
    except _UNREADABLE:
        return None


def render(event: AcceptedEvent) -> bytes:
    """Return the lines of an event but its id: one `event:`, one `data:`, and an empty one."""
    headers = dict(decode_headers(event.headers))

    def text(name: str) -> str | None:
        content = headers.get(name)
        return None if content is None else content.decode("utf-8", "replace")

    data = _data_of(event.value)
    told = CloudEvent(
        specversion=text("ce_specversion") or "",
        id=text("ce_id") or "",
        source=text("ce_source") or "",
        type=event.type,
        subject=text("ce_subject"),
        time=text("ce_time") or "",
        datacontenttype="application/json" if data is not msgspec.UNSET else "",
        dataschema=text("ce_dataschema"),
        sequence=text("ce_sequence") or "",
        partitionkey=event.stream,
        digest=text("ce_digest") or "",
        actor=text("ce_actor"),
        affects=text("ce_affects"),
        reason=text("ce_reason"),
        traceparent=text("traceparent"),
        data=data,
    )
    return b"event: %b\ndata: %b\n\n" % (event.type.encode(), _encode(told))


def _data_of(value: bytes) -> dict[str, Any] | msgspec.UnsetType:
    """Return the members that may be shown; UNSET where the event holds no JSON object: it is told without."""
    try:
        value.decode()
        # A line end may stand between members; inside them it cannot be told from a line's end of ours.
        has_lines = b"\n" in value or b"\r" in value
        members: dict[str, Any] = _any_members(value) if has_lines else _members(value)
    except _UNREADABLE:
        return msgspec.UNSET
    return {name: content for name, content in members.items() if not name.lower().startswith(_HIDDEN)}
