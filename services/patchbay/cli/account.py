"""`patchbay account`: open and list accounts."""

import argparse
from collections.abc import Sequence

from patchbay.cli.calling import Api
from patchbay.cli.invoking import add_action, invoke, new_parser
from patchbay.cli.showing import as_facts, as_json, as_table
from patchbay.cli.whereabouts import Whereabouts

_COLUMNS = ("slug", "name", "id", "created_at")


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return invoke(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("patchbay account", "Accounts: whoever has assistants, keys and phone numbers.")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    open_ = add_action(
        actions,
        "open",
        _open,
        summary="Open an account. One that is open already, under the same name, stays as it is.",
        example='patchbay account open acme --name "Acme, Inc."',
    )
    open_.add_argument("slug", metavar="SLUG", help="3 to 40 of a-z, 0-9 and hyphens; it never changes")
    open_.add_argument("--name", help="for people (default: the slug)")
    add_action(
        actions,
        "list",
        _list,
        summary="List all accounts.",
        example="patchbay account list\npatchbay account list --json",
    )
    return parser


def _open(arguments: argparse.Namespace) -> None:
    body = {"accountSlug": arguments.slug}
    if arguments.name is not None:
        body["name"] = arguments.name
    account = Api(Whereabouts(arguments.data_dir).api()).write("POST", "/api/accounts", body)["account"]
    if arguments.json:
        print(as_json(account))
        return
    print(f"The account {account['slug']} is open.")
    print(as_facts(account, _COLUMNS))
    print(f"Next: patchbay key issue --account {account['slug']} --name first")


def _list(arguments: argparse.Namespace) -> None:
    accounts = Api(Whereabouts(arguments.data_dir).api()).pages("/api/accounts", "accounts")
    if arguments.json:
        for account in accounts:
            print(as_json(account))
    else:
        print(as_table(accounts, _COLUMNS))
