"""A shell in the directory in which `make run` was typed."""

import os
import sys
from pathlib import Path

from tests.system.up import Up

_FOREIGN = ("DATA_DIR", "PATCHBAY_API", "PATCHBAY_OPERATOR_KEY", "PATCHBAY_KEY", "KAFKA_BOOTSTRAP_SERVERS", "TOPIC")


def working_directory(home: Up) -> Path:
    return home.directory.parent


def environ(**more: str) -> dict[str, str]:
    """Return an environment in which `patchbay` is this checkout's, and that knows of no other Patchbay."""
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"} | more
