"""/api/audit, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api import errors
from patchbay.api.description.operation import Key, Operation, Parameter, Schema
from patchbay.api.description.schemas import page_of, record_of, ref
from patchbay.api.description.values import ASSISTANT, ASSISTANT_ID, KEY, MOMENT, NUMBER, NUMBER_ID, OF_ACCOUNT, TIME
from patchbay.api.handlers.audit import RULES
from patchbay.api.reading.audit import LOOKED_AT_EVENTS, AuditChange, AuditEntry
from patchbay.assistants import rejections
from patchbay.assistants.described import schema_of
from patchbay.assistants.telling import TOLD_FIELDS

_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_PARAMETERS: Final[Mapping[str, Parameter]] = {
    "since": Parameter(words="At this time or later.", schema=_TIME, example=TIME),
    "until": Parameter(words="At this time or earlier.", schema=_TIME),
    "field": Parameter(
        words="Only what changed this field, and of it no other.",
        schema=schema_of(RULES["field"]),
        example="system_prompt",
    ),
    "actor": Parameter(words="Only what was done with this key, by its id.", schema=schema_of(RULES["actor"])),
    "assistant_id": Parameter(words="Only of this assistant, also of one that is no more.", schema=ASSISTANT_ID),
    "phone_number_id": Parameter(
        words="Only of this phone number, while it was the account's. Not with `assistant_id`.", schema=NUMBER_ID
    ),
}
_EXAMPLE: Final = {
    "time": TIME,
    "type": "AssistantUpdated",
    "subject": ASSISTANT,
    "actor": KEY,
    "reason": "Shorter greeting, ticket 4711",
    "command_id": "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069",
    "stream": "acct_2ncsmf3y4xgm790svk6zs5v4r0",
    "height": 17,
    "changes": [{"subject": ASSISTANT, "field": "temperature", "from": 0.7, "to": 0.4}],
}
TAGS: Final = {"Audit": "Who changed what, when and why."}
RECORDS: Final[Mapping[str, Schema]] = {
    "AuditChange": record_of(
        AuditChange,
        {
            "subject": {"type": "string", "examples": [ASSISTANT, NUMBER]},
            "field": {"type": "string", "enum": sorted(TOLD_FIELDS)},
            "from": {},
            "to": {},
        },
        {"subject": "Whose field: an assistant's, a number's, a key's or the account's.", "from": "null: not set."},
    ),
    "AuditEntry": record_of(
        AuditEntry,
        {"time": MOMENT, "changes": {"type": "array", "items": ref("AuditChange")}},
        {
            "type": "Of the event; there may come to be more of them.",
            "subject": "What the event is about: an assistant, a number, a key or the account.",
            "actor": "The key that acted; null: not told.",
            "reason": "What the change's `Patchbay-Reason` said.",
            "command_id": "Which command led to it.",
            "stream": "The chain in the log that has the event: the account's, or a number's.",
            "height": "Its place in the chain, from 1.",
            "changes": "Empty where nobody can say what an event changed.",
        },
    ),
}
OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("GET", "/api/audit"): Operation(
        tag="Audit",
        name="listAudit",
        summary="List who changed what, when and why",
        words=(
            "Every event of the account: of its assistants, its keys, itself, and of its numbers while they were its "
            "own; the newest comes first, with each field before and after. Filters are joined by 'and'. Where they "
            f"leave little, a page may have few entries or none, since it ends when {LOOKED_AT_EVENTS:,} events were "
            "looked at: go on while there is a `next_cursor`."
        ),
        query={**OF_ACCOUNT, **_PARAMETERS},
        answer=page_of("audit", ref("AuditEntry"), _EXAMPLE),
        answer_words="One page.",
        failures=(errors.OtherAccount, errors.NotFound, rejections.AccountNotOpened),
    ),
}
