"""From a decided event to the one record that is appended: its place in the chain, its headers and its digest."""

from functools import lru_cache
from typing import Final

import msgspec

from patchbay.eventlog.digest import CONTENT_TYPE, DIGEST_HEADER, Digester
from patchbay.eventlog.envelope import (
    AFFECTS_PATTERN,
    CONTROL_BYTES,
    DIGEST_DIGITS,
    DIGITS_TO_ZERO,
    HEX_DIGITS,
    MANIFEST_KEY,
    MAX_HEIGHT,
    TIME_SHAPE,
    Base,
)
from patchbay.eventlog.identity import is_stream_key
from patchbay.eventlog.verdict import Head


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was decided, before it has a place in its stream."""

    type: str
    source: str
    subject: str | None = None
    data: bytes  # the event's JSON
    dataschema: str
    actor: str
    command_id: str | None = None  # 64 hex digits
    request_digest: str | None = None  # 64 hex digits
    affects: tuple[str, ...] = ()
    mends: str | None = None  # digest of the record that stopped the stream
    reason: str | None = None
    traceparent: str | None = None


class SealedRecord(msgspec.Struct, frozen=True, gc=False):
    """A record ready to append; nothing of it may change any more, or its digest is wrong."""

    stream: str
    key: bytes
    height: int
    digest: str
    time: str
    value: bytes
    headers: list[tuple[str, bytes]]
    size_bytes: int  # of key, headers and value in the log, within a few bytes

    def as_head(self) -> Head:
        """Return the stream's head once this is accepted, to chain the next event on it."""
        return Head(self.height, self.digest, self.time)


def seal(event: NewEvent, *, stream: str, parent: Head, base: Head | Base, time: str, event_id: str) -> SealedRecord:
    """
    Return the record that puts `event` on top of `parent`.

    Args:
        parent: The event before it, pending or accepted.
        base: The newest event that a verdict accepted; left out of the record where it is the parent.
        time: ISO 8601, UTC, six digits.
        event_id: Random, one for each record.

    Raises:
        ValueError: A field would make the record foreign to its readers; the message names it.
    """
    key, at, height = stream.encode(), time.encode(), parent.height + 1
    if not is_stream_key(key) or key == MANIFEST_KEY:
        raise ValueError(f"not the name of a stream: {stream!r}")
    if not base.height < height <= MAX_HEIGHT:
        raise ValueError(f"a base at height {base.height} is not below height {height}")
    if at.translate(DIGITS_TO_ZERO) != TIME_SHAPE:
        raise ValueError(f"not a time with six digits and Z: {time!r}")
    on_base = base.height == parent.height and base.digest == parent.digest
    _check_texts((event.type, event.source, event.dataschema, event.actor, event_id), (event.subject, event.reason))
    _check_digests((parent.digest, base.digest, event.command_id, event.request_digest, event.mends))
    values = (
        event.actor.encode(),
        _affects(event.affects) if event.affects else None,
        None if on_base else f"{base.height}:{base.digest}".encode(),
        None if event.command_id is None else event.command_id.encode(),
        event.dataschema.encode(),
        event_id.encode(),
        None if event.mends is None else event.mends.encode(),
        key,
        parent.digest.encode(),
        None if event.reason is None else event.reason.encode(),
        None if event.request_digest is None else event.request_digest.encode(),
        b"%020d" % height,
        event.source.encode(),
        b"1.0",
        None if event.subject is None else event.subject.encode(),
        at,
        event.type.encode(),
        b"application/json",
        None if event.traceparent is None else event.traceparent.encode("ascii", "replace"),
    )
    shape = _SHAPES.get(absent := tuple([value is None for value in values])) or _lay_out(absent)
    present = [value for value in values if value is not None]
    digest = shape.digester.digest(key, present, event.data)
    headers = [*zip(shape.names, present, strict=True), (DIGEST_HEADER, digest.encode())]
    size_bytes = shape.size_bytes + 2 * len(key) + sum(map(len, present)) + len(event.data)
    return SealedRecord(stream, key, height, digest, time, event.data, headers, size_bytes)


# The order of `values` above: sorted, as the digest wants them; `ce_digest` follows behind.
_NAMES: Final = (
    "ce_actor", "ce_affects", "ce_base", "ce_commandid", "ce_dataschema", "ce_id", "ce_mends", "ce_partitionkey",
    "ce_predecessor", "ce_reason", "ce_requestdigest", "ce_sequence", "ce_source", "ce_specversion", "ce_subject",
    "ce_time", "ce_type", CONTENT_TYPE, "traceparent",
)  # fmt: skip


class _Shape:
    """What all records with the same headers have in common."""

    __slots__ = ("digester", "names", "size_bytes")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.digester = Digester(names)
        self.size_bytes = 160 + sum(len(name) + 3 for name in names)


_SHAPES: dict[tuple[bool, ...], _Shape] = {}  # bounded by the combinations of optional headers


def _lay_out(absent: tuple[bool, ...]) -> _Shape:
    names = (name for name, is_absent in zip(_NAMES, absent, strict=True) if not is_absent)
    shape = _SHAPES[absent] = _Shape(tuple(names))
    return shape


def _check_texts(required: tuple[str, ...], optional: tuple[str | None, ...]) -> None:
    if "" in required or "" in optional:
        raise ValueError(f"an empty text: {required} {optional}")
    encoded = "".join([*required, *filter(None, optional)]).encode()
    if len(encoded.translate(None, CONTROL_BYTES)) != len(encoded):
        raise ValueError(f"a control character: {required} {optional}")


def _check_digests(digests: tuple[str | None, ...]) -> None:
    present = [digest for digest in digests if digest is not None]
    joined = "".join(present).encode()
    if joined.translate(None, HEX_DIGITS) or set(map(len, present)) != {DIGEST_DIGITS}:
        raise ValueError(f"not 64 lower-case hex digits each: {present}")


@lru_cache(maxsize=64)  # a handful of combinations are ever written
def _affects(names: tuple[str, ...]) -> bytes:
    encoded = ",".join(sorted(names)).encode()
    if not AFFECTS_PATTERN(encoded):
        raise ValueError(f"not names of a-z: {names!r}")
    return encoded
