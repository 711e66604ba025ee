"""Reading many records at once says of each what reading it alone says, whatever lies around it."""

from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.eventlog.test_envelope_properties import IDENTITY, digests, plain_digest, sealed_records, stored

from patchbay.eventlog import Envelope, SealedRecord, StoredRecord, read_envelope
from patchbay.eventlog.columns import read_envelopes
from patchbay.eventlog.record import Headers

Values = Sequence[tuple[str, bytes | None]]

ODD = (
    b"", b"\n", b"a\nb", b"\x7f", b"\xff", b"\xc3", b"\xa9", b"0" * 20, b"9" * 20, b"%020d" % 7, b"2.0", b"A" * 64,
    b"0:" + b"a" * 64, b"9223372036854775808:" + b"a" * 64, b"2026-02-30T00:00:00.000000Z",
    b"2026-02-18T24:00:00.000000Z", b"2026-02-18T23:59:60.000000Z", b"routing,", b"text/plain",
)  # fmt: skip
oddities = st.none() | st.sampled_from(ODD) | digests.map(str.encode) | st.binary(max_size=70)


def sealed_anew(record: StoredRecord) -> StoredRecord:
    """Return the record with the digest of what it is now, so that nothing but its content speaks against it."""
    headers = [(name, value) for name, value in record.headers if name != "ce_digest" and value is not None]
    if len(headers) + 1 != len(record.headers) or "content-type" not in dict(headers) or record.key is None:
        return record
    digest = plain_digest(record.key, headers, record.value or b"")
    return msgspec.structs.replace(record, headers=(*headers, ("ce_digest", digest.encode())))


@st.composite
def changed(draw: st.DrawFn, record: StoredRecord) -> StoredRecord:
    """Return a record of which one thing is another, with a digest that fits or without."""
    what = draw(st.sampled_from(["partition", "offset", "key", "value", "header", "header", "header", "name"]))
    headers = list(record.headers)
    index = draw(st.integers(0, len(headers) - 1))
    if what == "header":
        headers[index] = (headers[index][0], draw(oddities))
    elif what == "name":
        headers[index] = (draw(st.sampled_from(["ce_x", "x", "ce_id", "ce_BAD", "traceparent"])), headers[index][1])
    others = {
        "partition": st.integers(0, 3),
        "offset": st.sampled_from([0, 1]),
        "key": st.none() | st.sampled_from([b"manifest", b"", b"two words", b"acct_b"]),
        "value": st.none() | st.binary(max_size=20),
    }
    if what in others:
        other = msgspec.structs.replace(record, **{what: draw(others[what])})
    else:
        other = msgspec.structs.replace(record, headers=tuple(headers))
    return sealed_anew(other) if draw(st.booleans()) else other


@st.composite
def blocks(draw: st.DrawFn) -> list[StoredRecord]:
    """Return records of a few kinds, mixed, most of them whole."""
    sealed: list[SealedRecord] = draw(st.lists(sealed_records(), min_size=1, max_size=3))
    records = [stored(record) for record in sealed] * draw(st.integers(1, 8))
    for _ in range(draw(st.integers(0, 3))):
        index = draw(st.integers(0, len(records) - 1))
        records[index] = draw(changed(records[index]))
    order = draw(st.permutations(range(len(records))))
    return [apart(records[index]) if draw(st.booleans()) else records[index] for index in order]


def apart(record: StoredRecord) -> StoredRecord:
    """Return the same record, its headers' names apart from their values."""
    names, values = tuple(name for name, _ in record.headers), tuple(value for _, value in record.headers)
    return msgspec.structs.replace(record, headers=Headers(names, values))


@settings(deadline=None, max_examples=80)
@given(blocks())
def test_many_at_once_are_what_each_is_alone(records: list[StoredRecord]) -> None:
    expected = [read_envelope(record, IDENTITY) for record in records]
    found = read_envelopes(records, IDENTITY)

    assert [type(each) for each in found] == [type(each) for each in expected]
    assert [each for each in found if isinstance(each, Envelope)] == [
        each for each in expected if isinstance(each, Envelope)
    ]
    assert found == expected


@given(sealed_records())
def test_headers_with_their_names_apart_are_those_headers(record: SealedRecord) -> None:
    whole = stored(record)
    headers = apart(whole).headers

    assert headers == whole.headers
    assert (hash(headers), len(headers), headers[0], headers[1:]) == (
        hash(whole.headers),
        len(whole.headers),
        whole.headers[0],
        whole.headers[1:],
    )
    assert apart(whole) == whole
