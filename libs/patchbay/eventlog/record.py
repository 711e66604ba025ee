"""A record as it lies in the log, whoever wrote it, and the fingerprint by which it is known again."""

from collections.abc import Sequence
from hashlib import sha256
from struct import pack
from typing import Protocol

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


class StoredRecord(msgspec.Struct, frozen=True, gc=False):
    """A record held in memory, for logs and tests that need no Kafka."""

    partition: int
    offset: int
    timestamp: int  # ms since 1970
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


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
