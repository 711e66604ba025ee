"""`patchbay database`: prepare it, with a role for each process that may do its work and nothing else."""

import argparse
from collections.abc import Sequence

from patchbay.cli.invoking import add_action, add_wait_argument, invoke, new_parser


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return invoke(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("patchbay database", "The database, and who may do what in it.")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    prepare = add_action(
        actions,
        "prepare",
        _prepare,
        summary=(
            "Make what is missing: the roles, the tables of both projections, and what each role may do with them.\n\n"
            "For the login of DATABASE_URL, which then owns all of it and alone may do `patchbay projection rebuild`,\n"
            "`swap` and `drop`. May be repeated. On one's own machine nobody needs it: there a process makes its own."
        ),
        example="DATABASE_URL=postgresql://owner@db.example/patchbay patchbay database prepare --wait-seconds 60",
    )
    add_wait_argument(prepare, "for a Postgres that does not answer yet")
    add_action(
        actions,
        "roles",
        _roles,
        summary=(
            "Print the SQL that makes the roles and grants them what their processes need; nothing is connected to.\n\n"
            "What `prepare` runs, for an administrator who wants to read it, or whose owner may not make roles."
        ),
        example="patchbay database roles\npatchbay database roles | psql --no-psqlrc --set ON_ERROR_STOP=1 patchbay",
    )
    return parser


def _prepare(arguments: argparse.Namespace) -> None:
    from patchbay.cli.databases import prepare  # noqa: PLC0415 - help must not wait for the database's client

    prepare(arguments)


def _roles(arguments: argparse.Namespace) -> None:
    from patchbay.cli.databases import show_roles  # noqa: PLC0415 - see above

    show_roles(arguments)
