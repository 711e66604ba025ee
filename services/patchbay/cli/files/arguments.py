"""What `pull`, `plan` and `apply` have in common on the command line."""

import argparse
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from patchbay.cli.files.showing_plan import Style
from patchbay.cli.invoking import Parser, Run, add_account_argument, add_common_arguments

EXIT_CODES: Final = """
exit codes:
  0  done, or nothing to do
  1  it could not be done; standard error says why
  2  wrong usage, or a file that is no assistant
  3  somebody else has changed what a file stands for; nothing of that is overwritten
"""
FILES: Final = """
a file:
  name: Front desk
  template: inbound-support    # what it is made from; cannot be changed later
  temperature: 0.3
  system_prompt: |
    You answer the phone of a dentist.

Fields that a file does not name are left alone; `null` clears a text. Phone numbers are not among the fields. Which
assistant a file stands for, and its version, stands in DIR/.patchbay.lock.json: keep it in git with the files."""


def new_files_parser(name: str, run: Run, *, summary: str, example: str, more_codes: str = "") -> Parser:
    """Return the parser of one of the commands, with the arguments that all of them take."""
    lines = "\n".join(f"  {line}" for line in example.strip().splitlines())
    parser = Parser(
        prog=f"patchbay {name}",
        description=summary,
        epilog=f"example:\n{lines}\n{FILES}\n{EXIT_CODES}{more_codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="where the files are, one for each assistant")
    add_account_argument(parser)
    add_common_arguments(parser)
    parser.set_defaults(run=run)
    return parser


def style_of_terminal() -> Style:
    """Return colours where somebody looks, and has not asked for none."""
    return Style(has_colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))


def run_to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Run the command's work on a loop of its own."""
    import asyncio  # noqa: PLC0415 -- not for help

    asyncio.run(work)
