"""An assistant, and where a number's calls went, as they were: what the API answered then."""

import argparse

from patchbay.cli.calling import Api, segment
from patchbay.cli.showing import as_facts, as_json
from patchbay.cli.whereabouts import Whereabouts


def run_show(arguments: argparse.Namespace) -> None:
    """Print an assistant as it was at a time, or as one of its versions."""
    path = f"/api/assistants/{segment(arguments.name)}"
    assistant = _api(arguments).read(path, {"at": arguments.at})["assistant"]
    print(as_json(assistant) if arguments.json else as_facts(assistant, list(assistant)))


def run_route(arguments: argparse.Namespace) -> None:
    """Print who answered a call to a number at a time, with its configuration of then."""
    path = f"/api/routing/inbound/{segment(arguments.number)}"
    answer = _api(arguments).read(path, {"at": arguments.at})
    assistant = answer.pop("assistant") or {}
    if arguments.json:
        print(as_json({**answer, "assistant": assistant or None}))
        return
    print(as_facts({**answer, "assistant_name": assistant.get("name")}, _ROUTE))


def _api(arguments: argparse.Namespace) -> Api:
    return Api(Whereabouts(arguments.data_dir).api())


_ROUTE = ("phone_number", "outcome", "fallback", "account_id", "assistant_id", "assistant_name")
