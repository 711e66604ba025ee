"""`patchbay plan DIR`: what `patchbay apply DIR` would do."""

import argparse
from collections.abc import Sequence

from patchbay.cli.errors import Differs, Moved
from patchbay.cli.files.arguments import new_files_parser, run_to_its_end, style_of_terminal
from patchbay.cli.files.directory import Directory, read_directory
from patchbay.cli.files.planning import Plan, make_plan
from patchbay.cli.files.server import Server, open_server
from patchbay.cli.files.showing_plan import moves_text, plan_lines, plan_records, summary
from patchbay.cli.invoking import invoke
from patchbay.cli.showing import as_json
from patchbay.cli.whereabouts import Whereabouts


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    parser = new_files_parser(
        "plan",
        lambda parsed: run_to_its_end(_plan(parsed)),
        summary="Show what `patchbay apply` would do, and change nothing.",
        example="patchbay plan assistants\npatchbay plan assistants --exit-code --json",
        more_codes="  4  with --exit-code: there is something to apply\n",
    )
    parser.add_argument("--prune", action="store_true", help="plan to delete assistants whose files are gone")
    parser.add_argument("--exit-code", action="store_true", help="end with 4 if there is something to apply")
    return invoke(parser, arguments)


async def _plan(arguments: argparse.Namespace) -> None:
    directory = read_directory(arguments.directory)
    async with open_server(Whereabouts(arguments.data_dir), arguments.account, directory.lock) as server:
        plan = await planned(directory, server)
        show(plan, is_json=arguments.json, prunes=arguments.prune)
        await refuse_moved(plan, server)
    if arguments.exit_code and (plan.creates or plan.updates or (arguments.prune and plan.deletes)):
        raise Differs("There is something to apply.")


async def planned(directory: Directory, server: Server) -> Plan:
    """Return the plan for a directory, on what the API has now."""
    files = {file: document.fields for file, document in directory.documents.items()}
    return make_plan(files, directory.lock, await server.assistants())


def show(plan: Plan, *, is_json: bool, prunes: bool) -> None:
    """Print the plan."""
    if is_json:
        for record in plan_records(plan, prunes=prunes):
            print(as_json(record))
        return
    for line in plan_lines(plan, style_of_terminal(), prunes=prunes):
        print(line)
    print(summary(plan, prunes=prunes))


async def refuse_moved(plan: Plan, server: Server) -> None:
    """
    Go on only if everything of the plan can be applied.

    Raises:
        Moved: Not so; it says for each file why, and who has moved its assistant.
    """
    if not plan.refusals:
        return
    names = await server.key_names()
    told = []
    for refusal in plan.refusals:
        moves = [] if refusal.id is None or refusal.since is None else await server.moves(refusal.id, refusal.since)
        told.append(f"{refusal.file} {refusal.why}" + (f" ({moves_text(moves, names)})" if moves else ""))
    raise Moved("\n  ".join(("Nothing can be applied:", *told)) + "\n`patchbay pull` brings it here.")
