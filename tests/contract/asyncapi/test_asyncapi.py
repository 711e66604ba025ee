"""docs/asyncapi.yaml is right by AsyncAPI's own parser, and says of each message what the code says."""

import json
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
from tests.contract.readers.foreign import ROOT, installed, tool

from patchbay.assistants.codec import TAGS, dataschema_of
from patchbay.eventlog.envelope import _OPTIONAL, _REQUIRED

DOCUMENT = ROOT / "docs" / "asyncapi.yaml"


@pytest.fixture(scope="module")
def messages() -> list[dict[str, Any]]:
    """Return what the parser finds in the document, after it took no offence."""
    command = [tool("node"), "check.js", str(DOCUMENT)]
    folder = installed(Path(__file__).parent)
    done = run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_every_version_of_every_event_is_a_message_with_its_schema(messages: list[dict[str, Any]]) -> None:
    versions = {
        (name, dataschema_of(name, version)) for name, tag in TAGS.items() for version in range(1, tag.version + 1)
    }

    assert {(message["name"], message["schema"]) for message in messages} == versions | {("LogManifest", None)}


def test_the_headers_are_those_of_the_envelope(messages: list[dict[str, Any]]) -> None:
    events = [message for message in messages if message["name"] != "LogManifest"]

    assert all(message["required"] == sorted(_REQUIRED) for message in events)
    assert all(message["headers"] == sorted(_REQUIRED + _OPTIONAL) for message in events)
