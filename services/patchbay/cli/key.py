"""`patchbay key`: issue, list, rotate and revoke the keys of accounts and of operators."""

import argparse
from collections.abc import Sequence
from typing import Any

from patchbay.cli.calling import Api, segment
from patchbay.cli.errors import Unsettled
from patchbay.cli.invoking import add_account_argument, add_action, invoke, new_parser
from patchbay.cli.showing import as_facts, as_json, as_table
from patchbay.cli.whereabouts import Whereabouts

_FACTS = ("id", "name", "scopes", "requests_per_hour", "expires_at")
_COLUMNS = (
    "id",
    "name",
    "hint",
    "scopes",
    "requests_per_hour",
    "created_at",
    "expires_at",
    "last_used_at",
    "revoked_at",
)
_NO_LIMIT = "none"


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return invoke(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("patchbay key", "Keys: what a client sends as `Authorization: Bearer <key>`.")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    _add_issue(actions)
    list_ = add_action(
        actions,
        "list",
        _list,
        summary="List the keys of an account or of the operators, revoked ones too.",
        example="patchbay key list --account my-team\npatchbay key list --operator",
    )
    _add_whose(list_)
    _add_rotate(actions)
    revoke = add_action(
        actions,
        "revoke",
        _revoke,
        summary="Revoke a key. A second after this has ended, no copy of the API accepts it.",
        example="patchbay key list\npatchbay key revoke key_01jm8x3v7qf2sby6w4n9d5c0ta",
    )
    revoke.add_argument("id", metavar="KEY_ID", help="from `patchbay key list`; the secret itself is not needed")
    return parser


def _add_issue(actions: "argparse._SubParsersAction[Any]") -> None:
    issue = add_action(
        actions,
        "issue",
        _issue,
        summary="Issue a key and print its secret. The secret is shown this once: only its SHA-256 is kept.",
        example=(
            'patchbay key issue --account my-team --name "crm"\n'
            'patchbay key issue --account my-team --name "reports" --scope assistants:read --scope phone-numbers:read\n'
            'patchbay key issue --operator --name "ops" --requests-per-hour none'
        ),
    )
    _add_whose(issue)
    issue.add_argument("--name", required=True, help="what it is for, for people")
    issue.add_argument(
        "--scope", action="append", metavar="SCOPE", help="what it may do, may be given again (default: *, everything)"
    )
    issue.add_argument("--test", action="store_true", help="begin the secret with tk_test_ instead of tk_live_")
    issue.add_argument("--expires-at", metavar="TIME", help="ISO 8601 with its offset, such as 2027-01-31T12:00:00Z")
    issue.add_argument(
        "--requests-per-hour", type=_limit, metavar="N", help=f"a number, or `{_NO_LIMIT}` (default: 1000)"
    )


def _add_rotate(actions: "argparse._SubParsersAction[Any]") -> None:
    rotate = add_action(
        actions,
        "rotate",
        _rotate,
        summary="Issue a new key in the place of one, with its name, scopes and limit, and let that one expire.",
        example=(
            "patchbay key rotate key_01jm8x3v7qf2sby6w4n9d5c0ta\n"
            "patchbay key rotate key_01jm8x3v7qf2sby6w4n9d5c0ta --overlap-seconds 0"
        ),
    )
    rotate.add_argument("id", metavar="KEY_ID", help="from `patchbay key list`")
    _add_whose(rotate)
    rotate.add_argument(
        "--overlap-seconds", type=int, metavar="N", help="how long both are accepted, at most a week (default: 3600)"
    )
    rotate.add_argument("--expires-at", metavar="TIME", help="of the new key (default: as the old one was issued)")


def _add_whose(parser: argparse.ArgumentParser) -> None:
    whose = parser.add_mutually_exclusive_group()
    add_account_argument(whose)
    whose.add_argument("--operator", action="store_true", help="a key of the operators, who open accounts")


def _limit(text: str) -> int | str:
    return _NO_LIMIT if text == _NO_LIMIT else int(text)


def _issue(arguments: argparse.Namespace) -> None:
    whereabouts = Whereabouts(arguments.data_dir)
    api = Api(whereabouts.api())
    body: dict[str, Any] = {"name": arguments.name, "mode": "test" if arguments.test else "live"}
    body |= _whose(arguments, whereabouts)
    if arguments.scope:
        body["scopes"] = arguments.scope
    if arguments.expires_at is not None:
        body["expiresAt"] = arguments.expires_at
    if arguments.requests_per_hour is not None:
        body["requestsPerHour"] = None if arguments.requests_per_hour == _NO_LIMIT else arguments.requests_per_hour
    key = api.write("POST", "/api/keys", body)["key"]
    _show_secret(key, arguments, "The key is issued.")


def _rotate(arguments: argparse.Namespace) -> None:
    whereabouts = Whereabouts(arguments.data_dir)
    api = Api(whereabouts.api())
    body = _whose(arguments, whereabouts)
    if arguments.overlap_seconds is not None:
        body["overlapSeconds"] = arguments.overlap_seconds
    if arguments.expires_at is not None:
        body["expiresAt"] = arguments.expires_at
    key = api.write("POST", f"/api/keys/{segment(arguments.id)}/rotate", body)["key"]
    old = key["replaces"]
    _show_secret(key, arguments, f"The new key is issued; {old['key_id']} is accepted until {old['expires_at']}.")


def _whose(arguments: argparse.Namespace, whereabouts: Whereabouts) -> dict[str, Any]:
    if arguments.operator:
        return {"operators": True}
    return {"accountSlug": arguments.account or whereabouts.default_account()}


def _show_secret(key: dict[str, Any], arguments: argparse.Namespace, said: str) -> None:
    if "secret" not in key:
        raise Unsettled(
            f"Key {key['id']} was issued, but its secret got lost on the way: revoke it with "
            f"`patchbay key revoke {key['id']}` and issue another."
        )
    if arguments.json:
        print(as_json(key))
        return
    print(f"{said} Keep its secret now, it is not shown again:")
    print(f"\n  {key['secret']}\n")
    print(as_facts(key, _FACTS))


def _list(arguments: argparse.Namespace) -> None:
    whereabouts = Whereabouts(arguments.data_dir)
    api = Api(whereabouts.api())
    query = {} if arguments.operator else {"accountSlug": arguments.account or whereabouts.default_account()}
    keys = api.pages("/api/keys", "keys", query)
    if arguments.json:
        for key in keys:
            print(as_json(key))
    else:
        print(as_table(keys, _COLUMNS))


def _revoke(arguments: argparse.Namespace) -> None:
    key = Api(Whereabouts(arguments.data_dir).api()).write("DELETE", f"/api/keys/{segment(arguments.id)}")["key"]
    print(as_json(key) if arguments.json else f"The key {key['id']} is revoked since {key['revoked_at']}.")
