"""`patchbay log`: read the log, as it is and with the verdict on each record."""

import argparse
from collections.abc import Sequence

from patchbay.cli.invoking import add_action, invoke, new_parser


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return invoke(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("patchbay log", "The log: every event of every account and number, from the first one on.")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    tail = add_action(
        actions,
        "tail",
        _tail,
        summary=(
            "Follow the log until Ctrl-C. A line a record: time, stream, height, type, who, verdict, what changed.\n\n"
            "The verdict is what every reader gives it: `accepted` counts; `void` does not (it lost a race, or came\n"
            "twice); `broken` stops its stream, an operator has to look; `foreign` is no event of Patchbay. A verdict\n"
            "depends on all that came before, so the log is read from its start even where only its end is shown."
        ),
        example=(
            "patchbay log tail\n"
            "patchbay log tail --from beginning --no-follow --type NumbersAssigned\n"
            "patchbay log tail --json --from beginning | jq 'select(.verdict != \"accepted\")'"
        ),
    )
    tail.add_argument(
        "--from", dest="start", choices=("beginning", "end"), default="end", help="where to begin (default: end)"
    )
    tail.add_argument(
        "--stream", action="append", metavar="ID", help="only this stream: its id or the end of it; may be given again"
    )
    tail.add_argument(
        "--type", action="append", metavar="TYPE", help="only this type, such as NumbersAssigned; may be given again"
    )
    tail.add_argument("--no-follow", action="store_true", help="stop where the log ends now")
    tail.add_argument("--full", action="store_true", help="show ids and texts whole")
    mend = add_action(
        actions,
        "mend",
        _mend,
        summary=(
            "Let a stream go on that a forged record has stopped.\n\n"
            "It is your word, in the log for good, that the record was forged: its writer never knew an event that is\n"
            "missing here. Where an event was lost, restore the log instead. It takes a login that may append."
        ),
        example=(
            "patchbay log mend acct_01jm0000000000000000000000 --record 5f0c…9ab1 "
            '--reason "written by a stolen login, incident 7"'
        ),
    )
    mend.add_argument("stream", metavar="STREAM", help="the account's, number's or operators' id")
    mend.add_argument(
        "--record", metavar="DIGEST", required=True, help="of the record that stopped it, as `stream_stopped` names it"
    )
    mend.add_argument("--reason", required=True, help="for those who read the log later")
    return parser


def _mend(arguments: argparse.Namespace) -> None:
    from patchbay.cli.mending import run  # noqa: PLC0415 - help must not wait for Kafka's client

    run(arguments)


def _tail(arguments: argparse.Namespace) -> None:
    from patchbay.cli.tailing import run  # noqa: PLC0415 - help must not wait for Kafka's client

    run(arguments)
