"""`patchbay pull DIR`: the account's assistants as files."""

import argparse
from collections.abc import Sequence

import msgspec

from patchbay.cli.errors import Moved
from patchbay.cli.files.arguments import new_files_parser, run_to_its_end
from patchbay.cli.files.directory import read_directory
from patchbay.cli.files.pulling import Pull, Pulled
from patchbay.cli.files.server import open_server
from patchbay.cli.invoking import invoke
from patchbay.cli.showing import as_json
from patchbay.cli.whereabouts import Whereabouts


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    parser = new_files_parser(
        "pull",
        lambda parsed: run_to_its_end(_pull(parsed)),
        summary=(
            "Write the account's assistants as files, one for each. What was changed here stays: files follow field by "
            "field, and one whose field was changed on both sides is left alone and named."
        ),
        example="patchbay pull assistants\npatchbay pull assistants --account my-team --force",
    )
    parser.add_argument("--force", action="store_true", help="where both sides have changed something, take the API's")
    return invoke(parser, arguments)


async def _pull(arguments: argparse.Namespace) -> None:
    directory = read_directory(arguments.directory, is_to_be_made=True)
    async with open_server(Whereabouts(arguments.data_dir), arguments.account, directory.lock) as server:
        remotes = await server.assistants()
    pulled = Pull(directory, is_forced=arguments.force).run(remotes, server.account, server.account_id)
    _show(pulled, is_json=arguments.json)
    conflicts = [one.file for one in pulled if one.action == "conflict"]
    if conflicts:
        raise Moved(
            f"{', '.join(conflicts)}: changed here and there. Change the file to what it is to be and `pull --force` "
            "takes the API's instead, or put the API's values into the file and pull again."
        )


def _show(pulled: Sequence[Pulled], *, is_json: bool) -> None:
    for one in pulled:
        if is_json:
            print(as_json(msgspec.to_builtins(one)))
        elif one.action != "unchanged":
            what = f": {', '.join(one.fields)}" if one.fields else ""
            print(f"{one.action:<9} {one.file}{what}")
    if not is_json:
        print(f"{len(pulled)} assistants; {sum(one.action == 'unchanged' for one in pulled)} unchanged.")
