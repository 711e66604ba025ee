"""
A record as a line of an export, from which its bytes come back exactly: CloudEvents in structured mode.

An event's headers are the line's members, in their order, and its JSON is the last one, unchanged. What would not come
back from that (records of others, headers that are no attributes) is a line of kind `record`, its bytes in base64.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from re import compile as pattern
from typing import Final

import msgspec

from patchbay.eventlog import Envelope, Foreign, Record, StoredRecord, Verdict
from patchbay.eventlog.digest import CONTENT_TYPE
from patchbay.eventlog.record import names_and_values

EVENT, RECORD, GAP = "event", "record", "gap"
NO_CHECK: Final = bytes(32)  # before the first line of a file
CHECK_DIGITS: Final = 16
CHECK_BEGIN: Final = b'{"logcheck":"'
_CHECK_END: Final = len(CHECK_BEGIN) + CHECK_DIGITS
_DATA: Final = b',"data":'
_JSON: Final = b"application/json"
LOG_MEMBERS: Final = ("logcheck", "logkind", "logpartition", "logoffset", "logtime", "logverdict")
_BASE64: Final = "data_base64"

_NOT_PLAIN: Final = bytes([*range(0x20), *b'"\\', *range(0x7F, 0x100)])  # all else stands in JSON as it is
_is_attribute: Final = pattern(r"ce_(?!log|data$|datacontenttype$|traceparent$)[a-z0-9]{1,20}").fullmatch
_read_texts: Final = msgspec.json.Decoder(dict[str, str]).decode
_encode: Final = msgspec.json.Encoder().encode


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    key: str | None
    value: str | None
    headers: list[tuple[str, str | None]]


class _Gap(msgspec.Struct, forbid_unknown_fields=True):
    until: str
    reason: str


class Gap(msgspec.Struct, frozen=True, gc=False):
    """Offsets that no record has."""

    partition: int
    offset: int  # the first
    until: int  # the first that a record has again, or the partition's end
    reason: str  # transactions: their ends lie there; unknown: nobody knows


class Line(msgspec.Struct, frozen=True, gc=False):
    """What a line says."""

    content: StoredRecord | Gap
    kind: str
    verdict: str
    check: bytes  # 32 bytes, of this line and all before it in its file


_read_content: Final = msgspec.json.Decoder(_Content).decode
_read_gap: Final = msgspec.json.Decoder(_Gap).decode


class _Shape:
    """What all events with one list of header names have in common."""

    __slots__ = ("content_type_at", "is_event", "template")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.content_type_at = names.index(CONTENT_TYPE)
        self.is_event = all(name in (CONTENT_TYPE, "traceparent") or _is_attribute(name) for name in names)
        members = (member_of(name).encode() for name in names)
        self.template = b"".join(b',"' + member + b'":"%b"' for member in members)


_SHAPES: Final[dict[tuple[str, ...], _Shape]] = {}
_HEADERS: Final[dict[tuple[str, ...], tuple[str, ...]]] = {}
_KEPT: Final = 512  # a stranger's records may not fill the memory


def member_of(header: str) -> str:
    """Return the name of a header's member."""
    return "datacontenttype" if header == CONTENT_TYPE else header.removeprefix("ce_")


def _shape_of(names: tuple[str, ...]) -> _Shape:
    if len(_SHAPES) >= _KEPT:
        _SHAPES.clear()
    shape = _SHAPES[names] = _Shape(names)
    return shape


def write_line(record: Record, content: Envelope | Foreign, verdict: Verdict, before: bytes) -> tuple[bytes, bytes]:
    """
    Return the line of a record, with its line feed, and the check behind it.

    Args:
        record: The record.
        content: What was read in it.
        verdict: What it is to every reader.
        before: The check behind the line before.
    """
    body = None if isinstance(content, Foreign) else _event_body(record)
    kind = b"record" if body is None else b"event"
    if body is None:
        body = _record_body(record)
    return _sealed(
        b'"logkind":"%b","logpartition":"%d","logoffset":"%d","logtime":"%d","logverdict":"%b"%b\n'
        % (kind, record.partition, record.offset, record.timestamp, verdict.encode(), body),
        before,
    )


def write_gap(gap: Gap, before: bytes) -> tuple[bytes, bytes]:
    """Return the line that says that offsets have no record, and the check behind it."""
    data = _encode(_Gap(str(gap.until), gap.reason))
    return _sealed(
        b'"logkind":"gap","logpartition":"%d","logoffset":"%d","logtime":"0","logverdict":"gap","specversion":"1.0",'
        b'"id":"%d-%d","type":"LogGap","source":"/log","datacontenttype":"application/json","data":%b}\n'
        % (gap.partition, gap.offset, gap.partition, gap.offset, data),
        before,
    )


