"""The whole routing table as it is at one moment, with positions and heads, for subscribers that start from it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import structlog

from patchbay.api.errors import SnapshotsBusy
from patchbay.api.streaming import OpenWire
from patchbay.postgres import DATABASE_FAILURES, Connection, open_connection

# Each is a connection to the database of its own, and holds back its clean-up for as long as it is read.
SNAPSHOTS_AT_ONCE: Final = 2
TRANSFER_SECONDS: Final = 120.0  # who reads more slowly than this is cut off

_READ_GENERATION: Final = "SELECT generation FROM projection.live WHERE projection = 'routing'"

# The database writes JSON, which passes through this process as it comes: as CSV whose delimiter and quote occur in no
# JSON, so that nothing is ever quoted.
_DELIMITER: Final = "\x02"
_QUOTE: Final = "\x01"
_PARTS: Final = (
    """SELECT json_build_array('position', partition, next_offset, encode(fingerprint, 'hex'))
         FROM {schema}.checkpoints ORDER BY partition""",
    "SELECT json_build_array('blocked', stream) FROM {schema}.quarantine",
    """SELECT json_build_array('number', number_id, phone_number, account_id, registration, status, fallback)
         FROM {schema}.numbers""",
    "SELECT json_build_array('answering', account_id, assistant_id) FROM {schema}.assistants",
    "SELECT json_build_array('holding', account_id, assistant_id, number_id, registration) FROM {schema}.assignments",
    """SELECT json_build_array('head', stream, height, encode(digest, 'hex'), encode(stopped_by, 'hex'))
         FROM {schema}.heads""",
)

_log = structlog.get_logger()


class Snapshots:
    """Reads snapshots, a few at a time."""

    def __init__(self, database_url: str, log_id: str, partition_count: int) -> None:
        self._database_url = database_url
        self._first_line = msgspec.json.encode(("snapshot", log_id, partition_count)) + b"\n"
        self._free = SNAPSHOTS_AT_ONCE

    def begin(self) -> "SnapshotStream":
        """
        Return one that is to be run, or abandoned.

        Raises:
            SnapshotsBusy: As many as may be are under way.
        """
        if self._free == 0:
            raise SnapshotsBusy
        self._free -= 1
        return SnapshotStream(self)

    def end(self) -> None:
        """Count one as ended."""
        self._free += 1

    async def write(self, wire: OpenWire) -> int:
        """Write a snapshot; return how many lines it has."""
        wire.send(self._first_line)
        lines = 1
        async with self._moment() as (connection, schema):
            for part in _PARTS:

                async def pass_on(piece: bytes) -> None:
                    wire.send(piece)
                    await wire.drain()

                done = await connection.copy_from_query(
                    part.format(schema=schema),
                    output=pass_on,
                    timeout=TRANSFER_SECONDS,
                    format="csv",
                    delimiter=_DELIMITER,
                    quote=_QUOTE,
                )
                lines += int(done.removeprefix("COPY "))
        wire.send(msgspec.json.encode(("end", lines)) + b"\n")
        return lines

    @asynccontextmanager
    async def _moment(self) -> AsyncIterator[tuple[Connection, str]]:
        """Hold on to the database as it is now, and to the live generation's schema."""
        async with (
            open_connection(self._database_url, name="routing snapshot") as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection, f"routing_{await connection.fetchval(_READ_GENERATION)}"


class SnapshotStream:
    """One snapshot on its way to a client."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    async def run(self, wire: OpenWire) -> None:
        """Write it; where that fails the last line is missing, and the client knows."""
        try:
            async with asyncio.timeout(TRANSFER_SECONDS):
                lines = await self._snapshots.write(wire)
            _log.info("snapshot_sent", lines=lines)
        except ConnectionError as error:
            _log.info("snapshot_given_up", reason=str(error) or type(error).__name__)
        except DATABASE_FAILURES as error:
            _log.warning("snapshot_broken_off", reason=str(error) or type(error).__name__)
        finally:
            self._snapshots.end()

    def abandon(self) -> None:
        """Let it be."""
        self._snapshots.end()
