"""`patchbay demo`: the API's four calls against the running Patchbay, with all that follows from them."""

import argparse
from collections.abc import Sequence

from patchbay.cli.invoking import EXIT_CODES, Parser, add_common_arguments, invoke


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return invoke(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="patchbay demo",
        description=(
            "Walk through the four calls against the Patchbay that `make run` has started: the requests and answers\n"
            "as they are, the Kafka records they led to, the routing row, and what a second assistant gets that asks\n"
            "for the same number. It makes two assistants each time, one phone number the first time, touches nothing\n"
            "else, and may be run again and again."
        ),
        epilog=f"example:\n  make run          # in one terminal\n  patchbay demo     # in another\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_common_arguments(parser)
    parser.set_defaults(run=_demo)
    return parser


def _demo(arguments: argparse.Namespace) -> None:
    from patchbay.cli.demonstrating import run  # noqa: PLC0415 - help must not wait for Kafka's client

    run(arguments)
