"""/api/assistants, in words."""

from collections.abc import Mapping
from typing import Final

import msgspec

from patchbay.api import errors
from patchbay.api.description.operation import Key, Link, Operation, Schema
from patchbay.api.description.points import AT_OF_ASSISTANT
from patchbay.api.description.schemas import body_of, record_of, ref, success
from patchbay.api.description.values import (
    ACCOUNT,
    ACCOUNT_ID,
    ACCOUNT_SLUG,
    ASSISTANT,
    ASSISTANT_ID,
    ASSISTANT_PATH,
    MOMENT,
    NUMBER,
    NUMBER_ID,
    TIME,
)
from patchbay.assistants import rejections
from patchbay.assistants.body_rules import ASSIGN_RULES, create_rules, update_rules
from patchbay.assistants.catalogue import shipped_catalogue
from patchbay.assistants.configuration import template_configuration
from patchbay.assistants.states import Assistant
from patchbay.assistants.templates import TEMPLATE_IDS

FIELD_WORDS: Final[Mapping[str, str]] = {
    "name": "1 to 200 characters, one line; blanks around it are cut off. Several assistants may have the same.",
    "type": "The template that it was made from.",
    "model": "The language model. Models that the catalogue does not know are taken too.",
    "provider": "Who runs the language model. A change that names no model takes the provider's default.",
    "temperature": "How much chance there is in what it says: 0 none, 2 most.",
    "max_tokens": "The bound of one answer of the model.",
    "first_message": "What it says first; null: it waits. May hold variables such as {{contact.first_name}}.",
    "system_prompt": "What it is told about its task. May hold variables such as {{company.name}}.",
    "voice_provider": "Who runs the voice. A change that names no voice takes the provider's default.",
    "voice_model": "The model of the voice, one line of at most 200 characters.",
    "voice_id": "The provider's id of the voice.",
    "voice_name": "The voice's name, for people.",
    "transcriptor_provider": "Who turns speech into text.",
    "transcriptor_model": "The model that does.",
    "transcriptor_language": "What callers speak: a BCP-47 tag.",
    "recording_enabled": "Calls are recorded.",
    "inbound_enabled": "It answers calls to its phone numbers.",
    "outbound_enabled": "It may call.",
    "phone_number_ids": "The numbers that it has.",
    "version": "Counts the events that touched it; the ETag.",
    "created_at": "When it was created.",
    "updated_at": "When its newest version came to be.",
}
BODY_WORDS: Final = {
    **FIELD_WORDS,
    "accountSlug": ACCOUNT_SLUG,
    "templateId": "What it is to begin with; without it: `custom`. Fields given beside it count more.",
    "phoneNumberIds": "The whole new list; `[]` takes all away.",
    "reassign": "Take numbers away from other assistants of the account that hold them.",
}
_CREATION_EXAMPLE: Final = {"accountSlug": "my-team", "name": "Sales Agent", "templateId": "outbound-setter"}


def example_of_assistant(*number_ids: str) -> object:
    """Return the record that the creation's example leads to, with a shorter prompt."""
    configuration = dict(template_configuration("outbound-setter", shipped_catalogue()))
    configuration["system_prompt"] = "You are a friendly outbound sales assistant …"
    assistant = Assistant(
        id=ASSISTANT,
        account_id=ACCOUNT,
        name="Sales Agent",
        type="outbound-setter",
        phone_number_ids=number_ids,
        version=2 if number_ids else 1,
        created_at=TIME,
        updated_at=TIME,
        **configuration,  # type: ignore[arg-type] # the template's fields are the record's
    )
    return msgspec.to_builtins(assistant)


