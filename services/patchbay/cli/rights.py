"""Saying who may do what with the topic, and having the brokers allow it."""

import argparse
import asyncio
import shlex
from collections.abc import Iterator, Mapping, Sequence

from patchbay.cli.errors import BadUsage, Unreachable
from patchbay.cli.quieting import quieten_libraries
from patchbay.cli.showing import as_json
from patchbay.cli.whereabouts import Whereabouts
from patchbay.eventlog import RIGHTS, LogRefused, LogUnavailable, grant_rights


def rights(arguments: argparse.Namespace) -> None:
    """
    Print who may do what, and have the brokers allow it if that was asked for.

    Raises:
        NotRunning: Nothing is known of a Kafka.
        BadUsage: There is no such kind of login.
        Unreachable: The brokers do not answer, or refuse.
    """
    users = _users(arguments.user)
    whereabouts = Whereabouts(arguments.data_dir)
    topic = whereabouts.topic
    if arguments.apply:
        access = whereabouts.log()
        quieten_libraries()
        try:
            asyncio.run(grant_rights(access.bootstrap_servers, topic, users))
        except LogRefused as error:
            raise Unreachable(f"Kafka at {access.bootstrap_servers} does not allow it: {error}.") from None
        except LogUnavailable as error:
            raise Unreachable(f"Kafka at {access.bootstrap_servers} does not answer: {error}. Try again.") from None
    for kind, principal in users.items():
        if arguments.json:
            found = RIGHTS[kind]
            operations = {"topic": found.topic, "cluster": found.cluster}
            print(as_json({"kind": kind, "principal": principal, "name": topic, **operations}))
        elif arguments.apply:
            print(f"{principal} may do what {kind} needs with {topic}.")
        else:
            print("\n".join(_lines(kind, principal, topic)))


def _users(given: Sequence[str]) -> Mapping[str, str]:
    if not given:
        return {kind: f"User:{found.user}" for kind, found in RIGHTS.items()}
    users = {}
    for text in given:
        kind, _, principal = text.partition("=")
        if kind not in RIGHTS or not principal.startswith("User:"):
            raise BadUsage(f"--user {text}: it has to be KIND=User:NAME, with one of {', '.join(RIGHTS)}.")
        users[kind] = principal
    return users


def _lines(kind: str, principal: str, topic: str) -> Iterator[str]:
    found = RIGHTS[kind]
    yield f"# {kind}: {found.why}"
    for resource, operations in (("--topic " + shlex.quote(topic), found.topic), ("--cluster", found.cluster)):
        if operations:
            told = " ".join(f"--operation {operation}" for operation in operations)
            yield f"kafka-acls.sh --add --allow-principal {shlex.quote(principal)} {told} {resource}"