def _sealed(rest: bytes, before: bytes) -> tuple[bytes, bytes]:
    check = sha256(before + rest)
    return b'%b%b",%b' % (CHECK_BEGIN, check.hexdigest()[:CHECK_DIGITS].encode(), rest), check.digest()


def _event_body(record: Record) -> bytes | None:
    """Return an event's members; None where its bytes would not come back from them."""
    names, values = names_and_values(record.headers)
    shape = _SHAPES.get(names) or _shape_of(names)
    value = record.value
    if not shape.is_event or None in values or value is None:
        return None
    joined = b"".join(values)
    if len(joined.translate(None, _NOT_PLAIN)) != len(joined):
        try:
            values = tuple(_encode(value.decode())[1:-1] for value in values)
        except UnicodeDecodeError:
            return None
    if values[shape.content_type_at] == _JSON and _is_data(value):
        return b'%b,"data":%b}' % (shape.template % values, value)
    return b'%b,"data_base64":"%b"}' % (shape.template % values, b64encode(value))


def _is_data(value: bytes) -> bool:
    if b"\n" in value or b"\r" in value:
        return False
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _record_body(record: Record) -> bytes:
    content = _Content(_text(record.key), _text(record.value), [(name, _text(value)) for name, value in record.headers])
    return (
        b',"specversion":"1.0","id":"%d-%d","type":"LogRecord","source":"/log","datacontenttype":"application/json"'
        b',"data":%b}' % (record.partition, record.offset, _encode(content))
    )


def _text(content: bytes | None) -> str | None:
    return None if content is None else b64encode(content).decode("ascii")


def read_line(line: bytes, before: bytes) -> Line:
    """
    Return what a line says.

    Args:
        line: Without its line feed.
        before: The check behind the line before.

    Raises:
        ValueError: It is not what was written; the message says what is wrong with it.
    """
    rest = line[_CHECK_END + 2 :] + b"\n"
    check = sha256(before + rest)
    if line[: _CHECK_END + 2] != b'%b%b",' % (CHECK_BEGIN, check.hexdigest()[:CHECK_DIGITS].encode()):
        raise ValueError("its logcheck is not that of its bytes behind the line before: it was changed, or lines are")
    head, has_data, data = line.partition(_DATA)
    try:
        texts = _read_texts(head + b"}" if has_data else head)
        return Line(
            _content_of(texts, data[:-1] if has_data else None), texts["logkind"], texts["logverdict"], check.digest()
        )
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, ValueError, Base64Error) as error:
        raise ValueError(f"it is no line of an export ({error})") from error


def _content_of(texts: dict[str, str], data: bytes | None) -> StoredRecord | Gap:
    kind, partition, offset = texts["logkind"], int(texts["logpartition"]), int(texts["logoffset"])
    if (data is None) is not (_BASE64 in texts):
        raise ValueError("data is there twice, or not at all")
    if kind == EVENT:
        value = b64decode(texts.pop(_BASE64), validate=True) if data is None else data
        values = list(texts.values())[len(LOG_MEMBERS) :]
        headers = tuple(zip(_headers_of(tuple(texts)), (text.encode() for text in values), strict=True))
        key = texts["partitionkey"].encode()
        return StoredRecord(partition, offset, int(texts["logtime"]), key, value, headers)
    if data is None:
        raise ValueError("no data")
    if kind == GAP:
        gap = _read_gap(data)
        return Gap(partition, offset, int(gap.until), gap.reason)
    content = _read_content(data)
    bare = tuple((name, _octets(value)) for name, value in content.headers)
    return StoredRecord(partition, offset, int(texts["logtime"]), _octets(content.key), _octets(content.value), bare)


def _headers_of(members: tuple[str, ...]) -> tuple[str, ...]:
    known = _HEADERS.get(members)
    if known is not None:
        return known
    if members[: len(LOG_MEMBERS)] != LOG_MEMBERS:
        raise ValueError("its first members are not those of an export")
    names = members[len(LOG_MEMBERS) :]
    plain = {"datacontenttype": CONTENT_TYPE, "traceparent": "traceparent"}
    found = tuple(plain.get(name, f"ce_{name}") for name in names)
    if len(_HEADERS) >= _KEPT:
        _HEADERS.clear()
    _HEADERS[members] = found
    return found


def _octets(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text, validate=True)
