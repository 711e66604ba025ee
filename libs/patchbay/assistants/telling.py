"""What an event says of the one thing that it is about, field by field, for whoever looks back at what was changed."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

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

HOLDS: Final = "phone_number_ids"  # of an assistant
HOLDER: Final = "assistant_id"  # of a phone number
OF_EVENTS: Final = frozenset({"restored_from", "cloned_from"})  # say where values are from: nothing was there before
_SECRET: Final = "secret"  # noqa: S105 - how the name of a member begins that is shown to nobody
_OWN_IDS: Final = frozenset({"assistant_id", "number_id", "key_id"})

Fields = Mapping[str, Any]


def told_fields(event: Event) -> Fields:
    """
    Return each field that `event` sets of what it is about, as JSON values; nothing secret, nor its own id.

    Of an assignment: the assistant's own list. Who loses numbers by it, it does not say.
    """
    match event:
        case NumbersAssigned():
            return {HOLDS: [number.number_id for number in event.numbers]}
        case AssistantDeleted():
            return {HOLDS: [], "deleted": True}
        case NumberRegistered():
            return {"phone_number": event.phone_number, "account_id": event.account_id, "status": "active"}
        case NumberReleased():
            return {"account_id": None}
        case KeyRevoked():
            return {"revoked": True}
        case _:
            members: dict[str, Any] = msgspec.to_builtins(event)
            return {name: value for name, value in members.items() if not _is_hidden(name)}


def _is_hidden(name: str) -> bool:
    return name.startswith(_SECRET) or name in _OWN_IDS


_WHOLE: Final = (AccountOpened, AssistantCreated, AssistantUpdated, KeyIssued, NumberUpdated, StreamMended)
TOLD_FIELDS: Final = frozenset(
    {HOLDS, HOLDER, "deleted", "revoked", "phone_number", "account_id", "status"}
    | {name for event in _WHOLE for name in event.__struct_fields__ if not _is_hidden(name)}
)
