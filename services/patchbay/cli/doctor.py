"""`patchbay doctor`: what is wrong with a running Patchbay, and what to do."""

import argparse
from collections.abc import Sequence

from patchbay.cli.invoking import add_common_arguments, invoke, new_parser

_SUMMARY = """\
Look at everything that a running Patchbay consists of, and say what is wrong with it and what to do: the API, the
topic's settings, replicas, clocks, how far projections are behind, streams that are broken or quarantined, room on the
disk, versions. It only looks; a key is not needed, and a login to Postgres that may read is enough.
"""
_EPILOG = """\
example:
  patchbay doctor
  patchbay doctor --json | jq 'select(.is_well == false)'
  PATCHBAY_API=https://patchbay.example KAFKA_BOOTSTRAP_SERVERS=kafka.example:9092 patchbay doctor

What the environment names is looked at (PATCHBAY_API, KAFKA_BOOTSTRAP_SERVERS, TOPIC, DATABASE_URL); where it names
nothing, what `patchbay up` has started.

exit codes:
  0  all is well
  1  something is wrong
  2  wrong usage
  5  nothing wrong was found, but not everything could be looked at
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    parser = new_parser("patchbay doctor", _SUMMARY)
    parser.epilog = _EPILOG
    add_common_arguments(parser)
    parser.set_defaults(run=_doctor)
    return invoke(parser, arguments)


def _doctor(arguments: argparse.Namespace) -> None:
    from patchbay.cli.examination import examine  # noqa: PLC0415 - help must not wait for the clients

    examine(arguments)
