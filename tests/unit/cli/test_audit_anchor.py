"""`patchbay audit anchor` and `prove` on exports."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.unit.audit.exports import OTHER_LOG_ID, eventful_log, export

from patchbay.cli.__main__ import dispatch


@pytest.fixture
def backup(nowhere: Path) -> Path:
    """Give a folder with an export, and keys in PEM beside it."""
    export(eventful_log(), nowhere / "backup")
    key = Ed25519PrivateKey.generate()
    (nowhere / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (nowhere / "key.pub").write_bytes(public)
    return nowhere / "backup"


def anchored(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["audit", "anchor", "backup", "--key", "key.pem"]) == 0
    Path("anchor.txt").write_text(capsys.readouterr().out)


@pytest.mark.usefixtures("backup")
def test_an_anchor_is_held_against_the_export(capsys: pytest.CaptureFixture[str]) -> None:
    anchored(capsys)
    dispatch(["audit", "verify", "backup", "--anchor", "anchor.txt", "--trusted-key", "key.pub", "--json"])
    told = json.loads(capsys.readouterr().out)

    assert f"root {told['root']}\n" in Path("anchor.txt").read_text()
    assert told["anchored_at"].endswith("Z")


def test_another_log_is_not_the_one_that_was_anchored(backup: Path, capsys: pytest.CaptureFixture[str]) -> None:
    anchored(capsys)
    export(eventful_log(OTHER_LOG_ID), backup.parent / "other")

    assert dispatch(["audit", "verify", "other", "--anchor", "anchor.txt"]) == 1
    assert "the anchor is of the log" in capsys.readouterr().err


@pytest.mark.usefixtures("backup")
def test_a_proof_is_printed_for_a_slug(capsys: pytest.CaptureFixture[str]) -> None:
    anchored(capsys)

    assert dispatch(["audit", "prove", "team-2", "backup", "--anchor", "anchor.txt"]) == 0
    assert json.loads(capsys.readouterr().out)["leaf"].startswith("patchbay-head-1 ")
    assert dispatch(["audit", "prove", "nobody", "backup", "--anchor", "anchor.txt"]) == 1
    assert "had no event" in capsys.readouterr().err


@pytest.mark.usefixtures("backup")
def test_a_file_that_holds_no_key_is_said_to_hold_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["audit", "anchor", "backup", "--key", "key.pub"]) == 2
    assert "openssl genpkey -algorithm ed25519" in capsys.readouterr().err
