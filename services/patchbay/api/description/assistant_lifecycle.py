"""/api/assistants/{assistantId}: delete, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api import errors
from patchbay.api.description.operation import Key, Operation, Schema
from patchbay.api.description.schemas import success
from patchbay.api.description.values import ASSISTANT, ASSISTANT_ID, ASSISTANT_PATH, OF_ACCOUNT
from patchbay.assistants import rejections

TAGS: Final[Mapping[str, str]] = {}
RECORDS: Final[Mapping[str, Schema]] = {}

OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("DELETE", "/api/assistants/{assistantId}"): Operation(
        tag="Assistants",
        name="deleteAssistant",
        summary="Delete an assistant",
        words="Its numbers become free in the same event. Afterwards it is 404; the events of its past stay.",
        path=ASSISTANT_PATH,
        query=OF_ACCOUNT,
        answer=success(
            {"message": "The assistant is deleted.", "id": ASSISTANT}, message={"type": "string"}, id=ASSISTANT_ID
        ),
        answer_words="It is no more.",
        failures=(
            errors.OtherAccount,
            errors.NotFound,
            rejections.AccountNotOpened,
            rejections.AssistantNotFound,
        ),
        if_match=True,
    ),
}
