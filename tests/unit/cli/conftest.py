"""A scripted API, and an environment that leads to it and nowhere else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.cli.scripted_api import ScriptedApi, scripted_api

_VARIABLES = (
    "DATA_DIR",
    "PATCHBAY_API",
    "PATCHBAY_OPERATOR_KEY",
    "PATCHBAY_KEY",
    "KAFKA_BOOTSTRAP_SERVERS",
    "TOPIC",
    "DATABASE_URL",
)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give an empty current directory and an environment that knows of nothing."""
    for variable in _VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def api(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedApi]:  # noqa: ARG001 - comes first
    """Give an API that the environment leads to."""
    with scripted_api() as running:
        for variable, value in running.environ.items():
            monkeypatch.setenv(variable, value)
        yield running
