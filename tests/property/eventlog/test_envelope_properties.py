"""What holds for every record, whoever wrote it."""

import hashlib
import struct
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from patchbay.eventlog import (
    Base,
    Envelope,
    Foreign,
    Head,
    LogIdentity,
    NewEvent,
    SealedRecord,
    StoredRecord,
    fingerprint,
    read_envelope,
    seal,
)
from patchbay.eventlog.envelope import _OPTIONAL, _REQUIRED

IDENTITY = LogIdentity("5f" * 32, "events", 4)

digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)
events = st.builds(
    NewEvent,
    type=texts,
    source=texts,
    subject=st.none() | texts,
    data=st.binary(max_size=300),
    dataschema=texts,
    actor=texts,
    command_id=st.none() | digests,
    request_digest=st.none() | digests,
    affects=st.lists(st.sampled_from(["routing", "configuration", "access"]), unique=True).map(tuple),
    mends=st.none() | digests,
    reason=st.none() | texts,
    traceparent=st.none() | texts,
)


@st.composite
def sealed_records(draw: st.DrawFn) -> SealedRecord:
    parent = Head(draw(st.integers(0, 2**62)), draw(digests))
    base = draw(st.just(parent) | st.builds(Base, st.integers(0, parent.height), digests))
    time = draw(st.datetimes()).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")
    stream = draw(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40))
    if stream == "manifest":
        stream = "note_a"
    return seal(draw(events), stream=stream, parent=parent, base=base, time=time, event_id=draw(texts))


def stored(record: SealedRecord, **changes: object) -> StoredRecord:
    fields = {"key": record.key, "value": record.value, "headers": tuple(record.headers), **changes}
    return StoredRecord(IDENTITY.partition_of(record.stream), 9, 0, **fields)  # type: ignore[arg-type]


def plain_digest(key: bytes, headers: Sequence[tuple[str, bytes]], value: bytes) -> str:
    """Return the digest as its definition says it, piece by piece."""

    def piece(content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + content

    covered = sorted((name.encode(), value) for name, value in headers if name[:3] == "ce_" and name != "ce_digest")
    named = b"".join(piece(name) + piece(content) for name, content in covered)
    whole = b"\x01" + piece(key) + struct.pack(">I", len(covered)) + named + piece(dict(headers)["content-type"])
    return hashlib.sha256(whole + piece(value)).hexdigest()


@given(sealed_records())
def test_what_is_sealed_is_read_with_the_digest_of_the_definition(record: SealedRecord) -> None:
    envelope = read_envelope(stored(record), IDENTITY)

    assert isinstance(envelope, Envelope)
    assert envelope.digest == record.digest == plain_digest(record.key, record.headers, record.value)
    assert (envelope.stream, envelope.height, envelope.time) == (record.stream, record.height, record.time)


@given(sealed_records(), st.data())
def test_no_covered_byte_can_change_unseen(record: SealedRecord, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(record.headers)))
    headers, value = list(record.headers), record.value
    if index == len(headers):
        value = data.draw(st.binary(max_size=300).filter(lambda other: other != record.value))
    else:
        name, before = headers[index]
        headers[index] = (name, data.draw(st.binary(max_size=80).filter(lambda other: other != before)))
        if name == "traceparent":
            return  # not covered: proxies may rewrite it
    found = read_envelope(stored(record, headers=tuple(headers), value=value), IDENTITY)

    assert isinstance(found, Foreign)


names = st.sampled_from([*_REQUIRED, *_OPTIONAL]) | st.text(max_size=8)
contents = st.none() | st.binary(max_size=70) | st.sampled_from([b"1.0", b"k", b"%020d" % 3, b"ab" * 32])


@given(
    st.none() | st.sampled_from([b"k", b"manifest"]) | st.binary(max_size=10),
    st.none() | st.binary(max_size=10),
    st.lists(st.tuples(names, contents), max_size=24)
    | st.lists(contents, min_size=10, max_size=10).map(lambda values: list(zip(_REQUIRED, values, strict=True))),
    st.integers(0, 2),
)
def test_no_bytes_whatever_make_a_reader_fail(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]], offset: int
) -> None:
    record = StoredRecord(0, offset, 0, key, value, tuple(headers))

    assert isinstance(read_envelope(record, IDENTITY), Foreign)
    assert len(fingerprint(record)) == 32


@given(sealed_records(), sealed_records())
def test_records_that_differ_have_different_fingerprints(one: SealedRecord, other: SealedRecord) -> None:
    assert (fingerprint(stored(one)) == fingerprint(stored(other))) == (stored(one) == stored(other))
