"""What an older anchor proves, and to whom."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.system.documents import ROOT
from tests.unit.audit.exports import audited, eventful_log
from tests.unit.projection.chains import Chains, Written

from patchbay.audit import Anchor, Anchored, AnchorUnusable, NotAnchored, Proof, make_anchor, prove, read_anchor
from patchbay.eventlog import MemoryLog, StoredRecord

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()
MADE_AT = "2026-11-23T12:00:00Z"

Partitions = list[list[StoredRecord]]


def anchor_of(log: MemoryLog) -> Anchor:
    return make_anchor(audited(log), KEY, made_at=MADE_AT)


def partitions_of(log: MemoryLog) -> Partitions:
    return [list(log.records(partition)) for partition in range(log.identity.partition_count)]


def held_against(anchor: Anchor, log: MemoryLog, partitions: Sequence[Sequence[StoredRecord]]) -> Anchored:
    """Read a log that consists of these records, whatever their offsets were."""
    anchored = Anchored(anchor, log.identity)
    for records in partitions:
        for offset, record in enumerate(records):
            anchored.take(msgspec.structs.replace(record, offset=offset))
    anchored.check({partition: len(records) for partition, records in enumerate(partitions)})
    return anchored


def test_a_log_that_has_grown_is_still_the_one() -> None:
    log = eventful_log()
    anchor = anchor_of(log)
    Written(log).opened("late")

    held_against(read_anchor(anchor.text, trusted_key=PUBLIC), log, partitions_of(log))


def test_whatever_is_done_to_what_it_covers_is_found() -> None:
    """A record changed, cut off, inserted, taken out or swapped: void and foreign ones too."""
    log, random = eventful_log(), Random(1)
    anchor, found = anchor_of(log), 0
    for _ in range(100):
        partitions = partitions_of(log)
        partition = random.choice([index for index, records in enumerate(partitions) if len(records) > 2])
        records = partitions[partition]
        at = random.randrange(1, len(records) - 1)
        match random.randrange(5):
            case 0:
                records[at] = msgspec.structs.replace(records[at], value=b"another")
            case 1:
                partitions[partition] = records[:at]
            case 2:
                records.insert(at, StoredRecord(partition, 0, 0, b"x", b"%d" % at, ()))
            case 3:
                del records[at]
            case _:
                records[at], records[at + 1] = records[at + 1], records[at]
        with pytest.raises(NotAnchored, match=f"partition {partition}"):
            held_against(anchor, log, partitions)
        found += 1

    assert found == 100


def test_a_log_made_anew_with_chains_that_fit_is_found() -> None:
    """Nothing else would find it."""
    log, other = MemoryLog(2), MemoryLog(2)
    other.identity = log.identity
    for each, name in ((log, "mine"), (other, "yours")):
        Written(each).opened(name)
    anew = [[log.records(p)[0], *other.records(p)[1:]] for p in range(2)]

    with pytest.raises(NotAnchored):
        held_against(anchor_of(log), log, anew)


def test_an_end_that_was_cut_off_is_found_where_chains_cannot_tell() -> None:
    log = MemoryLog(1)
    written = Written(log)
    account = written.account("acme")
    written.opened("acme")
    written.seal_raw(account, "Later", b"{}")
    cut = [log.records(0)[:-1]]

    with pytest.raises(NotAnchored, match="partition 0 ends at offset 2, but had reached 3"):
        held_against(anchor_of(log), log, cut)


def test_another_logs_anchor_says_nothing() -> None:
    with pytest.raises(NotAnchored, match="of the log"):
        Anchored(anchor_of(MemoryLog(2)), MemoryLog(2).identity)


def test_any_change_of_its_text_is_found() -> None:
    """Each byte once."""
    text = anchor_of(eventful_log()).text
    for at, character in enumerate(text):
        changed = text[:at] + ("1" if character != "1" else "2") + text[at + 1 :]
        with pytest.raises(AnchorUnusable):
            read_anchor(changed)


def test_another_key_than_the_trusted_one_is_refused() -> None:
    log = eventful_log()
    text = make_anchor(audited(log), Ed25519PrivateKey.generate(), made_at=MADE_AT).text

    with pytest.raises(AnchorUnusable, match="signed by the key"):
        read_anchor(text, trusted_key=PUBLIC)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the script that docs/audit.md shows."""
    text = (ROOT / "docs" / "audit.md").read_text()
    begin = text.index('"""check_proof.py')
    source = text[begin : text.index("```", begin)]
    assert sum(1 for line in source.splitlines() if line) <= 62
    path = tmp_path_factory.mktemp("script") / "check_proof.py"
    path.write_text(source)
    return path


def check(script: Path, proof: dict[str, Any], key: str = PUBLIC) -> tuple[int, str]:
    """Run the script as a stranger does: with no package of ours, or of anybody's."""
    path = script.with_name("proof.json")
    path.write_text(json.dumps(proof))
    command = [sys.executable, "-I", "-S", str(script), str(path), key]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our document
    return ran.returncode, ran.stdout + ran.stderr


def test_a_stranger_checks_a_proof_with_the_script_of_the_document(script: Path) -> None:
    log = eventful_log()
    anchor = anchor_of(log)
    anchored = held_against(anchor, log, partitions_of(log))
    account = Chains(log.identity).account("team-3")
    head = audited(log).head_of(account)
    proof = prove(anchored, account)
    told = msgspec.to_builtins(proof)

    said = f"PROVEN: {account} had {head.height} events, the last {head.digest}, as anchored at {MADE_AT}\n"
    assert check(script, told) == (0, said)
    for changed in _changed(proof):
        code, refused = check(script, msgspec.to_builtins(changed))
        assert (code, "NOT PROVEN" in refused) == (1, True)
    assert check(script, told, "ab" * 32)[0] == 1


def _changed(proof: Proof) -> list[Proof]:
    replace = msgspec.structs.replace
    return [
        replace(proof, leaf=proof.leaf.replace(" 6 ", " 7 ").replace(" 5 ", " 6 ")),
        replace(proof, index=proof.index ^ 1),
        replace(proof, size=proof.size + 1),
        replace(proof, path=proof.path[:-1]),
        replace(proof, path=(*proof.path, "ab" * 32)),
        replace(proof, anchor=proof.anchor.replace(MADE_AT, "2025-11-23T12:00:00Z")),
    ]


def test_a_stream_without_events_has_no_proof() -> None:
    log = eventful_log()
    anchored = held_against(anchor_of(log), log, partitions_of(log))

    with pytest.raises(NotAnchored, match="no event"):
        prove(anchored, "acct_00000000000000000000000000")
