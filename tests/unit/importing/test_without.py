"""What a library would take along is left out while it is imported, and there afterwards."""

import importlib
import subprocess
import sys

import pytest

from patchbay.importing import without

_UNUSED = "this"  # a module that nobody has imported: it prints a poem


def test_a_package_is_not_there_while_others_are_imported_and_there_afterwards() -> None:
    with without(_UNUSED), pytest.raises(ImportError):
        importlib.import_module(_UNUSED)

    assert _UNUSED not in sys.modules


def test_what_is_imported_already_stays() -> None:
    with without("json"):
        found = importlib.import_module("json")

    assert sys.modules["json"] is found


@pytest.mark.parametrize("module", ["patchbay.projector.__main__", "patchbay.cli.local.running"])
def test_a_process_starts_without_what_only_others_use(module: str) -> None:
    """Colours for tracebacks; for what starts servers, all that a log's readers need, too."""
    unwanted = {"rich"} | ({"aiokafka", "cryptography", "aiohttp"} if "local" in module else set())
    asked = f"import sys, {module}; print(*sorted({unwanted!r} & sys.modules.keys()))"

    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout == "\n"  # noqa: S603 - ours
