"""What a running service has given out, for the process that makes requests to it."""

import os
from pathlib import Path
from typing import Final

import msgspec

VARIABLE: Final = "FUZZING_FACTS"  # of the environment: the path of the file


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and values that only the service can make."""

    slugs: dict[str, str]  # of the account, by the name of who asks
    keys: tuple[str, ...]  # ids of the keys that are asked with: they must stay in force
    times: tuple[str, ...]  # of events
    formats: dict[str, tuple[str, ...]]  # by the `format` of the schema


def write(facts: Facts, path: Path) -> None:
    """Keep the facts in a file."""
    path.write_bytes(msgspec.json.encode(facts))


def read() -> Facts:
    """Return the facts of the file that the environment names."""
    return msgspec.json.decode(Path(os.environ[VARIABLE]).read_bytes(), type=Facts)
