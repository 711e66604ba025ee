"""/api/commands, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api import errors
from patchbay.api.description.operation import Key, Operation, Parameter, Schema
from patchbay.api.description.schemas import members, success
from patchbay.api.description.values import COMMAND_TOKEN
from patchbay.api.reading.positions import READ_MODEL, ROUTING

_EXAMPLE: Final = "cmd_3q2-796tvu_erb7v3q2-75q3jK9e"
_WAITING_FOR: Final[Schema] = {
    "type": "array",
    "items": {"type": "string", "enum": [READ_MODEL, ROUTING]},
    "description": "The projections that do not show it yet.",
}
TAGS: Final = {"Commands": "What became of a write whose answer was 202, 503 `outcome_unknown`, or lost."}
RECORDS: Final[Mapping[str, Schema]] = {
    "Pending": {
        "description": "It is in the log, and not visible yet.",
        **members(
            success={"const": True},
            pending={"const": True},
            command=members(id=COMMAND_TOKEN, status={"const": "pending"}, waiting_for=_WAITING_FOR),
        ),
    },
}

OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("GET", "/api/commands/{commandId}"): Operation(
        tag="Commands",
        name="readCommand",
        summary="Ask what became of a write",
        path={"commandId": Parameter(words="From the write's `Location`.", schema=COMMAND_TOKEN, example=_EXAMPLE)},
        answer=success(
            {"command": {"id": _EXAMPLE, "status": "accepted", "waiting_for": ["routing"], "result": None}},
            command=members(
                id=COMMAND_TOKEN,
                status={
                    "type": "string",
                    "enum": ["pending", "accepted", "void"],
                    "description": (
                        "`pending`: no verdict yet; a repetition with the same `Idempotency-Key` settles it. "
                        "`accepted`: it is in the log. `void`: it never took effect; send it again."
                    ),
                },
                waiting_for=_WAITING_FOR,
                result={
                    "type": ["object", "null"],
                    "description": "The write's answer, once it is accepted and visible everywhere.",
                },
            ),
        ),
        answer_words="What is known of it.",
        failures=(errors.NotFound,),
    ),
}
