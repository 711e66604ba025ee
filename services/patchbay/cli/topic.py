"""`patchbay topic`: create the log's topic, and check it."""

import argparse
from collections.abc import Callable, Sequence

from patchbay.cli.invoking import add_action, invoke, new_parser

_MOST_PARTITIONS = 1_000
_MOST_REPLICAS = 10


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return invoke(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = new_parser("patchbay topic", "The log's topic in Kafka.")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    create = add_action(
        actions,
        "create",
        _create,
        summary=(
            "Create the topic with the settings that a log needs. One that is there is left as it is, and checked.\n\n"
            "No event is appended: the first API that starts begins the log. So this may run under a login that may\n"
            "create topics, and the API under one that may only append."
        ),
        example=(
            "patchbay topic create --partitions 12 --replication-factor 3\n"
            "KAFKA_BOOTSTRAP_SERVERS=kafka.example:9092 patchbay topic create --wait-seconds 300"
        ),
    )
    create.add_argument(
        "--partitions", type=_between(1, _MOST_PARTITIONS), default="4", help="fixed for the log's life (default: 4)"
    )
    create.add_argument(
        "--replication-factor",
        metavar="REPLICAS",
        type=_between(1, _MOST_REPLICAS),
        default="1",
        help="on how many brokers each partition lies (default: 1)",
    )
    check = add_action(
        actions,
        "check",
        _check,
        summary=(
            "Check the topic. Every setting that puts events at risk is told, with what it may cost and how to set it."
        ),
        example="patchbay topic check\nTOPIC=patchbay.events patchbay topic check --json",
    )
    for action in (create, check):
        action.add_argument(
            "--wait-seconds",
            metavar="SECONDS",
            type=_between(0, 3_600),
            default="0",
            help="how long to wait for brokers that do not answer yet (default: 0)",
        )
    return parser


def _create(arguments: argparse.Namespace) -> None:
    from patchbay.cli.topics import create  # noqa: PLC0415 - help must not wait for Kafka's client

    create(arguments)


def _check(arguments: argparse.Namespace) -> None:
    from patchbay.cli.topics import check  # noqa: PLC0415 - see above

    check(arguments)


def _between(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to {most}")

    return read
