"""/api/phone-numbers, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api import errors
from patchbay.api.description.operation import Key, Link, Operation, Schema
from patchbay.api.description.schemas import body_of, page_of, record_of, ref, success
from patchbay.api.description.values import (
    ACCOUNT,
    ACCOUNT_ID,
    ACCOUNT_SLUG,
    ASSISTANT_ID,
    E164,
    FALLBACK,
    MOMENT,
    NUMBER,
    NUMBER_ID,
    NUMBER_PATH,
    OF_ACCOUNT,
    PHONE_NUMBER,
    TIME,
    or_null,
)
from patchbay.api.reading.numbers import NumberRecord
from patchbay.assistants import rejections
from patchbay.assistants.body_rules import NUMBER_RULES, NUMBER_STATUSES, REGISTER_RULES

_WORDS: Final = {
    "accountSlug": ACCOUNT_SLUG,
    "phoneNumber": "With + and country code. Blanks, hyphens, dots, slashes and brackets are left out of what is kept.",
    "phone_number": "E.164.",
    "status": "`suspended`: no assistant answers. Only operators may change it.",
    "fallback": (
        "Where calls go that no assistant answers: a phone number, or a SIP or SIPS URI such as "
        "`sip:desk@pbx.example.com;transport=tls`; null: nowhere."
    ),
    "assistant_id": "Who has it; null: nobody.",
    "created_at": "When the account registered it.",
    "updated_at": "When it last changed.",
}
EXAMPLE: Final = {
    "id": NUMBER,
    "account_id": ACCOUNT,
    "phone_number": E164,
    "status": "active",
    "fallback": None,
    "assistant_id": None,
    "created_at": TIME,
    "updated_at": TIME,
}
TAGS: Final = {"Phone numbers": "Numbers that accounts have registered. One account has a number, one assistant of it."}
RECORDS: Final[Mapping[str, Schema]] = {
    "PhoneNumber": record_of(
        NumberRecord,
        {
            "id": NUMBER_ID,
            "account_id": ACCOUNT_ID,
            "phone_number": PHONE_NUMBER,
            "status": {"type": "string", "enum": list(NUMBER_STATUSES)},
            "fallback": FALLBACK,
            "assistant_id": or_null(ASSISTANT_ID),
            "created_at": MOMENT,
            "updated_at": MOMENT,
        },
        _WORDS,
    )
}
_ONE: Final = success({"phone_number": EXAMPLE}, phone_number=ref("PhoneNumber"))
_LINKS: Final[Mapping[str, Link]] = {
    name: Link(to=(method, "/api/phone-numbers/{id}"), parameters={"id": "$response.body#/phone_number/id"})
    for name, method in (("read", "GET"), ("change", "PATCH"), ("release", "DELETE"))
}

OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("POST", "/api/phone-numbers"): Operation(
        tag="Phone numbers",
        name="registerPhoneNumber",
        summary="Register a phone number for the account",
        words="One that the account has already is answered as it is. One that was released begins anew, unassigned.",
        body=body_of(
            REGISTER_RULES,
            required=("accountSlug", "phoneNumber"),
            words=_WORDS,
            example={"accountSlug": "my-team", "phoneNumber": "+1 415 555 0100"},
        ),
        answer=_ONE,
        answer_words="The number.",
        failures=(errors.OtherAccount, rejections.AccountNotOpened, rejections.NumberOwnedElsewhere),
        links=_LINKS,
    ),
    ("GET", "/api/phone-numbers"): Operation(
        tag="Phone numbers",
        name="listPhoneNumbers",
        summary="List the account's phone numbers",
        query=OF_ACCOUNT,
        answer=page_of("phone_numbers", ref("PhoneNumber"), EXAMPLE),
        answer_words="One page, ordered by id.",
        failures=(errors.OtherAccount, rejections.AccountNotOpened),
    ),
    ("GET", "/api/phone-numbers/{id}"): Operation(
        tag="Phone numbers",
        name="readPhoneNumber",
        summary="Read a phone number",
        path=NUMBER_PATH,
        answer=_ONE,
        answer_words="The number.",
        failures=(errors.OtherAccount, errors.NotFound),
    ),
    ("PATCH", "/api/phone-numbers/{id}"): Operation(
        tag="Phone numbers",
        name="changePhoneNumber",
        summary="Set its fallback; suspend and resume it",
        words="`status` is for operators' keys only.",
        path=NUMBER_PATH,
        body=body_of(
            NUMBER_RULES,
            required=("accountSlug",),
            words=_WORDS,
            example={"accountSlug": "my-team", "fallback": "sip:desk@pbx.example.com;transport=tls"},
            is_patch=True,
        ),
        answer=_ONE,
        answer_words="The number.",
        failures=(
            errors.OtherAccount,
            errors.OperatorsOnly,
            errors.NotFound,
            rejections.AccountNotOpened,
            rejections.NumberNotFound,
            rejections.FallbackToItself,
        ),
    ),
    ("DELETE", "/api/phone-numbers/{id}"): Operation(
        tag="Phone numbers",
        name="releasePhoneNumber",
        summary="Release a phone number",
        words="Its assistant lets go of it first. Anybody may register it again; nobody sees what was before.",
        path=NUMBER_PATH,
        answer=success({"message": "The number is released.", "id": NUMBER}, message={"type": "string"}, id=NUMBER_ID),
        answer_words="It is nobody's now.",
        failures=(errors.OtherAccount, errors.NotFound, errors.Unfinished, rejections.NumberNotFound),
    ),
}
