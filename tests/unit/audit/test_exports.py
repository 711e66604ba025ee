"""Exports hold every byte, go on where they were interrupted, and say what the log is."""

from pathlib import Path

import pytest
from tests.unit.audit.exports import OTHER_LOG_ID, PARTITIONS, audited, begun_of, eventful_log, export, lines_of, write

from patchbay.audit import ExportUnusable, ExportWriter, Gap, Verification, begin_export, verify_export
from patchbay.audit.auditing import Audit
from patchbay.eventlog import Envelope, Foreign, StoredRecord, Verdict


def test_every_record_comes_back_byte_for_byte(tmp_path: Path) -> None:
    """Records of others and records that do not count too; the gap moved those behind it."""
    log = eventful_log()
    export(log, tmp_path)
    found: list[StoredRecord] = []

    def keep(record: StoredRecord, _content: Envelope | Foreign, _verdict: Verdict) -> None:
        found.append(record)

    Verification(tmp_path).run(keep)

    def bytes_of(record: StoredRecord) -> object:
        return record.partition, record.timestamp, record.key, record.value, tuple(record.headers)

    expected = [record for partition in range(PARTITIONS) for record in log.records(partition)]
    assert [bytes_of(record) for record in found] == [bytes_of(record) for record in expected]


def test_it_says_what_the_log_is(tmp_path: Path) -> None:
    log = eventful_log()
    manifest = export(log, tmp_path)
    _, audit = verify_export(tmp_path)
    direct = audited(log)

    assert manifest.counts == {verdict.value: direct.counts[verdict] for verdict in Verdict}
    assert set(direct.counts) == set(Verdict)
    assert [(h.stream, h.height, h.digest) for h in audit.heads()] == [
        (h.stream, h.height, h.digest) for h in direct.heads()
    ]
    assert [(finding.code, finding.stream) for finding in audit.faults()] == [("broken", next(iter(direct.stopped())))]


def test_an_interrupted_one_goes_on_and_becomes_the_same(tmp_path: Path) -> None:
    """Interrupted in the middle of the second partition; the finished files are not written again."""
    log = eventful_log()
    whole = export(log, tmp_path / "whole")
    begun = begun_of(log, [len(log.records(partition)) for partition in range(PARTITIONS)])
    folder = tmp_path / "halves"
    with ExportWriter(folder, begin_export(folder, begun), part_content_bytes=12_000) as first:
        write(first, log.records(0))
        first.end_partition()
        write(first, log.records(1)[:-3])
    written = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.zst")}
    with pytest.raises(ExportUnusable, match="not finished"):
        verify_export(folder)

    second = ExportWriter(folder, begin_export(folder, begun), part_content_bytes=12_000)
    second.resume()
    reached = dict(second.audit.next_offsets)
    for partition in range(PARTITIONS):
        write(second, log.records(partition)[reached[partition] :])
        second.end_partition()
    manifest = second.finish()

    assert reached[0] == len(log.records(0))
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("*.zst")}.items() >= written.items()
    assert manifest.counts == whole.counts
    verify_export(folder)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")

    with pytest.raises(ExportUnusable, match="not empty"):
        begin_export(tmp_path, begun_of(eventful_log(), [1, 1, 1]))
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_an_unfinished_one_of_another_log_is_left_alone(tmp_path: Path) -> None:
    begin_export(tmp_path, begun_of(eventful_log(), [1, 1, 1]))

    with pytest.raises(ExportUnusable, match="another log"):
        begin_export(tmp_path, begun_of(eventful_log(OTHER_LOG_ID), [1, 1, 1]))


def test_a_selection_holds_the_manifests_and_whole_streams(tmp_path: Path) -> None:
    log = eventful_log()
    stream = next(iter(audited(log).heads())).stream
    ends = [len(log.records(partition)) for partition in range(PARTITIONS)]
    begun = begin_export(tmp_path, begun_of(log, ends).of_account(stream))
    writer = ExportWriter(tmp_path, begun)
    writer.select([stream.encode()])
    for partition in range(PARTITIONS):
        write(writer, log.records(partition))
        writer.end_partition()
    writer.finish()
    _, audit = verify_export(tmp_path)

    assert [head.stream for head in audit.heads()] == [stream]
    assert audit.counts[Verdict.FOREIGN] == PARTITIONS


def test_lines_are_cloudevents_that_people_can_read(tmp_path: Path) -> None:
    manifest = export(eventful_log(), tmp_path)
    lines = [line for part in manifest.files for line in lines_of(tmp_path / part.name)]

    assert all(b'"specversion":"1.0"' in line and b'"type":"' in line and b'"source":"' in line for line in lines)
    assert any(b'"data":{"assistant_id":"' in line for line in lines)
    assert sum(b'"data_base64":"' in line for line in lines) == 4  # those whose value is no JSON of one line


def test_offsets_that_nobody_can_explain_are_a_fault() -> None:
    log = eventful_log()
    audit = Audit(log.identity)
    audit.take(log.records(0)[0])
    audit.take_gap(Gap(0, 1, 4, "unknown"))

    assert [(fault.code, fault.partition, fault.offset) for fault in audit.faults()] == [("gap", 0, 1)]


def test_a_fault_that_was_looked_into_is_none(tmp_path: Path) -> None:
    export(eventful_log(), tmp_path)
    [fault] = verify_export(tmp_path)[1].faults()

    audit = Verification(tmp_path, known=((fault.partition, fault.offset),)).run()

    assert audit.faults() == []
    assert [finding.offset for finding in audit.findings] == [fault.offset]
