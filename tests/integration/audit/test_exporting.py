"""Exports of a log on a real Kafka."""

from pathlib import Path

from tests.integration.audit.adverse import adverse_log, log_of

from patchbay.audit import Verification, verify_export
from patchbay.audit.lines import GAP
from patchbay.audit.parts import lines_of_part
from patchbay.cli.audit.exporting import export
from patchbay.cli.audit.verifying import verify_log
from patchbay.eventlog import Verdict


async def test_an_export_of_a_log_of_every_adversity_is_what_the_log_is(kafka: str, topic: str, tmp_path: Path) -> None:
    """Verdicts, heads, trails and faults alike; the marks of transactions are explained, and no fault."""
    async with adverse_log(kafka, topic), log_of(kafka, topic) as log:
        manifest = await export(log, tmp_path, account=None)
        checked = await verify_log(log, anchor=None, account=None, known=())
    found, audit = verify_export(tmp_path)
    lines = [line for part in found.files for line in lines_of_part(tmp_path, part)]

    assert checked.audit.counts == audit.counts
    assert set(audit.counts) == set(Verdict)
    assert list(checked.audit.heads()) == list(audit.heads())
    assert checked.audit.trails == audit.trails
    assert checked.audit.findings == audit.findings
    assert {fault.code for fault in audit.faults()} == {"broken", "digest_mismatch"}
    assert manifest.gaps == sum(line.kind == GAP for line in lines) >= 4
    assert sum(audit.next_offsets.values()) == log.offsets


async def test_an_account_goes_with_the_numbers_that_it_ever_had(kafka: str, topic: str, tmp_path: Path) -> None:
    """Whole streams, so that their chains can be followed."""
    async with adverse_log(kafka, topic), log_of(kafka, topic) as log:
        manifest = await export(log, tmp_path, account="neighbour")
        whole = (await verify_log(log, anchor=None, account=None, known=())).audit
    audit = Verification(tmp_path).run()
    streams = {head.stream for head in audit.heads()}

    assert manifest.account in streams
    assert len(streams) == 2  # it and the number that it took over from another account
    assert [head for head in whole.heads() if head.stream in streams] == list(audit.heads())
