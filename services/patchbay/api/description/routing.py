"""/api/routing, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api import errors
from patchbay.api.description.assistants import example_of_assistant
from patchbay.api.description.operation import Content, Key, Operation, Parameter, Schema
from patchbay.api.description.points import AT_OF_NUMBER
from patchbay.api.description.schemas import ref, success
from patchbay.api.description.values import (
    ACCOUNT,
    ACCOUNT_ID,
    ASSISTANT,
    ASSISTANT_ID,
    E164,
    FALLBACK,
    NUMBER,
    PHONE_NUMBER,
    or_null,
)
from patchbay.assistants.described import schema_of
from patchbay.assistants.formats import phone_number
from patchbay.callrouting import SNAPSHOT_TYPE

_OUTCOMES: Final = ("routed", "unassigned", "inbound_disabled", "suspended", "unknown_number")
TAGS: Final = {
    "Routing": "Which assistant answers which phone number. Routers read the same as SQL, or keep it in memory."
}
RECORDS: Final[Mapping[str, Schema]] = {}

OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("GET", "/api/routing/inbound/{e164}"): Operation(
        tag="Routing",
        name="lookUpInbound",
        summary="Who answers a call to a number, or why nobody does",
        words="Another account's number is as one that nobody has. An operator's key looks up every account's.",
        path={
            "e164": Parameter(
                words="The phone number, with `+` or `%2B`.", schema=schema_of(phone_number), example=E164
            )
        },
        query={"at": AT_OF_NUMBER},
        answer=success(
            {
                "phone_number": E164,
                "outcome": "routed",
                "fallback": None,
                "account_id": ACCOUNT,
                "assistant_id": ASSISTANT,
                "assistant": example_of_assistant(NUMBER),
            },
            phone_number=PHONE_NUMBER,
            outcome={"type": "string", "enum": list(_OUTCOMES)},
            fallback={**FALLBACK, "description": "Where else to send the call; null: nowhere, or it is routed."},
            account_id=or_null(ACCOUNT_ID),
            assistant_id=or_null(ASSISTANT_ID),
            assistant={
                "anyOf": [ref("Assistant"), {"type": "null"}],
                "description": "Who answers, with its configuration; null unless routed.",
            },
        ),
        answer_words="The outcome.",
    ),
    ("GET", "/api/routing/snapshot"): Operation(
        tag="Routing",
        name="readRoutingSnapshot",
        summary="The whole table, for routers that keep their own",
        words='Lines of JSON arrays, as one moment had them; the last is `["end", lines]`.',
        answer=Content(schema={"type": "string"}, media_types=(SNAPSHOT_TYPE,)),
        answer_words="The table.",
        failures=(errors.SnapshotsBusy,),
    ),
}
