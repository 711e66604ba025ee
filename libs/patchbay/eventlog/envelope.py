"""What makes a record an event of ours: the envelope, read from the exact stored bytes."""

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import itemgetter
from re import compile as pattern
from typing import Any, Final

import msgspec

from patchbay.eventlog.digest import CONTENT_TYPE, Digester
from patchbay.eventlog.identity import LogIdentity, place_of_key
from patchbay.eventlog.record import Record, names_and_values

MANIFEST_KEY: Final = b"manifest"
HEIGHT_DIGITS: Final = 20
DIGEST_DIGITS: Final = 64
MAX_HEIGHT: Final = 2**63 - 1
HEX_DIGITS: Final = b"0123456789abcdef"
CONTROL_BYTES: Final = bytes([*range(0x20), 0x7F])

TIME_SHAPE: Final = b"0000-00-00T00:00:00.000000Z"
DIGITS_TO_ZERO: Final = bytes.maketrans(b"0123456789", b"0000000000")
AFFECTS_PATTERN: Final = pattern(rb"[a-z]+(?:,[a-z]+)*").fullmatch
_BASE_PATTERN: Final = pattern(rb"(0|[1-9][0-9]{0,18}):([0-9a-f]{64})").fullmatch
_ATTRIBUTE_PATTERN: Final = pattern(r"ce_[a-z0-9]{1,20}").fullmatch

_REQUIRED: Final = (
    "ce_specversion",
    "ce_id",
    "ce_type",
    "ce_source",
    "ce_time",
    "ce_sequence",
    "ce_partitionkey",
    "ce_predecessor",
    "ce_digest",
    CONTENT_TYPE,
)
_DIGEST_INDEX: Final = _REQUIRED.index("ce_digest")
_OPTIONAL: Final = (
    "ce_subject",
    "ce_base",
    "ce_dataschema",
    "ce_actor",
    "ce_commandid",
    "ce_requestdigest",
    "ce_affects",
    "ce_mends",
    "ce_reason",
    "traceparent",
)

_Picked = tuple[Any, ...]  # values of the headers above, in that order: bytes, or None where absent


class Base(msgspec.Struct, frozen=True, gc=False):
    """The newest event that a writer knew to be accepted, by a verdict."""

    height: int
    digest: str


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """An event of ours, its bytes proven by its digest; whether it counts, a verdict tells."""

    stream: str
    height: int
    predecessor: str
    base: Base  # the predecessor, where the record names none
    digest: str
    id: str
    type: str
    source: str
    subject: str | None
    time: str
    dataschema: str | None
    actor: str | None
    command_id: str | None
    request_digest: str | None
    affects: tuple[str, ...]
    mends: str | None
    reason: str | None
    traceparent: str | None
    value: bytes
    headers: Sequence[tuple[str, bytes | None]]  # as stored


class Foreign(msgspec.Struct, frozen=True):
    """A record that is no event of ours; readers skip it. `reason` is stable snake_case."""

    reason: str
    detail: str = ""


def read_envelope(  # noqa: PLR0911 - one for each way to be foreign
    record: Record, identity: LogIdentity
) -> Envelope | Foreign:
    """Return the event that `record` holds, or why it holds none of ours. Raises on no content whatever."""
    key, value, headers = record.key, record.value, record.headers
    if record.offset == 0:
        return Foreign("manifest")
    if key == MANIFEST_KEY:
        return Foreign("stray_manifest")
    if key is None or value is None or not headers:
        return Foreign("not_an_event", "key, value or headers are missing")
    names, values = names_and_values(headers)
    layout = layout_of(names)
    if layout.fault is not None:
        return layout.fault
    try:
        picked = layout.pick((*values, None))
        digest = layout.digester.digest(key, values, value)
        stream, partition = place_of_key(key, identity.partition_count)
        envelope = _parse(digest, stream, record, picked)
    except (TypeError, ValueError) as fault:  # a null header, or one that is not what its name promises
        return Foreign("malformed_header", str(fault))
    if picked[_DIGEST_INDEX] != digest.encode():
        return Foreign("digest_mismatch")
    if record.partition != partition:
        return Foreign("wrong_partition")
    if envelope.base.height >= envelope.height:
        return Foreign("base_not_below")
    return envelope


