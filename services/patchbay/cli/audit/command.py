"""The arguments of `patchbay audit`."""

import argparse
import importlib
from collections.abc import Sequence
from typing import Final

from patchbay.cli.invoking import Parser, Run, add_action, invoke, new_parser

_SUMMARY: Final = (
    "What the log proves: verify it, keep it, anchor it. docs/audit.md says what is proven and what is not."
)
_MOST: Final = 10_000  # partitions
_Actions = argparse._SubParsersAction  # noqa: SLF001 - argparse gives the type no other name


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return invoke(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("patchbay audit", _SUMMARY)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for add in (
        _add_history,
        _add_past,
        _add_verify,
        _add_export,
        _add_parquet,
        _add_import,
        _add_anchor,
        _add_prove,
        _add_compare,
    ):
        add(actions)
    return parser


def _lazily(module: str, function: str = "run") -> Run:
    """Return what runs an action; help must not wait for what it imports."""

    def run(arguments: argparse.Namespace) -> None:
        work: Run = getattr(importlib.import_module(f"patchbay.cli.audit.{module}"), function)
        work(arguments)

    return run


def _add_history(actions: "_Actions[Parser]") -> None:
    history = add_action(
        actions,
        "history",
        _lazily("history"),
        summary=(
            "Who changed what, when and why: each field before and after, long texts word by word.\n\n"
            "It is read from the log itself, all of it, or from an export, which is verified on the way."
        ),
        example=(
            "patchbay audit history my-team --since 2026-11-01 --field system_prompt\n"
            "patchbay audit history +12025550143 --from backup-2026-11"
        ),
    )
    history.add_argument("name", metavar="NAME", help="an assistant's id; a phone number or its id; an account")
    history.add_argument("--since", metavar="TIME", help="ISO 8601; without an offset it is UTC")
    history.add_argument("--until", metavar="TIME", help="likewise")
    history.add_argument("--field", action="append", metavar="FIELD", help="only this field; may be given again")
    history.add_argument("--actor", metavar="KEY", help="only what was done with this key, by its id")
    history.add_argument("--from", dest="source", metavar="EXPORT", help="the folder of an export (default: the log)")


def _add_past(actions: "_Actions[Parser]") -> None:
    show = add_action(
        actions,
        "show",
        _lazily("past", "run_show"),
        summary="An assistant as it was at a time, or as one of its versions. Asked of the API.",
        example="patchbay audit show asst_01jm0000000000000000000001 --at 2026-11-23T12:00:00.000000Z",
    )
    show.add_argument("name", metavar="ASSISTANT", help="its id")
    show.add_argument("--at", metavar="TIME|VERSION", required=True, help="ISO 8601, or the number of a version")
    route = add_action(
        actions,
        "route",
        _lazily("past", "run_route"),
        summary="Who answered a call to a number at a time, with the configuration of then. Asked of the API.",
        example="patchbay audit route +12025550143 --at 2026-11-23T12:00:00.000000Z",
    )
    route.add_argument("number", metavar="NUMBER", help="with + and country code")
    route.add_argument("--at", metavar="TIME", required=True, help="ISO 8601")


def _add_verify(actions: "_Actions[Parser]") -> None:
    verify = add_action(
        actions,
        "verify",
        _lazily("verifying"),
        summary=(
            "Verify the log, or an export of it: recompute every digest and chain, give each record its verdict.\n\n"
            "Whatever is wrong is named with its position, and the exit code is 1. An end that was cut off, or a\n"
            "whole log that was written anew, only an anchor shows that was kept elsewhere: --anchor."
        ),
        example=(
            "patchbay audit verify\n"
            "patchbay audit verify backup-2026-11\n"
            "patchbay audit verify backup-2026-11 --anchor anchor-2026-10.txt --trusted-key anchor.pub"
        ),
    )
    verify.add_argument(
        "source", metavar="EXPORT", nargs="?", default="live", help="the folder of an export (default: `live`, the log)"
    )
    verify.add_argument("--account", metavar="ACCOUNT", help="tell faults of this account and its numbers alone")
    verify.add_argument("--anchor", metavar="FILE", help="hold it against this anchor")
    verify.add_argument(
        "--trusted-key", metavar="KEY", help="the anchor must be signed by it: a PEM file, or 64 hex digits"
    )
    verify.add_argument(
        "--known",
        action="append",
        metavar="PARTITION:OFFSET",
        help="you have looked into this fault; may be given again",
    )


def _add_export(actions: "_Actions[Parser]") -> None:
    export = add_action(
        actions,
        "export",
        _lazily("exporting"),
        summary=(
            "Write the log into a folder, every byte of it: the backup, and the evidence.\n\n"
            "Lines of CloudEvents, compressed, with a manifest. Interrupted, it goes on when it is run again; its end\n"
            "is the one that the log had when it was begun."
        ),
        example="patchbay audit export backup-2026-11\npatchbay audit export evidence --account my-team",
    )
    export.add_argument("folder", metavar="FOLDER", help="empty or not there yet, or an unfinished export")
    export.add_argument("--account", metavar="ACCOUNT", help="only this account's streams: its slug or id")


def _add_parquet(actions: "_Actions[Parser]") -> None:
    parquet = add_action(
        actions,
        "parquet",
        _lazily("tabulating"),
        summary=(
            "Write an export as a table for analysts: a Parquet file with one row for each record, void and foreign\n"
            "ones included. The export is verified on the way. Needs pyarrow: install patchbay[parquet]."
        ),
        example=(
            "patchbay audit parquet backup-2026-11 events.parquet\n"
            "duckdb -c \"SELECT actor, count(*) FROM 'events.parquet' WHERE verdict = 'accepted' GROUP BY actor\""
        ),
    )
    parquet.add_argument("folder", metavar="EXPORT", help="of the export")
    parquet.add_argument("file", metavar="FILE", help="not there yet")


def _add_import(actions: "_Actions[Parser]") -> None:
    importing = add_action(
        actions,
        "import",
        _lazily("importing"),
        summary=(
            "Make an export a log again, in a topic of its own: TOPIC names it, and it must be empty.\n\n"
            "The export is verified first, and refused where a line is damaged. The log keeps its id, so heads,\n"
            "verdicts and tables are those of the log that was exported, in another number of partitions too."
        ),
        example=(
            "TOPIC=patchbay.restored patchbay audit import backup-2026-11\n"
            "TOPIC=patchbay.wider patchbay audit import backup-2026-11 --partitions 48 --replication-factor 3"
        ),
    )
    importing.add_argument("folder", metavar="FOLDER", help="of the export")
    importing.add_argument("--partitions", type=_count, metavar="N", help="how many (default: as many as it had)")
    importing.add_argument(
        "--replication-factor", type=_count, default=1, metavar="N", help="of the topic (default: 1)"
    )


def _add_anchor(actions: "_Actions[Parser]") -> None:
    anchor = add_action(
        actions,
        "anchor",
        _lazily("anchoring", "run_anchor"),
        summary=(
            "Sign what the log is now: the root over the heads of all streams, and the trail of each partition.\n\n"
            "Print it, publish it, give it to somebody else: held against it later, nothing of what it covers can be\n"
            "cut off, changed or inserted unnoticed."
        ),
        example=(
            "openssl genpkey -algorithm ed25519 -out anchor.key\n"
            "openssl pkey -in anchor.key -pubout -out anchor.pub\n"
            "patchbay audit anchor --key anchor.key > anchor-2026-11.txt\n"
            "patchbay audit verify --anchor anchor-2026-11.txt --trusted-key anchor.pub"
        ),
    )
    _add_source(anchor)
    anchor.add_argument("--key", metavar="FILE", required=True, help="Ed25519, private, PEM, without a password")


def _add_prove(actions: "_Actions[Parser]") -> None:
    prove = add_action(
        actions,
        "prove",
        _lazily("anchoring", "run_prove"),
        summary=(
            "Prove that a stream's newest event was in the log when it was anchored; docs/audit.md has 60 lines of\n"
            "Python with which anybody checks the proof, and no other stream is shown to them."
        ),
        example="patchbay audit prove my-team --anchor anchor-2026-11.txt > proof.json",
    )
    prove.add_argument("name", metavar="ACCOUNT", help="slug or id of the account; or a phone number, or its id")
    _add_source(prove)
    prove.add_argument("--anchor", metavar="FILE", required=True, help="the anchor")


def _add_compare(actions: "_Actions[Parser]") -> None:
    add_action(
        actions,
        "compare",
        _lazily("comparing"),
        summary=(
            "Fold the log, and hold the read model and the routing table against it, each as far as it has come.\n\n"
            "Every row that is not what the log says is listed, and the exit code is 1. Traffic may go on meanwhile."
        ),
        example="patchbay audit compare\npatchbay audit compare --json | jq .table",
    )


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", metavar="EXPORT", nargs="?", default="live", help="the folder of an export (default: `live`, the log)"
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {_MOST:,}")
    return int(text)
