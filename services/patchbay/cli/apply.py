"""`patchbay apply DIR`: have the API have what the files say."""

import argparse
from collections.abc import Sequence

import msgspec

from patchbay.cli.files.applying import Applied, Applying
from patchbay.cli.files.arguments import new_files_parser, run_to_its_end
from patchbay.cli.files.directory import read_directory
from patchbay.cli.files.server import open_server
from patchbay.cli.invoking import invoke
from patchbay.cli.plan import planned, refuse_moved, show
from patchbay.cli.showing import as_json
from patchbay.cli.whereabouts import Whereabouts


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    parser = new_files_parser(
        "apply",
        lambda parsed: run_to_its_end(_apply(parsed)),
        summary=(
            "Create and change assistants so that they are what the files say: one write each, only at the version "
            "that the file was made from. Run again after a crash it does what is left, and nothing twice."
        ),
        example='patchbay apply assistants --reason "Shorter greeting"\npatchbay apply assistants --prune --dry-run',
    )
    parser.add_argument("--prune", action="store_true", help="delete assistants whose files are gone")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be done, as `patchbay plan`")
    parser.add_argument("--reason", metavar="TEXT", help="why; it is kept with every change")
    return invoke(parser, arguments)


async def _apply(arguments: argparse.Namespace) -> None:
    directory = read_directory(arguments.directory)
    whereabouts = Whereabouts(arguments.data_dir)
    async with open_server(whereabouts, arguments.account, directory.lock, arguments.reason) as server:
        plan = await planned(directory, server)
        if arguments.dry_run or not arguments.json:
            show(plan, is_json=arguments.json, prunes=arguments.prune)
        await refuse_moved(plan, server)
        if arguments.dry_run:
            return
        async for applied in Applying(directory, server).run(plan, prunes=arguments.prune):
            _tell(applied, is_json=arguments.json)


def _tell(applied: Applied, *, is_json: bool) -> None:
    if is_json:
        print(as_json(msgspec.to_builtins(applied)), flush=True)
        return
    version = "" if applied.version is None else f", version {applied.version}"
    print(f"{applied.action} {applied.file}  {applied.assistant_id}{version}", flush=True)
    for warning in applied.warnings:
        print(f"  {warning}")
