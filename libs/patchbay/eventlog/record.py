"""A record as it lies in the log, whoever wrote it, and the fingerprint by which it is known again."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from struct import pack
from typing import Any, Protocol, overload

import msgspec


class Record(Protocol):
    """What readers get; aiokafka's ConsumerRecord is one."""

    @property
    def partition(self) -> int: ...  # noqa: D102 - a field of the protocol
    @property
    def offset(self) -> int: ...  # noqa: D102 - a field of the protocol
    @property
    def timestamp(self) -> int:
        """When the broker appended it, in ms since 1970, by the broker's clock."""

    @property
    def key(self) -> bytes | None: ...  # noqa: D102 - a field of the protocol
    @property
    def value(self) -> bytes | None: ...  # noqa: D102 - a field of the protocol
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...  # noqa: D102 - a field of the protocol


class Headers(Sequence[tuple[str, bytes | None]]):
    """Headers whose names many records share, so that they are kept apart from the values; equal to a tuple of both."""

    __slots__ = ("names", "values")

    def __init__(self, names: tuple[str, ...], values: tuple[bytes | None, ...]) -> None:
        """There are as many names as values."""
        self.names = names
        self.values = values

    def __iter__(self) -> Iterator[tuple[str, bytes | None]]:
        return zip(self.names, self.values, strict=True)

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> tuple[str, bytes | None]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[tuple[str, bytes | None], ...]: ...
    def __getitem__(self, index: int | slice) -> tuple[str, bytes | None] | tuple[tuple[str, bytes | None], ...]:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        return tuple(self) == (tuple(other) if isinstance(other, Headers) else other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def names_and_values(
    headers: Sequence[tuple[str, bytes | None]],
) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Return the names of headers, of which there are some, and their values (bytes or None), in the same order."""
    if type(headers) is Headers:  # an abstract class makes isinstance dear
        return headers.names, headers.values
    names, values = zip(*headers, strict=True)
    return names, values


class StoredRecord(msgspec.Struct, frozen=True, gc=False):
    """A record held in memory, for logs and tests that need no Kafka."""

    partition: int
    offset: int
    timestamp: int  # ms since 1970
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


def fingerprint(record: Record) -> bytes:
    """
    Return 32 bytes that no other record has: SHA-256 over key, every header in its stored order, and value.

    Kept beside a checkpoint, it shows at the next start that the log was cut, rewritten or made anew.
    """
    parts = [_part(record.key), pack(">I", len(record.headers))]
    for name, value in record.headers:
        parts += (_part(name.encode("utf-8", "surrogatepass")), _part(value))
    parts.append(_part(record.value))
    return sha256(b"".join(parts)).digest()


def _part(content: bytes | None) -> bytes:
    # A length of -1 tells null from empty, as in Kafka's own format.
    return b"\xff\xff\xff\xff" if content is None else pack(">i", len(content)) + content
