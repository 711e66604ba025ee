"""The history: every accepted event, as its bytes are in the log, by stream and height."""

from datetime import datetime
from typing import Any

import msgspec

from patchbay.eventlog import Envelope
from patchbay.postgres import Connection
from patchbay.projection.statement import CopyTarget, plain_insert

# Rows of a few kB stay in one piece and uncompressed: compressing costs more than all else of the insert.
HISTORY_TABLES = """
CREATE SCHEMA IF NOT EXISTS history;
CREATE TABLE history.events (
    stream text COLLATE "C" NOT NULL,
    height bigint NOT NULL,
    digest bytea NOT NULL,
    command_id bytea,
    request_digest bytea,
    type text COLLATE "C" NOT NULL,
    subject text COLLATE "C",
    time timestamptz NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    headers bytea NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (stream, height)
) WITH (toast_tuple_target = 8160);
CREATE INDEX events_of_commands ON history.events (stream, command_id) WHERE command_id IS NOT NULL;
-- For those who follow the history: all of it, that of numbers, and whose a number was.
CREATE INDEX events_in_order ON history.events (partition, "offset");
CREATE INDEX events_of_numbers_in_order ON history.events (partition, "offset")
    WHERE stream >= 'pn_' AND stream < 'pn`';
CREATE INDEX events_of_owners ON history.events (stream, height)
    WHERE type IN ('NumberRegistered', 'NumberReleased');
"""

_COLUMNS = {
    "stream": "text",
    "height": "bigint",
    "digest": "bytea",
    "command_id": "bytea",
    "request_digest": "bytea",
    "type": "text",
    "subject": "text",
    "time": "timestamptz",
    "partition": "int",
    "offset": "bigint",
    "headers": "bytea",
    "value": "bytea",
}
INSERT_HISTORY = plain_insert("history", CopyTarget("events", tuple(_COLUMNS), "history"), tuple(_COLUMNS.values()))

READ_HISTORY = """
SELECT height, digest, type, subject, partition, "offset", headers, value
  FROM history.events WHERE stream = $1 AND height >= $2 ORDER BY height LIMIT $3
"""

_encode_headers = msgspec.msgpack.Encoder().encode
decode_headers = msgspec.msgpack.Decoder(tuple[tuple[str, bytes | None], ...]).decode
_hex = bytes.fromhex

HistoryRow = tuple[Any, ...]
CHUNK_EVENTS = 500


def history_row(envelope: Envelope, partition: int, offset: int) -> HistoryRow:
    """Return the row of an accepted event, in the order that `INSERT_HISTORY` takes."""
    command_id, request_digest = envelope.command_id, envelope.request_digest
    return (
        envelope.stream,
        envelope.height,
        _hex(envelope.digest),
        None if command_id is None else _hex(command_id),
        None if request_digest is None else _hex(request_digest),
        envelope.type,
        envelope.subject,
        datetime.fromisoformat(envelope.time),
        partition,
        offset,
        _encode_headers(envelope.headers),
        envelope.value,
    )


class RecordedEvent(msgspec.Struct, frozen=True):
    """An event as the history holds it; satisfies the log's `Record`."""

    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp: int = 0  # the history does not keep when the broker appended it


async def read_history(connection: Connection, stream: str, *, from_height: int) -> list[RecordedEvent]:
    """Return the next accepted events of `stream` from `from_height` on, in order; none if there are none."""
    rows = await connection.fetch(READ_HISTORY, stream, from_height, CHUNK_EVENTS)
    key = stream.encode()
    return [
        RecordedEvent(row["partition"], row["offset"], key, row["value"], decode_headers(row["headers"]))
        for row in rows
    ]
