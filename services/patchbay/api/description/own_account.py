"""/api/account, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api import errors
from patchbay.api.description import accounts
from patchbay.api.description.operation import Key, Operation, Parameter, Schema
from patchbay.api.description.schemas import members, record_of, ref, success
from patchbay.api.description.values import ACCOUNT_ID, COUNT, KEY, MOMENT, OF_ACCOUNT, or_null
from patchbay.api.reading.accounts import AccountOverview
from patchbay.assistants import rejections
from patchbay.assistants.body_rules import SCOPE
from patchbay.assistants.described import schema_of

_KEY: Final = members(
    id={
        "type": "string",
        "description": "The key's id, or `operator` for the operators' key that is a setting of the API.",
    },
    name={"type": ["string", "null"]},
    scopes={"type": "array", "items": schema_of(SCOPE)},
    expires_at=or_null(MOMENT),
    requests_per_hour={"type": ["integer", "null"], "minimum": 1},
)
TAGS: Final[Mapping[str, str]] = {}
RECORDS: Final[Mapping[str, Schema]] = {
    "AccountOverview": record_of(
        AccountOverview,
        {"id": ACCOUNT_ID, "created_at": MOMENT, "assistants": COUNT, "phone_numbers": COUNT},
        {"assistants": "How many it has.", "phone_numbers": "How many it has."},
    )
}

OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("GET", "/api/account"): Operation(
        tag="Accounts",
        name="readOwnAccount",
        summary="What the key is, and whose",
        query={
            "accountSlug": Parameter(
                words="Whose. Without it the key's own; an operator's key has none.",
                schema=OF_ACCOUNT["accountSlug"].schema,
                example="my-team",
            )
        },
        answer=success(
            {
                "account": {**accounts.EXAMPLE, "assistants": 3, "phone_numbers": 2},
                "key": {
                    "id": KEY,
                    "name": "CRM",
                    "scopes": ["account:read", "assistants:*"],
                    "expires_at": None,
                    "requests_per_hour": 1000,
                },
            },
            account={"anyOf": [ref("AccountOverview"), {"type": "null"}]},
            key=_KEY,
        ),
        answer_words="The key, its account, and how much that has.",
        failures=(errors.OtherAccount, rejections.AccountNotOpened),
    ),
}