def _parse(digest: str, stream: str, record: Record, picked: _Picked) -> Envelope:
    """
    Return the envelope of a record whose header names are in order.

    Raises:
        ValueError: A header's value is not what its name promises; the message names it.
    """
    (
        specversion, id_, type_, source, time, sequence, partition_key, predecessor, _, _,
        subject, base, dataschema, actor, command_id, request_digest, affects, mends, reason, traceparent,
    ) = picked  # fmt: skip
    if specversion != b"1.0":
        raise ValueError("ce_specversion")
    if partition_key != record.key:
        raise ValueError("ce_partitionkey")
    if len(sequence) != HEIGHT_DIGITS or not sequence.isdigit() or not 1 <= (height := int(sequence)) <= MAX_HEIGHT:
        raise ValueError("ce_sequence")
    if time.translate(DIGITS_TO_ZERO) != TIME_SHAPE:
        raise ValueError("ce_time")
    if not (id_ and type_ and source):
        raise ValueError("ce_id, ce_type or ce_source is empty")
    time_text = time.decode()
    datetime.fromisoformat(time_text)  # there is no 30th of February
    if time[11:13] > b"23":  # some versions of Python read 24:00 as the next day
        raise ValueError("ce_time")
    texts = b"".join((id_, type_, source, subject or b"", dataschema or b"", actor or b"", reason or b""))
    if len(texts.translate(None, CONTROL_BYTES)) != len(texts):
        raise ValueError("a control character")
    predecessor_text = _digest_text("ce_predecessor", predecessor)
    return Envelope(
        stream,
        height,
        predecessor_text,
        Base(height - 1, predecessor_text) if base is None else read_base(base),
        digest,
        id_.decode(),
        type_.decode(),
        source.decode(),
        None if subject is None else subject.decode(),
        time_text,
        None if dataschema is None else dataschema.decode(),
        None if actor is None else actor.decode(),
        None if command_id is None else _digest_text("ce_commandid", command_id),
        None if request_digest is None else _digest_text("ce_requestdigest", request_digest),
        () if affects is None else _AFFECTS.get(affects) or read_affects(affects),
        None if mends is None else _digest_text("ce_mends", mends),
        None if reason is None else reason.decode(),
        None if traceparent is None else traceparent.decode("ascii", "replace"),
        record.value or b"",
        record.headers,
    )


def _digest_text(name: str, content: bytes) -> str:
    if len(content) != DIGEST_DIGITS or content.translate(None, HEX_DIGITS):
        raise ValueError(name)
    return content.decode()


def read_base(content: bytes) -> Base:
    """
    Return the base that a header names.

    Raises:
        ValueError: It names none.
    """
    found = _BASE_PATTERN(content)
    if found is None or (height := int(found[1])) > MAX_HEIGHT:
        raise ValueError("ce_base")
    return Base(height, found[2].decode())


_AFFECTS: dict[bytes, tuple[str, ...]] = {}
_AFFECTS_KEPT = 64  # combinations; a handful are ever written


def read_affects(content: bytes) -> tuple[str, ...]:
    """
    Return the kinds of readers that a header names.

    Raises:
        ValueError: It names none.
    """
    if (known := _AFFECTS.get(content)) is not None:
        return known
    if not AFFECTS_PATTERN(content):
        raise ValueError("ce_affects")
    if len(_AFFECTS) >= _AFFECTS_KEPT:
        _AFFECTS.clear()
    affects = _AFFECTS[content] = tuple(content.decode().split(","))
    return affects


class Layout:
    """Where one list of header names has what; a log has a few of them, so each is worked out once."""

    __slots__ = ("digester", "fault", "pick")
    digester: Digester
    pick: Callable[[Sequence[bytes | None]], _Picked]

    def __init__(self, names: tuple[str, ...]) -> None:
        self.fault = _fault_of(names)
        if self.fault is None:
            index_of = {name: index for index, name in enumerate(names)}
            self.digester = Digester(names)
            # The values are picked with a None behind them, for what is absent.
            self.pick = itemgetter(*(index_of.get(name, -1) for name in _REQUIRED + _OPTIONAL))


_LAYOUTS: dict[tuple[str, ...], Layout] = {}
_LAYOUTS_KEPT = 512  # a stranger's records may not fill the memory


def layout_of(names: tuple[str, ...]) -> Layout:
    """Return the layout of a list of header names."""
    layout = _LAYOUTS.get(names)
    if layout is None:
        if len(_LAYOUTS) >= _LAYOUTS_KEPT:
            _LAYOUTS.clear()
        layout = _LAYOUTS[names] = Layout(names)
    return layout


def _fault_of(names: tuple[str, ...]) -> Foreign | None:
    if "ce_specversion" not in names:
        return Foreign("not_an_event", "no ce_specversion")
    if len(set(names)) != len(names):
        return Foreign("header_twice", next(name for name in names if names.count(name) > 1))
    for name in names:
        if name.startswith("ce_") and not _ATTRIBUTE_PATTERN(name):
            return Foreign("malformed_header", name)
    for name in _REQUIRED:
        if name not in names:
            return Foreign("missing_header", name)
    return None
