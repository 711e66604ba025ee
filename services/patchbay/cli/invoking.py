"""What all commands have in common: their arguments' parsers, their errors and their exit codes."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from patchbay.cli.errors import CliError, Interrupted
from patchbay.cli.showing import as_json
from patchbay.cli.whereabouts import DEFAULT_DATA_DIR

Run = Callable[[argparse.Namespace], None]

_LONGEST_WAIT_SECONDS: Final = 3_600

EXIT_CODES: Final = """
exit codes:
  0  done
  1  it could not be done; standard error says why
  2  wrong usage
"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line that says where to learn more."""

    def error(self, message: str) -> NoReturn:
        """End the process with exit code 2."""
        self.exit(2, f"{self.prog}: {message}; `{self.prog} --help` shows an example\n")


def new_parser(prog: str, summary: str) -> Parser:
    """Return the parser of one command."""
    return Parser(prog=prog, description=summary, formatter_class=argparse.RawDescriptionHelpFormatter)


def add_action(
    actions: "argparse._SubParsersAction[Parser]", name: str, run: Run, *, summary: str, example: str
) -> argparse.ArgumentParser:
    """
    Add one action of a command, with the arguments that all actions take.

    Args:
        actions: Of the command.
        name: As it is typed.
        run: Does it.
        summary: One sentence or more, for people.
        example: Lines that can be typed as they are.
    """
    lines = "\n".join(f"  {line}" for line in example.strip().splitlines())
    parser = actions.add_parser(
        name,
        help=summary.partition(".")[0],
        description=summary,
        epilog=f"example:\n{lines}\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_common_arguments(parser)
    parser.set_defaults(run=run)
    return parser


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that all actions take."""
    parser.add_argument("--json", action="store_true", help="print one JSON object a line, errors too")
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help=f"where `patchbay up` keeps its state (default: DATA_DIR, else {DEFAULT_DATA_DIR})",
    )


def add_wait_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the argument that says how long to wait for a server that is away."""
    parser.add_argument(
        "--wait-seconds",
        metavar="SECONDS",
        type=whole_number(0, _LONGEST_WAIT_SECONDS),
        default="0",
        help=f"how long to wait {what} (default: 0)",
    )


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return what reads an argument that is a number within these bounds."""

    def read(text: str) -> int:
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to {most}")

    return read


def add_account_argument(parser: argparse._ActionsContainer) -> None:
    """Add the argument that names an account."""
    parser.add_argument(
        "--account", metavar="SLUG", help="the account (default: the one that `patchbay up` has opened)"
    )


def invoke(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> int:
    """Parse, run, and return the exit code; whatever went wrong stands on standard error in one line."""
    parsed = parser.parse_args(arguments)
    run: Run = parsed.run
    try:
        run(parsed)
        sys.stdout.flush()
    except CliError as error:
        return _fail(error, parsed)
    except KeyboardInterrupt:
        return _fail(Interrupted("Interrupted: nothing more was done."), parsed)
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _fail(error: CliError, parsed: argparse.Namespace) -> int:
    text = as_json({"error": str(error), "code": error.code}) if parsed.json else f"patchbay: {error}"
    sys.stderr.write(text + "\n")
    return error.exit_code
