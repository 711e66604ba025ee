"""
The commit: checkpoints, heads, history, rows and wake-up in one transaction, or nothing of it.

A few rows travel in one statement, which is its own transaction: one round trip, so that the wait for an answer is
short. Many new rows are copied beside it: some more round trips, but half the work for both sides.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from patchbay.eventlog import Record, fingerprint
from patchbay.postgres import Connection
from patchbay.projection.announcing import ACCEPTED_CHANNEL, MAX_PAYLOAD_CHARACTERS
from patchbay.projection.errors import Fenced
from patchbay.projection.ownership import LEASE_SECONDS, Ownership
from patchbay.projection.statement import Change, compose

CHANNEL = "patchbay_projected"
BESIDE_CHANNEL = "patchbay_projected_beside"  # of generations that nobody reads yet, or no longer
RENEW_SECONDS = 1.0  # well below the lease; an idle projection writes that often
COPIED_ROWS = 32  # from here on copying a table's new rows costs less than its round trip

# What a row itself can be to blame for: a text with a NUL, a number out of range, a key that is taken.
ROW_FAULTS: tuple[type[Exception], ...] = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
)


class Committer:
    """Moves the checkpoints of one ownership, each time together with what follows from the records passed."""

    def __init__(
        self, connection: Connection, ownership: Ownership, projection: str, *, channel: str = CHANNEL
    ) -> None:
        self._connection = connection
        self._ownership = ownership
        self._projection = projection
        self._channel = channel
        self._next_offsets = dict(ownership.next_offsets)
        self._renewed_at = time.monotonic()

    @property
    def next_offsets(self) -> Mapping[int, int]:
        """The checkpoints as this consumer committed them last, by partition."""
        return self._next_offsets

    @property
    def is_renewal_due(self) -> bool:
        """True if the lease is to be renewed though there may be nothing to commit."""
        return time.monotonic() - self._renewed_at >= RENEW_SECONDS

    async def commit(
        self, records: Sequence[Record], changes: Sequence[Change], announcements: Sequence[str] = ()
    ) -> None:
        """
        Store `changes` and move the checkpoints behind `records`.

        Any exception leaves open whether it happened: only the checkpoints in the database know. ROW_FAULTS and
        Fenced are certain: nothing happened.

        Args:
            records: In order within each partition, from the checkpoints on; those of quarantined or foreign kind too.
            changes: What follows from them.
            announcements: Payloads that tell, in the same transaction, which events readers see from now on.

        Raises:
            Fenced: Somebody else has moved a checkpoint or taken the lease.
            ROW_FAULTS: A row cannot be stored.
            DATABASE_FAILURES: The database is away, or slow.
        """
        last = {record.partition: record for record in records}
        is_renewal = self.is_renewal_due
        partitions = list(self._next_offsets) if is_renewal or not last else list(last)
        before = [self._next_offsets[partition] for partition in partitions]
        after = [last[p].offset + 1 if p in last else self._next_offsets[p] for p in partitions]
        marks = [fingerprint(last[p]) if p in last else None for p in partitions]
        begun_at = time.monotonic()
        facts = (partitions, before, after, marks, self._ownership.owner, self._ownership.epoch, LEASE_SECONDS)
        try:
            notices = (self._channel, self._payload(partitions, after), ACCEPTED_CHANNEL, announcements)
            await self._store((*facts, *notices), changes)
        except asyncpg.DivisionByZeroError:
            raise Fenced("the checkpoints were moved, or the lease was taken, by somebody else") from None
        self._next_offsets.update(zip(partitions, after, strict=True))
        if len(partitions) == len(self._next_offsets):
            self._renewed_at = begun_at

    async def _store(self, facts: tuple[Any, ...], changes: Sequence[Change]) -> None:
        copied = [change for change in changes if _is_copied(change)]
        if not copied:
            await self._move(facts, changes)
            return
        async with self._connection.transaction():
            await self._move(facts, [change for change in changes if not _is_copied(change)])
            for change in copied:
                await self._copy(change)

    async def _move(self, facts: tuple[Any, ...], changes: Sequence[Change]) -> None:
        """Move the checkpoints and make `changes`, in one statement."""
        writes = tuple([change.write for change in changes])
        counts = tuple([len(change.columns) for change in changes])
        statement = compose(self._ownership.schema, writes, counts)
        await self._connection.fetch(statement, *facts, *[column for change in changes for column in change.columns])

    async def _copy(self, change: Change) -> None:
        target = change.write.copies_to
        if target is not None:
            await self._connection.copy_records_to_table(
                target.table,
                schema_name=target.schema or self._ownership.schema,
                columns=target.columns,
                records=zip(*change.columns, strict=True),
            )

    def _payload(self, partitions: Sequence[int], next_offsets: Sequence[int]) -> str:
        """Return whose checkpoints moved, and where they are: `read_model 0:512 3:77`."""
        positions = [f"{partition}:{offset}" for partition, offset in zip(partitions, next_offsets, strict=True)]
        payload = " ".join([self._projection, *positions])
        return payload if len(payload) <= MAX_PAYLOAD_CHARACTERS else self._projection


def _is_copied(change: Change) -> bool:
    return change.write.copies_to is not None and len(change.columns[0]) >= COPIED_ROWS
