"""Versions of assistants, and the history of phone numbers, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api import errors
from patchbay.api.description.assistants import WRITTEN, example_of_assistant
from patchbay.api.description.operation import Content, Key, Operation, Parameter, Schema
from patchbay.api.description.points import POINT
from patchbay.api.description.schemas import body_of, members, page_of, record_of, ref, success
from patchbay.api.description.values import (
    ACCOUNT,
    ACCOUNT_ID,
    ACCOUNT_SLUG,
    ASSISTANT,
    ASSISTANT_ID,
    ASSISTANT_PATH,
    FALLBACK,
    KEY,
    MOMENT,
    NUMBER_PATH,
    TIME,
    or_null,
)
from patchbay.api.reading.number_history import CHANGES, Happening
from patchbay.api.reading.versions import VersionRecord
from patchbay.assistants import rejections
from patchbay.assistants.body_rules import NUMBER_STATUSES
from patchbay.assistants.codec import TAGS as EVENT_TYPES
from patchbay.assistants.lifecycle_bodies import RESTORE_RULES

_ONE: Final = "/api/assistants/{assistantId}"
_VERSION: Final[Schema] = {"type": "integer", "minimum": 1}
_TYPE: Final[Schema] = {"type": "string", "enum": sorted(EVENT_TYPES)}
_COMMAND: Final = "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069"
_WORDS: Final = {
    "time": "Of the event; as `at` it includes the event.",
    "type": "Of the event.",
    "actor": "The key that acted; null: not told.",
    "reason": "What the change's `Patchbay-Reason` said.",
    "command_id": "Which command led to it.",
    "changed_fields": "What the event sets; of a creation, all of the configuration.",
    "restored_from": "The version whose configuration it has again; null: it restores none.",
    "assistant_id": "Who holds it from then on; null where that is nobody, or not what changed.",
    "previous_assistant_id": "Who held it until then.",
    "changes": "What became of `fallback` and `status`, if that is what changed.",
}
_VERSION_EXAMPLE: Final = {
    "version": 3,
    "time": TIME,
    "type": "AssistantUpdated",
    "actor": KEY,
    "reason": "Shorter greeting, ticket 4711",
    "command_id": _COMMAND,
    "changed_fields": ["first_message"],
    "restored_from": None,
}
_HAPPENING_EXAMPLE: Final[Mapping[str, object]] = {
    "time": TIME,
    "change": "assigned",
    "type": "NumbersAssigned",
    "account_id": ACCOUNT,
    "actor": KEY,
    "reason": None,
    "command_id": _COMMAND,
    "assistant_id": ASSISTANT,
    "previous_assistant_id": None,
    "changes": {},
}
_CHANGES: Final[Schema] = {
    "type": "object",
    "properties": {"fallback": FALLBACK, "status": {"type": "string", "enum": list(NUMBER_STATUSES)}},
    "additionalProperties": False,
}
TAGS: Final[Mapping[str, str]] = {}
RECORDS: Final[Mapping[str, Schema]] = {
    "Version": record_of(
        VersionRecord, {"version": _VERSION, "time": MOMENT, "type": _TYPE}, {**_WORDS, "version": "Its number."}
    ),
    "Happening": record_of(
        Happening,
        {
            "time": MOMENT,
            "change": {"type": "string", "enum": list(CHANGES)},
            "type": _TYPE,
            "account_id": ACCOUNT_ID,
            "assistant_id": or_null(ASSISTANT_ID),
            "previous_assistant_id": or_null(ASSISTANT_ID),
            "changes": _CHANGES,
        },
        {**_WORDS, "change": "What happened.", "account_id": "Whose the number was."},
    ),
}
_FAILURES: Final = (errors.OtherAccount, errors.NotFound)
_SHOWN: Final = success({"assistant": example_of_assistant()}, assistant=ref("Assistant"))
_END: Final = members(version=_VERSION, time=MOMENT)
_CHANGE: Final = members(field={"type": "string"}, **{"from": {}, "to": {}})


def _differences() -> Content:
    shown: dict[str, Schema] = {
        "assistant_id": ASSISTANT_ID,
        "from": _END,
        "to": _END,
        "changes": {"type": "array", "items": _CHANGE, "description": "In the record's order."},
    }
    example = {
        "assistant_id": ASSISTANT,
        "from": {"version": 2, "time": TIME},
        "to": {"version": 3, "time": TIME},
        "changes": [{"field": "temperature", "from": 0.7, "to": 0.4}],
    }
    schema = members(success={"const": True}, **shown)
    return Content(schema=schema, example={"success": True, **example})


OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("GET", f"{_ONE}/versions"): Operation(
        tag="Assistants",
        name="listVersions",
        summary="List what was changed, when, and by whom",
        words="One version for each event that touched it. Of a deleted assistant too.",
        path=ASSISTANT_PATH,
        query={
            "order": Parameter(
                words="Which comes first.", schema={"type": "string", "enum": ["newest", "oldest"], "default": "newest"}
            )
        },
        answer=page_of("versions", ref("Version"), _VERSION_EXAMPLE),
        answer_words="One page.",
        failures=_FAILURES,
    ),
    ("GET", f"{_ONE}/versions/{{version}}"): Operation(
        tag="Assistants",
        name="readVersion",
        summary="Read the assistant as a version left it",
        words="What reading it answered then. The version by which it was deleted is 404.",
        path={**ASSISTANT_PATH, "version": Parameter(words="Its number.", schema=_VERSION, example=1)},
        answer=_SHOWN,
        answer_words="The assistant.",
        answer_headers=("ETag",),
        failures=_FAILURES,
        if_none_match=True,
    ),
    ("GET", f"{_ONE}/diff"): Operation(
        tag="Assistants",
        name="compareVersions",
        summary="Compare two versions, field by field",
        path=ASSISTANT_PATH,
        query={
            "from": Parameter(
                words="A version or a time; without it the version before `to`.", schema=POINT, example="1"
            ),
            "to": Parameter(words="A version or a time; without it the newest version.", schema=POINT),
        },
        answer=_differences(),
        answer_words="The fields that differ.",
        failures=_FAILURES,
    ),
    ("POST", f"{_ONE}/restore"): Operation(
        tag="Assistants",
        name="restoreAssistant",
        summary="Give it the configuration of an earlier version again",
        words=(
            "A new version, which names the old one. Its phone numbers are left alone. If nothing differs, nothing "
            "changes. 409 if the catalogue has a provider of that version no longer."
        ),
        path=ASSISTANT_PATH,
        body=body_of(
            RESTORE_RULES,
            required=("accountSlug", "version"),
            words={"accountSlug": ACCOUNT_SLUG, "version": "Whose configuration."},
            example={"accountSlug": "my-team", "version": 1},
        ),
        answer=WRITTEN,
        answer_words="The whole assistant.",
        answer_headers=("ETag",),
        failures=(
            *_FAILURES,
            rejections.AccountNotOpened,
            rejections.AssistantNotFound,
            rejections.VersionNotFound,
            rejections.ProviderGone,
            rejections.ModelOfAnotherProvider,
        ),
        if_match=True,
    ),
    ("GET", "/api/phone-numbers/{id}/history"): Operation(
        tag="Phone numbers",
        name="listNumberHistory",
        summary="List what happened to a phone number",
        words="An account sees what was while it had the number; an operator's key sees all. The newest comes first.",
        path=NUMBER_PATH,
        answer=page_of("history", ref("Happening"), _HAPPENING_EXAMPLE),
        answer_words="One page.",
        failures=_FAILURES,
    ),
}
