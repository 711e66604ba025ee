"""/api/assistants/by-name/{name}, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api import errors
from patchbay.api.description.assistants import BODY_WORDS, WRITTEN
from patchbay.api.description.operation import Key, Operation, Parameter, Schema
from patchbay.api.description.schemas import body_of
from patchbay.assistants import rejections
from patchbay.assistants.catalogue import shipped_catalogue
from patchbay.assistants.described import schema_of
from patchbay.assistants.lifecycle_bodies import NAME, declare_rules

TAGS: Final[Mapping[str, str]] = {}
RECORDS: Final[Mapping[str, Schema]] = {}

OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("PUT", "/api/assistants/by-name/{name}"): Operation(
        tag="Assistants",
        name="declareAssistant",
        summary="Say what the assistant of this name is to be",
        words=(
            "Creates it, or changes only what differs; where nothing does, nothing is written and it is answered as it "
            "is. Fields that are absent are the template's at a creation, and else stay as they are. Declarations that "
            "come at once make one assistant. `If-Match` goes on only if there is one at this version."
        ),
        path={"name": Parameter(words="The name, exactly, percent-encoded.", schema=schema_of(NAME), example="Sales")},
        headers={
            "If-None-Match": Parameter(
                words="`*`: only create it; 412 if there is one.", schema={"type": "string", "enum": ["*"]}
            )
        },
        body=body_of(
            declare_rules(shipped_catalogue()),
            required=("accountSlug",),
            words=BODY_WORDS,
            example={"accountSlug": "my-team", "templateId": "outbound-setter", "temperature": 0.4},
        ),
        answer=WRITTEN,
        answer_words="The whole assistant.",
        answer_headers=("ETag",),
        failures=(
            errors.OtherAccount,
            rejections.AccountNotOpened,
            rejections.AmbiguousName,
            rejections.TypeDiffers,
            rejections.ModelOfAnotherProvider,
            rejections.NameInUse,
            rejections.NothingToMatch,
        ),
        if_match=True,
    ),
}
