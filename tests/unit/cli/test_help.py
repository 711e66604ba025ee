"""Help comes at once, and teaches."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

COMMANDS = ["account open", "account list", "key issue", "key list", "key revoke", "number register"]
COMMANDS += ["number release", "number list", "log tail", "demo", "pull", "plan", "apply"]
COMMANDS += ["audit verify", "audit export", "audit import", "audit anchor", "audit prove"]
COMMANDS += ["audit history", "audit show", "audit route", "audit compare"]
COMMANDS += ["topic create", "topic check", "doctor"]
HEAVY = [
    "cryptography",
    "zstandard",
    "aiohttp",
    "aiokafka",
    "asyncpg",
    "prometheus_client",
    "structlog",
    "uvloop",
    "phonenumbers",
    "langcodes",
    "rich",
]
# One process shows the help of all: what one loads, those behind it would have too, and each is told.
SCRIPT = """
import contextlib, importlib, io, json, sys
shown = {}
for command in json.loads(sys.argv[1]):
    name, *arguments = command.split()
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        importlib.import_module("patchbay.cli." + name).main([*arguments, "--help"])
    shown[command] = out.getvalue(), [heavy for heavy in json.loads(sys.argv[2]) if heavy in sys.modules]
json.dump(shown, sys.stdout)
"""


@pytest.fixture(scope="module")
def shown() -> dict[str, tuple[str, list[str]]]:
    """Return the help of each command, and what was loaded by then of what takes long."""
    ran = subprocess.run(  # noqa: S603 - this Python, and constants
        [sys.executable, "-c", SCRIPT, json.dumps(COMMANDS), json.dumps(HEAVY)],
        capture_output=True,
        timeout=60,
        check=True,
    )
    return msgspec.json.decode(ran.stdout, type=dict[str, tuple[str, list[str]]])


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example_and_loads_nothing_heavy(shown: dict[str, tuple[str, list[str]]], command: str) -> None:
    """The clients of Kafka and Postgres alone would take longer than a person likes to wait for help."""
    text, heavy = shown[command]

    assert heavy == []
    assert f"patchbay {command}" in text
    assert "example:" in text
    assert "exit codes:" in text
    assert "--json" in text


def test_up_says_which_packages_it_lacks(tmp_path: Path) -> None:
    """As in an image, which has nothing that starts servers."""
    script = """
import sys
from patchbay.cli.up import main
sys.modules["psutil"] = None
sys.exit(main(["--data-dir", sys.argv[1]]))
"""
    ran = subprocess.run(  # noqa: S603 - this Python, and constants
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=30, check=False
    )

    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert "install patchbay[embedded]" in ran.stderr
