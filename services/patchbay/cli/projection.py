"""`patchbay projection`: a projection's generations: build one beside the live one, compare, swap, go back."""

import argparse
from collections.abc import Sequence
from typing import Any, Final

from patchbay.cli.invoking import add_action, invoke, new_parser

PROJECTIONS: Final = ("read_model", "routing")
_BATCH_RECORDS: Final = 10_000
_MOST_BATCH_RECORDS: Final = 100_000


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return invoke(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(
        "patchbay projection",
        "The tables that are made of the log, generation by generation: the live one, and at most one beside it.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    list_ = add_action(
        actions,
        "list",
        _run,
        summary="List the generations: which is live, how far each is, and which process projects it.",
        example="patchbay projection list\npatchbay projection list --json",
    )
    list_.add_argument("name", metavar="NAME", nargs="?", choices=PROJECTIONS, help=" or ".join(PROJECTIONS))
    list_.set_defaults(action="list")
    rebuild = _add(
        actions,
        "rebuild",
        "Fill a new generation from the log, beside the live one and while traffic runs, until it has reached it.\n\n"
        "Ctrl-C stops it, and the same command goes on from there. When it is complete, the projection's process of\n"
        "the same version keeps it current. The history is not rebuilt.",
    )
    rebuild.add_argument(
        "--batch-records",
        metavar="N",
        type=_batch_records,
        default=_BATCH_RECORDS,
        help=f"how many records one commit takes: fewer need less memory (default: {_BATCH_RECORDS:,})",
    )
    _add(
        actions,
        "compare",
        "Compare both generations row by row, at equal positions: every difference is listed.\n\n"
        "Exit code 4 if there is one. Columns that only one of them has are named, and are no difference.",
    )
    forward = (
        "Make the newer generation the live one: at equal positions, in one transaction. No request fails by it,\n"
        "and none is answered from what is out of date. The older one is kept current, for the way back."
    )
    back = "Make the older generation the live one again, as fast and as safely as a swap."
    for name, summary in (("swap", forward), ("rollback", back)):
        swap = _add(actions, name, summary)
        swap.add_argument(
            "--though-quarantined",
            action="store_true",
            help="even if it cannot fold streams that the live one can: writes to these will answer 503",
        )
    _add(
        actions,
        "drop",
        "Drop the generation beside the live one: an older one is then no way back any more, a newer one is lost.",
    )
    return parser


def _add(actions: "argparse._SubParsersAction[Any]", name: str, summary: str) -> argparse.ArgumentParser:
    parser = add_action(actions, name, _run, summary=summary, example=f"patchbay projection {name} read_model")
    parser.add_argument("name", metavar="NAME", choices=PROJECTIONS, help=" or ".join(PROJECTIONS))
    parser.set_defaults(action=name)
    return parser


def _batch_records(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) <= _MOST_BATCH_RECORDS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {_MOST_BATCH_RECORDS:,}")


def _run(arguments: argparse.Namespace) -> None:
    from patchbay.cli.generations import run  # noqa: PLC0415 - help must not wait for the database's client

    run(arguments)
