"""The `patchbay` command: hands over to the module of the subcommand."""

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Final

from patchbay.importing import without

COMMANDS: Final = {
    "up": "start Kafka, Postgres and all services here, and keep them running",
    "demo": "walk through the four calls, with the real answers",
    "account": "open and list accounts",
    "key": "issue, list and revoke keys",
    "number": "register, list, suspend and release phone numbers, say where else calls go",
    "pull": "write the account's assistants as files, one for each",
    "plan": "show what applying the files would change",
    "apply": "have the assistants be what the files say",
    "log": "follow the log, mend a stream of it",
    "audit": "verify, export and anchor the log",
    "topic": "create the log's topic, check its settings, say who may do what with it",
    "database": "prepare the database, with a role for each process",
    "doctor": "say what is wrong with a running Patchbay, and what to do",
    "projection": "rebuild a projection beside the live one, compare, swap, roll back",
}


def main() -> None:
    """Run the command that was asked for, and end with its exit code."""
    sys.exit(dispatch(sys.argv[1:]))


def dispatch(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(_usage())
        return 0
    name = arguments[0]
    if name not in COMMANDS:
        sys.stderr.write(f"patchbay: there is no command {name!r}; `patchbay --help` lists them\n")
        return 2
    with without("rich"):  # structlog would take it along, for tracebacks in colours: a quarter of most commands' start
        run: Callable[[Sequence[str]], int] = importlib.import_module(f"patchbay.cli.{name}").main
        return run(arguments[1:])


def _usage() -> str:
    lines = "\n".join(f"  {name:<12}{summary}" for name, summary in COMMANDS.items())
    return f"""usage: patchbay COMMAND ...

AI phone assistants, and which of them answers which number.

commands:
{lines}

Begin with `patchbay up`. `patchbay COMMAND --help` teaches the command."""


if __name__ == "__main__":
    main()
