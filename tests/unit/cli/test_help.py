"""Help comes at once, and teaches."""

import json
import subprocess
import sys
from pathlib import Path

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
SCRIPT = """
import importlib, json, sys
try:
    importlib.import_module("patchbay.cli." + sys.argv[1]).main([*sys.argv[2:], "--help"])
finally:
    json.dump([name for name in {heavy!r} if name in sys.modules], sys.stderr)
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example_and_loads_nothing_heavy(command: str) -> None:
    """The clients of Kafka and Postgres alone would take longer than a person likes to wait for help."""
    script = SCRIPT.format(heavy=HEAVY)
    ran = subprocess.run(  # noqa: S603 - this Python, and constants
        [sys.executable, "-c", script, *command.split()], capture_output=True, text=True, timeout=30, check=True
    )

    assert json.loads(ran.stderr) == []
    assert f"patchbay {command}" in ran.stdout
    assert "example:" in ran.stdout
    assert "exit codes:" in ran.stdout
    assert "--json" in ran.stdout


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
