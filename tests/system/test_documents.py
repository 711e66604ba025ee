"""What README and docs show works when it is typed, and answers as they say."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from tests.system.documents import ROOT, Shown, blocks_of, documents, is_as_promised
from tests.system.typing_commands import environ, working_directory
from tests.system.up import Up

from patchbay.cli.__main__ import COMMANDS

_END = "-- end of the block --"
BY_PAGES = {"runbook.md"}  # typed page by page, on an installation that may be stopped
RUNNABLE = [document for document in documents() if blocks_of(document) and document.name not in BY_PAGES]


def run_in_one_shell(blocks: list[Shown], home: Up) -> list[str]:
    """Return what each block printed; a command that fails ends it all."""
    script = "set -eu\n" + "".join(f"{block.commands}\necho; echo '{_END}'\n" for block in blocks)
    script = script.replace("127.0.0.1:8080", f"127.0.0.1:{home.api_port}")
    ran = subprocess.run(  # noqa: S603 - what our own documents show
        ["bash", "-c", script],  # noqa: S607 - bash, wherever it is
        cwd=working_directory(home),
        env=environ(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout.split(_END)[:-1]


@pytest.mark.parametrize("document", RUNNABLE, ids=lambda document: document.name)
def test_every_command_works_and_answers_as_shown(document: Path, home: Up) -> None:
    """In the order of the document, in one shell."""
    blocks = blocks_of(document)
    printed = run_in_one_shell(blocks, home)

    assert len(printed) == len(blocks)
    for block, text in zip(blocks, printed, strict=True):
        if block.answer is not None:
            found: Any = json.loads(text)
            assert is_as_promised(found, block.answer), f"{block.commands}\n{text}"


def test_the_readme_shows_all_four_calls() -> None:
    """Else the test above would say nothing."""
    text = " ".join(block.commands for block in blocks_of(ROOT / "README.md"))

    assert "$API/assistants -H" in text
    assert text.count("-X PATCH") == 2
    assert "telephony/phone-numbers" in text
    assert "routing/inbound" in text


@pytest.mark.parametrize("document", documents(), ids=lambda document: str(document.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    """Within the repository."""
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text())
    local = [unquote(target) for target in targets if "://" not in target]

    assert [target for target in local if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", documents(), ids=lambda document: str(document.relative_to(ROOT)))
def test_every_path_and_command_that_is_named_exists(document: Path) -> None:
    """In code spans: files and folders of the repository, make targets, commands."""
    spans = re.findall(r"`([^`\n]+)`", document.read_text())
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    paths = [span for span in spans if re.match(r"(libs|services|tests|docs|schemas|requirements)/[\w./-]+$", span)]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert {span.split()[1] for span in spans if re.match(r"make [a-z]", span)} <= targets
    assert {span.split()[1] for span in spans if re.match(r"patchbay [a-z]", span)} <= set(COMMANDS)