WARNINGS: Final[Schema] = {
    "type": "array",
    "items": ref("Issue"),
    "minItems": 1,
    "description": "What was taken and yet is worth a word: a model that is being shut down, an unknown variable.",
}
TAGS: Final = {"Assistants": "Who talks on the phone: model, voice, prompt, and the numbers that are answered."}
RECORDS: Final[Mapping[str, Schema]] = {
    "Assistant": record_of(
        Assistant,
        {
            "id": ASSISTANT_ID,
            "account_id": ACCOUNT_ID,
            "type": {"type": "string", "enum": list(TEMPLATE_IDS)},
            "phone_number_ids": {"type": "array", "items": NUMBER_ID},
            "version": {"type": "integer", "minimum": 1},
            "created_at": MOMENT,
            "updated_at": MOMENT,
        },
        FIELD_WORDS,
    )
}
WRITTEN: Final = success(
    {"assistant": example_of_assistant()}, optional=("warnings",), assistant=ref("Assistant"), warnings=WARNINGS
)
ASSIGNMENT: Final = success(
    {
        "message": "The assistant has 1 phone number.",
        "phoneNumberIds": [NUMBER],
        "assistant": example_of_assistant(NUMBER),
    },
    optional=("warnings",),
    message={"type": "string"},
    phoneNumberIds={"type": "array", "items": NUMBER_ID},
    assistant=ref("Assistant"),
    warnings=WARNINGS,
)
_LINKS: Final[Mapping[str, Link]] = {
    name: Link(to=(method, path), parameters={"assistantId": "$response.body#/assistant/id"})
    for name, method, path in (
        ("read", "GET", "/api/assistants/{assistantId}"),
        ("change", "PATCH", "/api/assistants/{assistantId}"),
        ("assignNumbers", "PATCH", "/api/assistants/{assistantId}/telephony/phone-numbers"),
    )
}
_REJECTIONS: Final = (errors.OtherAccount, rejections.AccountNotOpened, rejections.AssistantNotFound)

OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("POST", "/api/assistants"): Operation(
        tag="Assistants",
        name="createAssistant",
        summary="Create an assistant",
        words="It begins as its template says; any field that a change takes may stand beside it.",
        body=body_of(
            create_rules(shipped_catalogue()),
            required=("accountSlug", "name"),
            words=BODY_WORDS,
            example=_CREATION_EXAMPLE,
        ),
        answer=WRITTEN,
        answer_words="The whole assistant.",
        answer_headers=("ETag",),
        failures=(errors.OtherAccount, rejections.AccountNotOpened, rejections.ModelOfAnotherProvider),
        links=_LINKS,
    ),
    ("GET", "/api/assistants/{assistantId}"): Operation(
        tag="Assistants",
        name="readAssistant",
        summary="Read an assistant",
        path=ASSISTANT_PATH,
        query={"at": AT_OF_ASSISTANT},
        answer=success({"assistant": example_of_assistant()}, assistant=ref("Assistant")),
        answer_words="The assistant.",
        answer_headers=("ETag",),
        failures=(errors.OtherAccount, errors.NotFound),
        if_none_match=True,
    ),
    ("PATCH", "/api/assistants/{assistantId}"): Operation(
        tag="Assistants",
        name="changeAssistant",
        summary="Change what is named",
        words=(
            "Absent is unchanged; `null` clears a text that may be empty. Changes to different fields by different "
            "clients both survive. A change that changes nothing makes no version."
        ),
        path=ASSISTANT_PATH,
        body=body_of(
            update_rules(shipped_catalogue()),
            required=("accountSlug",),
            words=BODY_WORDS,
            example={"accountSlug": "my-team", "temperature": 0.4, "first_message": "Good morning! How can I help?"},
            is_patch=True,
        ),
        answer=WRITTEN,
        answer_words="The whole assistant.",
        answer_headers=("ETag",),
        failures=(*_REJECTIONS, errors.NotFound, rejections.ModelOfAnotherProvider),
        if_match=True,
    ),
    ("PATCH", "/api/assistants/{assistantId}/telephony/phone-numbers"): Operation(
        tag="Assistants",
        name="assignPhoneNumbers",
        summary="Replace its phone numbers",
        words="When it has answered, the next call to each number goes to the assistant, if it has `inbound_enabled`.",
        path=ASSISTANT_PATH,
        body=body_of(
            ASSIGN_RULES,
            required=("accountSlug", "phoneNumberIds"),
            words=BODY_WORDS,
            example={"accountSlug": "my-team", "phoneNumberIds": [NUMBER], "reassign": False},
            is_patch=True,
        ),
        answer=ASSIGNMENT,
        answer_words="The whole assistant, and the numbers that it has now.",
        answer_headers=("ETag",),
        failures=(*_REJECTIONS, errors.NotFound, rejections.NumberNotFound, rejections.NumberTaken),
        if_match=True,
    ),
}
