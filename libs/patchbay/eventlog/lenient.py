"""
Records from the broker's own bytes, those that aiokafka cannot give too: no stranger's record stops a reader.

Kafka stores any bytes as the name of a header; aiokafka 0.14 raises UnicodeDecodeError for the whole batch, for ever.
Where a checksum does not fit it gives nothing of the whole answer, not even what lies before the damage.

Source: Kafka protocol, record batch format, magic 2.
"""

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, LeaderNotAvailableError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c

from patchbay.eventlog.errors import LogDamaged
from patchbay.eventlog.record import StoredRecord

# base offset, length, leader epoch, magic, crc, attributes, last offset delta, first and max timestamp, producer id,
# producer epoch, base sequence, count of records
_BATCH: Final = Struct(">qiibIhiqqqhii")
_BEFORE_LENGTH: Final = 12  # bytes that the batch's own length leaves out
_BEFORE_CHECKED: Final = 21  # bytes that the checksum leaves out: up to itself
_COMPRESSION: Final = 0x07
_APPEND_TIME: Final = 0x08
_CONTROL: Final = 0x20
_MAX_BYTES: Final = 8 * 1024 * 1024
_FETCH_BYTES: Final = 1024 * 1024  # of many answers; decoded they take five times as much. A larger batch comes whole


class Fetched(msgspec.Struct, frozen=True):
    """What one answer of a broker holds."""

    records: list[StoredRecord]
    reached: int  # the first offset behind it, ends of transactions included


async def fetch_records(consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> Fetched:
    """
    Return what lies in `partition` from `offset` on, as much as one answer holds.

    Raises:
        LogDamaged: A batch is not what was written.
        KafkaError: The brokers refuse.
    """
    content = await _fetch(consumer, partition, offset, _FETCH_BYTES)
    reached = offset
    try:
        records: list[StoredRecord] = []
        batches = MemoryRecords(content)
        while batches.has_next():
            batch = batches.next_batch()
            if not batch.validate_crc():
                raise _damage(partition.partition, batch.base_offset)
            reached = max(reached, batch.next_offset)
            if not batch.is_control_batch:
                its = partition.partition
                records += [StoredRecord(its, r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in batch]
    except UnicodeDecodeError:
        records = list(_records(content, partition.partition))
        reached = max([offset, *(base + last + 1 for base, _, _, last in _batches(content))])
    if records and records[0].offset < offset:  # a batch is given whole
        records = [record for record in records if record.offset >= offset]
    return Fetched(records, reached)


async def read_leniently(consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> list[StoredRecord]:
    """
    Return records of `partition` from `offset` on, as many as one answer holds, up to the first damage.

    Raises:
        LogDamaged: What lies at `offset` is damaged.
        KafkaError: The brokers refuse, or the batch is compressed, which the topic's settings exclude.
    """
    content = await _fetch(consumer, partition, offset)
    found: list[StoredRecord] = []
    try:
        for record in _records(content, partition.partition):
            if record.offset >= offset:
                found.append(record)  # noqa: PERF401 - what comes before an error is kept
    except LogDamaged:
        if not found:
            raise
    return found


async def holds_markers_only(consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int, until: int) -> bool:
    """
    Return whether the offsets from `offset` to `until` are those of the ends of transactions, which are no records.

    Raises:
        KafkaError: The brokers refuse.
    """
    while offset < until:
        reached = offset
        for base, _, attributes, last in _batches(await _fetch(consumer, partition, offset)):
            if base > reached or (not attributes & _CONTROL and base + last >= offset and base < until):
                return False
            reached = max(reached, base + last + 1)
        if reached == offset:
            return False  # there is nothing
        offset = reached
    return True


def _batches(content: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Return of each whole batch: base offset, where its records begin, attributes, the last offset's delta."""
    start = 0
    while start + _BATCH.size <= len(content):
        base, length, _, _, _, attributes, last, *_ = _BATCH.unpack_from(content, start)
        end = start + _BEFORE_LENGTH + length
        if end > len(content):
            return  # the answer ends in the middle of a batch
        yield base, start + _BATCH.size, attributes, last
        start = end


async def _fetch(
    consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int, max_bytes: int = _MAX_BYTES
) -> bytes:
    client = consumer._client  # noqa: SLF001 - a request of our own over the connection that is there
    leader = client.cluster.leader_for_partition(partition)
    request = FetchRequest(
        500, 1, max_bytes, 0, [(partition.topic, [(partition.partition, offset, max_bytes)])], rack_id=""
    )
    if leader is None or leader < 0:
        raise LeaderNotAvailableError(partition)
    answer = await client.send(leader, request)
    [(_, [(_, code, _, *others)])] = answer.topics
    if code:
        raise for_code(code)({partition: offset})
    return bytes(others[-1] or b"")


def _records(content: bytes, partition: int) -> Iterator[StoredRecord]:
    start = 0
    while start + _BATCH.size <= len(content):
        base, length, _, _, crc, attributes, _, first_ms, max_ms, _, _, _, count = _BATCH.unpack_from(content, start)
        end = start + _BEFORE_LENGTH + length
        if end > len(content):
            return  # the answer ends in the middle of a batch
        if calc_crc32c(content[start + _BEFORE_CHECKED : end]) != crc:
            raise _damage(partition, base)
        if attributes & _COMPRESSION:
            raise KafkaError(f"a compressed batch at offset {base}, with a header that is no text")
        cursor = _Cursor(content, start + _BATCH.size)
        for _ in range(0 if attributes & _CONTROL else count):
            yield cursor.record(partition, base, max_ms if attributes & _APPEND_TIME else None, first_ms)
        start = end


def _damage(partition: int, offset: int) -> LogDamaged:
    message = f"partition {partition} is damaged at offset {offset}: the broker's own checksum does not fit"
    return LogDamaged(message, partition=partition, position=offset)


def texts_of(names: Sequence[bytes]) -> list[str]:
    """
    Return one record's header names as texts, such that two of them are alike exactly where their bytes are.

    Whether a name comes twice decides whether a record is an event of ours, so what is no UTF-8 must not turn into what
    another header is really called.
    """
    texts: dict[bytes, str] = {}
    undecodable = []
    for name in names:
        try:
            texts[name] = name.decode()
        except UnicodeDecodeError:
            undecodable.append(name)
    for name in undecodable:
        if name not in texts:
            text = name.decode("utf-8", "backslashreplace")
            while text in texts.values():
                text += "\\"
            texts[name] = text
    return [texts[name] for name in names]


class _Cursor:
    """Reads one thing after the other."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content = content
        self._at = at

    def record(self, partition: int, base_offset: int, append_ms: int | None, first_ms: int) -> StoredRecord:
        self._number()  # length
        self._at += 1  # attributes
        timestamp_ms = first_ms + self._number()
        offset = base_offset + self._number()
        key, value = self._bytes(), self._bytes()
        stored = [(self._bytes() or b"", self._bytes()) for _ in range(self._number())]
        names = texts_of([name for name, _ in stored])
        headers = tuple((text, value) for text, (_, value) in zip(names, stored, strict=True))
        return StoredRecord(
            partition, offset, append_ms if append_ms is not None else timestamp_ms, key, value, headers
        )

    def _number(self) -> int:
        number = shift = 0
        while True:
            byte = self._content[self._at]
            self._at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follows
                return (number >> 1) ^ -(number & 1)
            shift += 7

    def _bytes(self) -> bytes | None:
        length = self._number()
        if length < 0:
            return None
        self._at += length
        return self._content[self._at - length : self._at]
