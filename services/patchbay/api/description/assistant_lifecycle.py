"""/api/assistants/{assistantId}: copy and delete, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api import errors
from patchbay.api.description.assistants import WRITTEN
from patchbay.api.description.operation import Key, Operation, Schema
from patchbay.api.description.schemas import body_of, success
from patchbay.api.description.values import ACCOUNT_SLUG, ASSISTANT, ASSISTANT_ID, ASSISTANT_PATH, OF_ACCOUNT
from patchbay.assistants import rejections
from patchbay.assistants.lifecycle_bodies import CLONE_RULES

TAGS: Final[Mapping[str, str]] = {}
RECORDS: Final[Mapping[str, Schema]] = {}

OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("POST", "/api/assistants/{assistantId}/clone"): Operation(
        tag="Assistants",
        name="cloneAssistant",
        summary="Create one that is configured like it",
        words="As it is when this is decided, without its numbers. `If-Match` is about the one that is copied.",
        path=ASSISTANT_PATH,
        body=body_of(
            CLONE_RULES,
            required=("accountSlug",),
            words={"accountSlug": ACCOUNT_SLUG, "name": "Of the new one; without it the other one's with ` (Copy)`."},
            example={"accountSlug": "my-team", "name": "Sales Agent, evenings"},
        ),
        answer=WRITTEN,
        answer_words="The new assistant.",
        answer_headers=("ETag",),
        failures=(
            errors.OtherAccount,
            errors.NotFound,
            rejections.AccountNotOpened,
            rejections.AssistantNotFound,
        ),
        if_match=True,
    ),
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
