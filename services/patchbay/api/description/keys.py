"""/api/keys, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api import errors
from patchbay.api.answers import IssuedKey
from patchbay.api.description.operation import Key, Link, Operation, Parameter, Schema
from patchbay.api.description.schemas import body_of, members, page_of, record_of, ref, success
from patchbay.api.description.values import (
    ACCOUNT,
    ACCOUNT_ID,
    ACCOUNT_SLUG,
    KEY,
    KEY_ID,
    KEY_PATH,
    MOMENT,
    OF_ACCOUNT,
    TIME,
    or_null,
)
from patchbay.api.reading.accounts import KeyRecord
from patchbay.assistants import rejections
from patchbay.assistants.body_rules import KEY_RULES, ROTATE_RULES
from patchbay.assistants.events import ReplacedKey

_WORDS: Final = {
    "accountSlug": ACCOUNT_SLUG + " Required, unless `operators` is true.",
    "operators": "true: a key for operators, which belongs to no account. Only operators may issue one.",
    "account_id": "Whose it is; null: the operators'.",
    "name": "For people.",
    "mode": "How the secret begins: `tk_live_` or `tk_test_`.",
    "scopes": "What it may do; without it: `*`. No more than the key that issues it.",
    "hint": "How the secret begins.",
    "expiresAt": "From when on it is refused; null or absent: never. An ISO 8601 time with its offset, in the future.",
    "expires_at": "From when on it is refused; null: never.",
    "requestsPerHour": "null: no limit. No more than the key that issues it has.",
    "requests_per_hour": "null: no limit.",
    "created_at": "When it was issued.",
    "revoked_at": "From when on it is refused; null: it was not revoked.",
    "replaces": "The key that it takes the place of, and until when that may act beside it.",
    "replaced_by": "The key that took its place; null: none.",
    "last_used_at": "When it was last used, to within a minute or so; null: not known.",
    "overlapSeconds": "For how long the old key is accepted beside the new one; without it 3,600, an hour.",
    "secret": "What goes into `Authorization`. Shown this once; only its SHA-256 is kept.",
}
# An operators' key has no account, any other has one.
_WHOSE: Final[Schema] = {
    "if": {"properties": {"operators": {"const": True}}, "required": ["operators"]},
    "then": {"properties": {"accountSlug": False}},
    "else": {"required": ["accountSlug"]},
}
_VALUES: Final = {
    "id": KEY_ID,
    "account_id": or_null(ACCOUNT_ID),
    "expires_at": or_null(MOMENT),
    "requests_per_hour": {"type": ["integer", "null"], "minimum": 1},
    "created_at": MOMENT,
}
_EXAMPLE: Final = {
    "id": KEY,
    "account_id": ACCOUNT,
    "name": "CRM",
    "hint": "tk_live_9hT2",
    "scopes": ["assistants:*", "phone-numbers:read"],
    "expires_at": None,
    "requests_per_hour": 1000,
    "created_at": TIME,
}
TAGS: Final = {"Keys": "What requests are sent with. A key belongs to one account, or to the operators."}
RECORDS: Final[Mapping[str, Schema]] = {
    "Key": record_of(
        KeyRecord,
        {**_VALUES, **dict.fromkeys(("revoked_at", "last_used_at"), or_null(MOMENT)), "replaced_by": or_null(KEY_ID)},
        _WORDS,
    ),
    "ReplacedKey": record_of(ReplacedKey, {"key_id": KEY_ID, "expires_at": MOMENT}),
    "IssuedKey": record_of(IssuedKey, _VALUES, _WORDS),
}
_ISSUED: Final = success(
    {"key": {**_EXAMPLE, "secret": "tk_live_9hT2vK7wQx3mZr8NbYc5sLd1Gf6Pj4Aa"}}, key=ref("IssuedKey")
)

OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("POST", "/api/keys"): Operation(
        tag="Keys",
        name="issueKey",
        summary="Issue a key",
        words="A repetition with the same `Idempotency-Key` tells of the same key, without its secret.",
        body=body_of(
            KEY_RULES,
            required=("name",),
            words=_WORDS,
            example={"accountSlug": "my-team", "name": "CRM", "scopes": ["assistants:*", "phone-numbers:read"]},
            further=_WHOSE,
        ),
        answer=_ISSUED,
        answer_words="The key, with its secret.",
        failures=(
            errors.OtherAccount,
            errors.OperatorsOnly,
            errors.BeyondOwnPower,
            rejections.AccountNotOpened,
        ),
        links={"revoke": Link(to=("DELETE", "/api/keys/{id}"), parameters={"id": "$response.body#/key/id"})},
    ),
    ("GET", "/api/keys"): Operation(
        tag="Keys",
        name="listKeys",
        summary="List keys",
        words="The account's; with an operator's key and no account, the operators'. Revoked ones are among them.",
        query={
            "accountSlug": Parameter(
                words="Whose. Without it the key's own account's, or the operators'.",
                schema=OF_ACCOUNT["accountSlug"].schema,
                example="my-team",
            )
        },
        answer=page_of("keys", ref("Key"), {**_EXAMPLE, "revoked_at": None, "replaced_by": None, "last_used_at": TIME}),
        answer_words="One page, ordered by id. No secrets.",
        failures=(errors.OtherAccount, rejections.AccountNotOpened),
    ),
    ("POST", "/api/keys/{id}/rotate"): Operation(
        tag="Keys",
        name="rotateKey",
        summary="Issue a new key in a key's place",
        words=(
            "The new key has the old one's name, scopes and limit, and its expiry unless `expiresAt` is given. The "
            "old one is accepted beside it for `overlapSeconds`. Both happen in one event."
        ),
        path=KEY_PATH,
        body=body_of(
            ROTATE_RULES,
            required=(),
            words=_WORDS,
            example={"accountSlug": "my-team", "overlapSeconds": 900},
            further=_WHOSE,
        ),
        answer=_ISSUED,
        answer_words="The new key, with its secret.",
        failures=(
            errors.OtherAccount,
            errors.OperatorsOnly,
            errors.BeyondOwnPower,
            errors.NotFound,
            rejections.AccountNotOpened,
            rejections.KeyNotFound,
            rejections.KeyNotInForce,
        ),
    ),
    ("DELETE", "/api/keys/{id}"): Operation(
        tag="Keys",
        name="revokeKey",
        summary="Revoke a key",
        words="Within a second of the answer every copy of the API refuses it.",
        path=KEY_PATH,
        answer=success(
            {"message": "The key is revoked.", "key": {"id": KEY, "revoked_at": TIME}},
            message={"type": "string"},
            key=members(id=KEY_ID, revoked_at=or_null(MOMENT)),
        ),
        answer_words="It is in force no more.",
        failures=(errors.OtherAccount, errors.NotFound, rejections.KeyNotFound),
    ),
}
