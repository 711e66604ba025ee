"""The data directory has one owner, and its secrets have one reader."""

import json
import os
from pathlib import Path

import pytest

from patchbay.cli.local.directory import open_directory
from patchbay.cli.local.errors import AlreadyRunning, DirectoryUnusable


def test_a_directory_that_is_in_use_is_refused_until_it_is_free(tmp_path: Path) -> None:
    with (
        open_directory(tmp_path / "data"),
        pytest.raises(AlreadyRunning, match=rf"already runs on .* \(process {os.getpid()}\)"),
        open_directory(tmp_path / "data"),
    ):
        pass

    with open_directory(tmp_path / "data") as directory:
        assert directory.path == tmp_path / "data"


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DirectoryUnusable, match="Not a directory"), open_directory(tmp_path / "file" / "data"):
        pass


def test_a_full_disk_is_refused_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 12_000_000}))

    with pytest.raises(DirectoryUnusable, match="its disk has 12 MB left"), open_directory(tmp_path):
        pass


def test_keys_are_kept_for_their_owner_only(tmp_path: Path) -> None:
    with open_directory(tmp_path) as directory:
        operator_key = directory.operator_key()
        assert directory.account_key() is None
        directory.keep_account_key("tk_live_word")

    with open_directory(tmp_path) as directory:
        assert directory.operator_key() == operator_key
        assert directory.account_key() == "tk_live_word"
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("*.key")} == {0}


def test_endpoints_of_a_stopped_patchbay_name_no_process(tmp_path: Path) -> None:
    with open_directory(tmp_path) as directory:
        directory.write_endpoints({"api": "http://127.0.0.1:1", "pids": {"api": 1}})
        directory.forget_pids()

    assert json.loads((tmp_path / "endpoints.json").read_bytes()) == {"api": "http://127.0.0.1:1", "pids": {}}
