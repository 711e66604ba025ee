"""/api/accounts, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api.description.operation import Key, Operation, Schema
from patchbay.api.description.schemas import body_of, page_of, record_of, ref, success
from patchbay.api.description.values import ACCOUNT, ACCOUNT_ID, MOMENT, TIME
from patchbay.api.reading.accounts import AccountRecord
from patchbay.assistants import rejections
from patchbay.assistants.body_rules import ACCOUNT_RULES

_WORDS: Final = {
    "accountSlug": "The slug of the account, for ever: 3 to 40 of a-z and 0-9, single hyphens inside.",
    "slug": "What requests name it by.",
    "name": "For people; without it the slug.",
    "created_at": "When it was opened.",
}
EXAMPLE: Final = {"id": ACCOUNT, "slug": "my-team", "name": "My Team", "created_at": TIME}
TAGS: Final = {"Accounts": "Opened by operators; everything else belongs to one."}
RECORDS: Final[Mapping[str, Schema]] = {
    "Account": record_of(AccountRecord, {"id": ACCOUNT_ID, "created_at": MOMENT}, _WORDS)
}

OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("POST", "/api/accounts"): Operation(
        tag="Accounts",
        name="openAccount",
        summary="Open an account",
        words="One that is open already, with the same name, is answered as it is.",
        body=body_of(
            ACCOUNT_RULES,
            required=("accountSlug",),
            words=_WORDS,
            example={"accountSlug": "my-team", "name": "My Team"},
        ),
        answer=success({"account": EXAMPLE}, account=ref("Account")),
        answer_words="The account.",
        failures=(rejections.AccountExists,),
    ),
    ("GET", "/api/accounts"): Operation(
        tag="Accounts",
        name="listAccounts",
        summary="List the accounts",
        answer=page_of("accounts", ref("Account"), EXAMPLE),
        answer_words="One page, ordered by id.",
    ),
}
