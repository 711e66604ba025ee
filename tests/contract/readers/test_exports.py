"""A verifier in JavaScript, which knows docs/audit.md and docs/subscribing.md alone, says of exports what ours says."""

import json
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.contract.readers.foreign import HERE, installed, tool
from tests.unit.audit.exports import compressed, eventful_log, export, lines_of

from patchbay.audit import Damaged, verify_export


@pytest.fixture(scope="module")
def folder() -> Path:
    """Give the verifier with its packages."""
    return installed(HERE / "javascript")


def verified(folder: Path, exported: Path) -> tuple[int, Any]:
    """Return its exit code and what it says."""
    command = [tool("node"), "export.js", str(exported)]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - ours
    assert ran.stdout, ran.stderr
    return ran.returncode, json.loads(ran.stdout)


def test_an_intact_export_is_what_ours_finds(folder: Path, tmp_path: Path) -> None:
    """Root, trails and verdicts, of events, foreign records, and gaps."""
    manifest = export(eventful_log(), tmp_path)

    assert verified(folder, tmp_path) == (0, {"root": manifest.root, "counts": manifest.counts})


def test_damage_is_found_at_the_line_at_which_ours_finds_it(folder: Path, tmp_path: Path) -> None:
    manifest = export(eventful_log(), tmp_path)
    random = Random(1)
    for _ in range(8):
        path = tmp_path / random.choice(manifest.files).name
        before, lines = path.read_bytes(), lines_of(path)
        at = random.randrange(len(lines))
        where = random.randrange(len(lines[at]) - 1)
        changed = lines[at][:where] + (b"1" if lines[at][where : where + 1] != b"1" else b"2") + lines[at][where + 1 :]
        path.write_bytes(compressed([*lines[:at], changed, *lines[at + 1 :]]))
        with pytest.raises(Damaged) as caught:
            verify_export(tmp_path)
        code, said = verified(folder, tmp_path)
        path.write_bytes(before)

        assert (code, said["file"], said["line"]) == (1, caught.value.file, caught.value.line)
