"""Which log this is, and in which of its partitions a stream lies."""

from functools import lru_cache
from re import compile as pattern
from struct import unpack_from
from typing import Final

import msgspec

is_stream_key: Final = pattern(rb"[!-~]{1,128}").fullmatch

_MULTIPLIER = 0x5BD1E995
_SEED = 0x9747B28C
_MASK = 0xFFFFFFFF


class LogIdentity(msgspec.Struct, frozen=True):
    """The log as its manifests tell it; the same for every process that uses it."""

    log_id: str  # 64 lower-case hex digits, random; the predecessor of every stream's first event
    topic: str
    partition_count: int

    def partition_of(self, stream: str) -> int:
        """Return the partition in which every record of `stream` lies."""
        return partition_of_key(stream.encode(), self.partition_count)


@lru_cache(maxsize=65536)
def partition_of_key(key: bytes, partition_count: int) -> int:
    """
    Return the partition that Kafka's default partitioner gives `key`.

    Source: org.apache.kafka.clients.producer.internals.BuiltInPartitioner (murmur2, sign bit cleared, modulo).
    """
    return (murmur2(key) & 0x7FFFFFFF) % partition_count


@lru_cache(maxsize=65536)
def place_of_key(key: bytes, partition_count: int) -> tuple[str, int]:
    """
    Return the stream of a record's key, and its partition.

    Raises:
        ValueError: No stream has such a key.
    """
    if not is_stream_key(key):
        raise ValueError("the key is no stream's")
    return key.decode(), partition_of_key(key, partition_count)


def murmur2(data: bytes) -> int:
    """
    Return the 32-bit hash of `data`, unsigned.

    Source: org.apache.kafka.common.utils.Utils.murmur2.
    """
    length = len(data)
    words = length >> 2
    value = _SEED ^ length
    for word in unpack_from(f"<{words}I", data):
        mixed = (word * _MULTIPLIER) & _MASK
        mixed ^= mixed >> 24
        value = ((value * _MULTIPLIER) & _MASK) ^ ((mixed * _MULTIPLIER) & _MASK)
    if rest := data[words << 2 :]:
        value = ((value ^ int.from_bytes(rest, "little")) * _MULTIPLIER) & _MASK
    value ^= value >> 13
    value = (value * _MULTIPLIER) & _MASK
    return value ^ (value >> 15)
