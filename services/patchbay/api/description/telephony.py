"""/api/assistants/{assistantId}/telephony, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api import errors
from patchbay.api.description.assistants import ASSIGNMENT, WRITTEN
from patchbay.api.description.operation import Key, Operation, Schema
from patchbay.api.description.schemas import body_of
from patchbay.api.description.values import ACCOUNT_SLUG, ASSISTANT_PATH
from patchbay.assistants import rejections
from patchbay.assistants.lifecycle_bodies import SWITCH_RULES

_ON: Final = "/api/assistants/{assistantId}/telephony"
_BODY: Final = body_of(
    SWITCH_RULES,
    required=("accountSlug", "enabled"),
    words={"accountSlug": ACCOUNT_SLUG, "enabled": "On or off."},
    example={"accountSlug": "my-team", "enabled": True},
)
_FAILURES: Final = (
    errors.OtherAccount,
    errors.NotFound,
    rejections.AccountNotOpened,
    rejections.AssistantNotFound,
)
TAGS: Final[Mapping[str, str]] = {}
RECORDS: Final[Mapping[str, Schema]] = {}

OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("GET", f"{_ON}/phone-numbers"): Operation(
        tag="Assistants",
        name="readAssignment",
        summary="Read its phone numbers",
        path=ASSISTANT_PATH,
        answer=ASSIGNMENT,
        answer_words="The whole assistant, and the numbers that it has.",
        answer_headers=("ETag",),
        failures=(errors.OtherAccount, errors.NotFound),
        if_none_match=True,
    ),
    ("POST", f"{_ON}/inbound"): Operation(
        tag="Assistants",
        name="switchInbound",
        summary="Let it answer calls, or not",
        words="To answer calls it needs an active phone number: else 409.",
        path=ASSISTANT_PATH,
        body=_BODY,
        answer=WRITTEN,
        answer_words="The whole assistant.",
        answer_headers=("ETag",),
        failures=(*_FAILURES, rejections.InboundNeedsNumber),
        if_match=True,
    ),
    ("POST", f"{_ON}/outbound"): Operation(
        tag="Assistants",
        name="switchOutbound",
        summary="Let it make calls, or not",
        path=ASSISTANT_PATH,
        body=_BODY,
        answer=WRITTEN,
        answer_words="The whole assistant.",
        answer_headers=("ETag",),
        failures=_FAILURES,
        if_match=True,
    ),
}
