"""`patchbay audit parquet`: an export as a table."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from tests.unit.audit.exports import compressed, eventful_log, export, lines_of

from patchbay.audit import Verification, read_manifest
from patchbay.cli.__main__ import dispatch
from patchbay.cli.audit import tabulating
from patchbay.eventlog import Envelope


@pytest.fixture
def backup(nowhere: Path) -> Path:
    """Give an export on which everything has happened."""
    export(eventful_log(), folder := nowhere / "backup")
    return folder


def rows_of(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


def test_every_record_is_a_row(
    backup: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its envelope in columns, its JSON as text; void and foreign ones too, whose columns are null."""
    monkeypatch.setattr(tabulating, "_GROUP_ROWS", 7)  # several groups
    assert dispatch(["audit", "parquet", "backup", "events.parquet", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    rows, records = rows_of(Path("events.parquet")), []
    Verification(backup).run(lambda *judged: records.append(judged))
    manifest = read_manifest(backup)

    assert told["rows"] == len(rows) == len(records) == sum(manifest.counts.values())
    assert Counter(row["verdict"] for row in rows) == Counter(manifest.counts)
    assert parquet.ParquetFile("events.parquet").num_row_groups > 2
    for row, (record, content, _) in zip(rows, records, strict=True):
        assert (row["partition"], row["offset"]) == (record.partition, record.offset)
        assert row["appended_at"] == datetime.fromtimestamp(record.timestamp / 1000, UTC)
        if isinstance(content, Envelope):
            assert (row["stream"], row["height"], row["digest"]) == (content.stream, content.height, content.digest)
            assert row["time"] == datetime.fromisoformat(content.time)
            assert row["actor"] == content.actor == "key_test"
            assert row["data"] is None or row["data"].encode() == content.value
        else:
            assert {row[name] for name in ("stream", "height", "type", "data")} == {None}


def test_a_damaged_export_leaves_no_file(backup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = backup / read_manifest(backup).files[-1].name
    path.write_bytes(compressed([line.replace(b"logkind", b"logkinD", 1) for line in lines_of(path)]))

    assert dispatch(["audit", "parquet", "backup", "events.parquet"]) == 1
    assert "line 1" in capsys.readouterr().err
    assert list(Path().iterdir()) == [Path("backup")]


@pytest.mark.usefixtures("backup")
def test_a_file_that_is_there_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("events.parquet").write_text("mine")

    assert dispatch(["audit", "parquet", "backup", "events.parquet"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert Path("events.parquet").read_text() == "mine"
