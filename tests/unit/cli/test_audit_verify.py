"""`patchbay audit verify` on exports: what it prints, and its exit codes."""

import io
import json
from pathlib import Path

import pytest
from tests.unit.audit.exports import compressed, eventful_log, export, lines_of

from patchbay.audit import read_manifest
from patchbay.cli.__main__ import dispatch
from patchbay.cli.audit.progressing import Progress


def test_a_fault_is_named_with_its_position_and_the_exit_code_is_1(
    nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log of the export has a record that was forged."""
    export(eventful_log(), nowhere / "backup")

    assert dispatch(["audit", "verify", "backup"]) == 1
    told = capsys.readouterr()
    assert "Not intact: 1 fault, the first is partition" in told.err
    assert "something was lost, or this was forged" in told.out


def test_a_fault_that_was_looked_into_is_a_remark(nowhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export(eventful_log(), nowhere / "backup")
    dispatch(["audit", "verify", "backup", "--json"])
    found = json.loads(capsys.readouterr().out)
    [fault] = found["findings"]
    known = f"{fault['partition']}:{fault['offset']}"

    assert dispatch(["audit", "verify", "backup", "--json", "--known", known]) == 0
    assert json.loads(capsys.readouterr().out)["intact"] is True
    assert found["intact"] is False


def test_a_damaged_line_is_named(nowhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export(eventful_log(), folder := nowhere / "backup")
    part = read_manifest(folder).files[0].name
    lines = lines_of(folder / part)
    (folder / part).write_bytes(compressed([lines[0], lines[1].replace(b"2026", b"2027"), *lines[2:]]))

    assert dispatch(["audit", "verify", "backup"]) == 1
    assert f"Not intact: {part}, line 2: " in capsys.readouterr().err


def test_what_is_no_export_is_said_to_be_none(nowhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["audit", "verify", str(nowhere)]) == 1
    assert "is no export" in capsys.readouterr().err


def test_progress_is_a_bar_on_a_terminal_and_plain_lines_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    plain, terminal = io.StringIO(), io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    told = [Progress("verifying", 1_000, stream=stream) for stream in (plain, terminal)]
    now = 110.0
    for progress in told:
        progress.reached(500)
        progress.reached(501)  # too soon for another
        progress.end()

    line = "500 of 1,000 records, 50 a second, 10 s left"
    assert plain.getvalue() == f"patchbay: verifying: 50%, {line}\n"
    assert terminal.getvalue() == f"\rverifying [###############...............]  50%  {line}\x1b[K\r\x1b[K"
