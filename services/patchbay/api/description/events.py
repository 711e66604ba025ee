"""/api/events, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api import errors
from patchbay.api.description.operation import Content, Key, Operation, Parameter, Schema
from patchbay.api.description.values import EVENT_ID, OF_ACCOUNT
from patchbay.assistants import rejections
from patchbay.assistants.codec import TAGS as EVENT_TYPES

_TYPE: Final = "|".join(sorted(EVENT_TYPES))
_SINCE: Final = "Go on behind the event with this id: nothing is missed, and nothing told twice."
_FRAME: Final = (
    "id: UlBaWvPSAuk\nevent: AssistantUpdated\n"
    'data: {"specversion":"1.0","type":"AssistantUpdated","data":{"temperature":0.4}}\n\n'
)
TAGS: Final = {"Events": "What happened, as it happens."}
RECORDS: Final[Mapping[str, Schema]] = {}

OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("GET", "/api/events"): Operation(
        tag="Events",
        name="followEvents",
        summary="Follow the account's events",
        words="Accepted events as server-sent events; the answer does not end. Comments keep an idle connection alive.",
        query={
            "accountSlug": Parameter(
                words="Whose. Without it the key's own account's; for an operator's key every account's.",
                schema=OF_ACCOUNT["accountSlug"].schema,
                example="my-team",
            ),
            "from": Parameter(
                words="Where to begin without an id.",
                schema={"type": "string", "enum": ["now", "beginning"], "default": "now"},
            ),
            "type": Parameter(
                words="Tell only these types, with commas between them.",
                schema={"type": "string", "pattern": f"^(?:{_TYPE})(?:,(?:{_TYPE}))*$"},
                example="AssistantUpdated,NumbersAssigned",
            ),
            "lastEventId": Parameter(words=_SINCE, schema=EVENT_ID),
        },
        headers={"Last-Event-ID": Parameter(words=_SINCE + " Counts more than `lastEventId`.", schema=EVENT_ID)},
        answer=Content(schema={"type": "string"}, media_types=("text/event-stream",), example=_FRAME),
        answer_words="Events, one after the other.",
        failures=(
            errors.OtherAccount,
            rejections.AccountNotOpened,
            errors.TooManyStreams,
            errors.NoMoreStreams,
        ),
    ),
}
