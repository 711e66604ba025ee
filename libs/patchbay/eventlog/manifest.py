"""The record at offset 0 of every partition, which says what log this is; nothing is appended without one."""

from typing import Final

import msgspec

from patchbay.eventlog.digest import CONTENT_TYPE
from patchbay.eventlog.envelope import MANIFEST_KEY
from patchbay.eventlog.record import Record

RULE_VERSION: Final = 1  # of the verdicts; another rule would be another log
_MOST_BEGINNERS: Final = 64  # processes that begin a log in the same moment


class Manifest(msgspec.Struct, frozen=True):
    """What a partition is part of."""

    log_id: str
    partition_count: int
    partition: int
    rule_version: int = RULE_VERSION


_decoder = msgspec.json.Decoder(Manifest)


def manifest_headers(*, event_id: str, time: str) -> list[tuple[str, bytes]]:
    """Return the headers that make the manifest a CloudEvent like its neighbours."""
    return [
        ("ce_id", event_id.encode()),
        ("ce_source", b"/log"),
        ("ce_specversion", b"1.0"),
        ("ce_time", time.encode()),
        ("ce_type", b"LogManifest"),
        (CONTENT_TYPE, b"application/json"),
    ]


def is_manifest(record: Record, partition_count: int) -> bool:
    """
    Return whether `record` is the manifest of its partition, or that of somebody who began the log in the same moment.

    What comes second may name another log's id: it was written before the first was seen. It counts for nothing.
    """
    if record.offset == 0:
        return True
    if record.offset >= _MOST_BEGINNERS or record.key != MANIFEST_KEY or record.value is None:
        return False
    try:
        found = _decoder.decode(record.value)
    except msgspec.DecodeError:
        return False
    return (found.partition, found.partition_count) == (record.partition, partition_count)


def read_manifest(record: Record) -> Manifest | None:
    """Return the manifest that `record` is, None if it is something else."""
    if record.offset != 0 or record.key != MANIFEST_KEY or record.value is None:
        return None
    try:
        return _decoder.decode(record.value)
    except msgspec.DecodeError:
        return None
