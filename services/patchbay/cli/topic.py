"""`patchbay topic`: create the log's topic, check it, and say who may do what with it."""

import argparse
from collections.abc import Sequence
from typing import Any

from patchbay.cli.invoking import add_action, add_wait_argument, invoke, new_parser, whole_number

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
        "--partitions",
        type=whole_number(1, _MOST_PARTITIONS),
        default="4",
        help="fixed for the log's life (default: 4)",
    )
    create.add_argument(
        "--replication-factor",
        metavar="REPLICAS",
        type=whole_number(1, _MOST_REPLICAS),
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
        add_wait_argument(action, "for brokers that do not answer yet")
    _add_rights(actions)
    return parser


def _add_rights(actions: "argparse._SubParsersAction[Any]") -> None:
    rights = add_action(
        actions,
        "rights",
        _rights,
        summary=(
            "Say what each kind of login may do with the topic, as commands of Kafka's own tool; the API alone may\n"
            "append.\n\n"
            "With --apply the brokers are told so: KAFKA_SASL_USERNAME has to be one who may alter the cluster. Where\n"
            "an operator of Kubernetes looks after users, it does so: the Helm chart tells it the same."
        ),
        example=(
            "patchbay topic rights\npatchbay topic rights --user api=User:phones --user reader=User:CN=router --apply"
        ),
    )
    rights.add_argument(
        "--user",
        metavar="KIND=PRINCIPAL",
        action="append",
        default=[],
        help="who a kind is: api, projector, routing, reader or topic; may be repeated; with none: all by usual names",
    )
    rights.add_argument("--apply", action="store_true", help="have the brokers allow it; what they allow already stays")


def _create(arguments: argparse.Namespace) -> None:
    from patchbay.cli.topics import create  # noqa: PLC0415 - help must not wait for Kafka's client

    create(arguments)


def _check(arguments: argparse.Namespace) -> None:
    from patchbay.cli.topics import check  # noqa: PLC0415 - see above

    check(arguments)


def _rights(arguments: argparse.Namespace) -> None:
    from patchbay.cli.rights import rights  # noqa: PLC0415 - see above

    rights(arguments)
