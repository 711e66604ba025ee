"""Reading the lines of a file fast says of each what reading it on its own says, whatever was done to it."""

from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.eventlog.test_column_properties import blocks
from tests.property.eventlog.test_envelope_properties import IDENTITY

from patchbay.audit.lines import NO_CHECK, Line, read_line, write_line
from patchbay.audit.skimming import LineReader
from patchbay.eventlog import StoredRecord, Verdict, read_envelope

_CONTENT = len('{"logcheck":"0123456789abcdef",')
PIECES = (
    b'"', b"\\", b"\\u0041", b"\n", b"\x01", b"\xff", b"\xc3\xa9", b',"data":', b',"x":"y"', b" ", b"0", b"}", b"",
    b'"data_base64":"YQ=="', b'"logkind":"event"', b'"partitionkey":"k"',
)  # fmt: skip


def lines_of(records: list[StoredRecord]) -> list[bytes]:
    """Return the lines of these records, without checks."""
    lines = []
    for record in records:
        line, _ = write_line(record, read_envelope(record, IDENTITY), Verdict.ACCEPTED, NO_CHECK)
        lines.append(line[_CONTENT:-1])
    return lines


def checked(content: bytes, before: bytes) -> bytes:
    """Return a line with the check that it must have."""
    return b'{"logcheck":"%b",%b' % (sha256(before + content + b"\n").hexdigest()[:16].encode(), content)


def outcome(read: "LineReader", line: bytes, before: bytes) -> tuple[Line | str, Line | str]:
    """Return what both say of a line, or against it."""
    said: list[Line | str] = []
    for each in (read.read, lambda content: read_line(content, before)):
        try:
            said.append(each(line))
        except ValueError as error:
            said.append(str(error))
    return said[0], said[1]


@settings(deadline=None, max_examples=50)
@given(blocks(), st.data())
def test_fast_or_not_a_line_says_the_same(records: list[StoredRecord], data: st.DataObject) -> None:
    """Each line comes as it was written, then changed, with a check that fits or does not."""
    before, reader = NO_CHECK, LineReader(NO_CHECK)
    for content in lines_of(records):
        whole = checked(content, before)
        fast, slow = outcome(reader, whole, before)
        assert fast == slow
        assert isinstance(slow, Line)
        before = slow.check

        at = data.draw(st.integers(0, len(content)))
        until = data.draw(st.integers(at, min(at + 3, len(content))))
        other = content[:at] + data.draw(st.sampled_from(PIECES) | st.binary(max_size=3)) + content[until:]
        line = checked(other, before) if data.draw(st.booleans()) else whole
        fast, slow = outcome(reader, line, before)

        assert fast == slow
        if isinstance(slow, Line):
            before = slow.check
