"""What is opened at the first start: an account, a key for it, two numbers. Doing it again changes nothing."""

from typing import Any, Final

import msgspec

from patchbay.cli.calling import Api
from patchbay.cli.errors import Refused
from patchbay.cli.local.directory import DataDirectory
from patchbay.cli.whereabouts import ApiAccess

SLUG: Final = "my-team"
NAME: Final = "My team"
PHONE_NUMBERS: Final = ("+14155550100", "+14155550101")  # of the range that is kept for fiction
_UNAUTHORIZED: Final = 401
_CONFLICT: Final = 409


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The account, and what it has."""

    account_id: str
    api_key: str
    is_new_key: bool
    phone_numbers: tuple[dict[str, str], ...]  # `id` and `phone_number` of each


def open_account(url: str, directory: DataDirectory) -> Opened:
    """
    Open the account `my-team` through the API, with a key without a limit and two numbers.

    Raises:
        CliError: The API refused, or did not answer.
    """
    api = Api(ApiAccess(url, directory.operator_key()))
    account = api.write("POST", "/api/accounts", {"accountSlug": SLUG, "name": NAME})["account"]
    key = directory.account_key()
    is_new_key = key is None or not _is_good(url, key)
    if key is None or is_new_key:
        body = {"accountSlug": SLUG, "name": "patchbay up", "scopes": ["*"], "requestsPerHour": None}
        key = str(api.write("POST", "/api/keys", body)["key"]["secret"])
        directory.keep_account_key(key)
    numbers = [number for text in PHONE_NUMBERS if (number := _register(api, text)) is not None]
    return Opened(account_id=account["id"], api_key=key, is_new_key=is_new_key, phone_numbers=tuple(numbers))


def _is_good(url: str, key: str) -> bool:
    try:
        Api(ApiAccess(url, key)).read("/api/phone-numbers", {"accountSlug": SLUG, "limit": 1})
    except Refused as error:
        if error.status == _UNAUTHORIZED:
            return False  # revoked, or of another log
        raise
    return True


def _register(api: Api, phone_number: str) -> dict[str, str] | None:
    """Return the number; None if another account has taken it in the meantime."""
    try:
        body: dict[str, Any] = api.write(
            "POST", "/api/phone-numbers", {"accountSlug": SLUG, "phoneNumber": phone_number}
        )
    except Refused as error:
        if error.status == _CONFLICT:
            return None
        raise
    number = body["phone_number"]
    return {"id": number["id"], "phone_number": number["phone_number"]}
