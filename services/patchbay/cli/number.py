"""`patchbay number`: register, change, release and list phone numbers."""

import argparse
from collections.abc import Sequence
from typing import Any, Final

from patchbay.cli.calling import Api, segment
from patchbay.cli.errors import Refused
from patchbay.cli.invoking import add_account_argument, add_action, invoke, new_parser
from patchbay.cli.showing import as_facts, as_json, as_table
from patchbay.cli.whereabouts import Whereabouts

_COLUMNS: Final = ("phone_number", "status", "assistant_id", "id", "fallback", "created_at")
_NONE: Final = "none"
_ID_PREFIX: Final = "pn_"
_NUMBERS: Final = "/api/phone-numbers"


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return invoke(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("patchbay number", "Phone numbers: which account has which.")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    register = add_action(
        actions,
        "register",
        _register,
        summary="Register a phone number for an account. One that the account has already stays as it is.",
        example="patchbay number register +12025550143 --account my-team",
    )
    register.add_argument("number", metavar="NUMBER", help="with + and country code")
    add_account_argument(register)
    _add_changes(actions)
    release = add_action(
        actions,
        "release",
        _release,
        summary="Release a phone number: its assistant loses it, then the account. Anybody may register it afterwards.",
        example="patchbay number release +12025550143 --account my-team",
    )
    _add_number_arguments(release)
    list_ = add_action(
        actions,
        "list",
        _list,
        summary="List an account's phone numbers, and which assistant has each.",
        example="patchbay number list --account my-team",
    )
    add_account_argument(list_)
    return parser


def _add_changes(actions: "argparse._SubParsersAction[Any]") -> None:
    fallback = add_action(
        actions,
        "fallback",
        _fallback,
        summary="Say where calls to a number go that no assistant answers: to another number, a SIP URI, or nowhere.",
        example=(
            "patchbay number fallback +12025550143 +12025550199 --account my-team\n"
            "patchbay number fallback +12025550143 'sip:desk@pbx.example.com;transport=tls'\n"
            "patchbay number fallback +12025550143 none"
        ),
    )
    _add_number_arguments(fallback)
    fallback.add_argument("target", metavar="TARGET", help=f"a number with + and country code, a SIP URI, or `{_NONE}`")
    for name, status, summary in (
        (
            "suspend",
            "suspended",
            "Suspend a phone number: no assistant answers it until it is resumed. Operators only.",
        ),
        ("resume", "active", "Let a suspended phone number be answered again. Operators only."),
    ):
        action = add_action(
            actions,
            name,
            _set_status,
            summary=summary,
            example=f"patchbay number {name} +12025550143 --account my-team",
        )
        _add_number_arguments(action)
        action.set_defaults(status=status)


def _add_number_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", metavar="NUMBER", help="the number itself, or its id (pn_…)")
    add_account_argument(parser)


def _fallback(arguments: argparse.Namespace) -> None:
    _change(arguments, {"fallback": None if arguments.target == _NONE else arguments.target})


def _set_status(arguments: argparse.Namespace) -> None:
    _change(arguments, {"status": arguments.status})


def _change(arguments: argparse.Namespace, changes: dict[str, Any]) -> None:
    whereabouts = Whereabouts(arguments.data_dir)
    api = Api(whereabouts.api())
    account = arguments.account or whereabouts.default_account()
    number_id = _id_of(api, account, arguments.number)
    number = api.write("PATCH", f"{_NUMBERS}/{segment(number_id)}", {"accountSlug": account, **changes})["phone_number"]
    if arguments.json:
        print(as_json(number))
        return
    print(f"{number['phone_number']} is changed.")
    print(as_facts(number, _COLUMNS[1:]))


def _register(arguments: argparse.Namespace) -> None:
    whereabouts = Whereabouts(arguments.data_dir)
    api = Api(whereabouts.api())
    account = arguments.account or whereabouts.default_account()
    body = {"accountSlug": account, "phoneNumber": arguments.number}
    number = api.write("POST", _NUMBERS, body)["phone_number"]
    if arguments.json:
        print(as_json(number))
        return
    print(f"{number['phone_number']} belongs to {account}.")
    print(as_facts(number, _COLUMNS[1:]))


def _release(arguments: argparse.Namespace) -> None:
    whereabouts = Whereabouts(arguments.data_dir)
    api = Api(whereabouts.api())
    number_id = arguments.number
    if not number_id.startswith(_ID_PREFIX):
        number_id = _id_of(api, arguments.account or whereabouts.default_account(), arguments.number)
    body = api.write("DELETE", f"{_NUMBERS}/{segment(number_id)}")
    released = {"id": body["id"], "released": True}
    print(as_json(released) if arguments.json else f"{arguments.number} is released and belongs to nobody.")


def _id_of(api: Api, account: str, number: str) -> str:
    """
    Return the id of the account's number, which may be an id already.

    Raises:
        Refused: The account has no such number.
    """
    if number.startswith(_ID_PREFIX):
        return number
    wanted = "+" + "".join(character for character in number if character.isdigit())
    for record in api.pages(_NUMBERS, "phone_numbers", {"accountSlug": account}):
        if record["phone_number"] == wanted:
            return str(record["id"])
    raise Refused(
        f"The account {account} has no phone number {number}: `patchbay number list` shows those that it has.",
        status=404,
        code="number_not_found",
    )


def _list(arguments: argparse.Namespace) -> None:
    whereabouts = Whereabouts(arguments.data_dir)
    api = Api(whereabouts.api())
    account = arguments.account or whereabouts.default_account()
    numbers = api.pages(_NUMBERS, "phone_numbers", {"accountSlug": account})
    if arguments.json:
        for number in numbers:
            print(as_json(number))
    else:
        print(as_table(numbers, _COLUMNS))
