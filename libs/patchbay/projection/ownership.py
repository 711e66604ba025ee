"""Who may project: a lease over all partitions, and the fence that makes a late owner harmless."""

import msgspec

from patchbay.postgres import Connection
from patchbay.projection.errors import PartitionsChanged, PointerMoved
from patchbay.projection.generations import live_generation

LEASE_SECONDS = 5.0
RELEASED_CHANNEL = "patchbay_released"

_MAKE = """
INSERT INTO {schema}.checkpoints (partition) SELECT generate_series(0, $1 - 1) ON CONFLICT DO NOTHING
"""
_LOCK = """
SELECT partition, next_offset, fingerprint, owner, epoch, lease_until > clock_timestamp() AS leased
  FROM {schema}.checkpoints ORDER BY partition FOR UPDATE
"""
_TAKE = """
UPDATE {schema}.checkpoints
   SET owner = $1, epoch = $2, lease_until = clock_timestamp() + make_interval(secs => $3),
       backend_pid = pg_backend_pid()
"""
# Who stands by hears of it, and need not wait until it looks again.
_RELEASE = f"""
WITH released AS (
    UPDATE {{schema}}.checkpoints SET lease_until = '-infinity' WHERE owner = $1 AND epoch = $2 RETURNING partition
)
SELECT pg_notify('{RELEASED_CHANNEL}', '{{schema}}') FROM (SELECT count(*) FROM released) AS counted
"""
_END_LEASE_OF_THE_GONE = """
UPDATE {schema}.checkpoints AS c SET lease_until = '-infinity'
 WHERE lease_until > clock_timestamp() AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = c.backend_pid)
"""


class Ownership(msgspec.Struct, frozen=True):
    """The right to commit until somebody else takes it: a commit names its epoch and fails if it is not the last."""

    schema: str
    owner: str
    epoch: int
    next_offsets: dict[int, int]  # as they were when it was taken, by partition
    fingerprints: dict[int, bytes]  # of the record before, by partition


class Role(msgspec.Struct, frozen=True):
    """As what a generation is projected: as the live one, or beside it."""

    projection: str
    generation: int
    is_live: bool


class HeldByAnother(msgspec.Struct, frozen=True):
    """Somebody else's lease is not over."""

    owner: str


async def claim(
    connection: Connection,
    schema: str,
    *,
    owner: str,
    partition_count: int,
    also_own_lease: bool,
    role: Role | None = None,
) -> Ownership | HeldByAnother:
    """
    Take all partitions, if nobody else's lease is running.

    Args:
        connection: Not in a transaction.
        schema: Of the generation.
        owner: Name of this instance.
        partition_count: Of the log.
        also_own_lease: Take over a running lease of the same name: right for a process that starts anew, wrong for one
            that was fenced by another process of its name, since the two would take it from one another for ever.

    Raises:
        PartitionsChanged: The checkpoints are of a log with another number of partitions.
    """
    async with connection.transaction():
        await connection.execute(_MAKE.format(schema=schema), partition_count)
        rows = await connection.fetch(_LOCK.format(schema=schema))
        if len(rows) != partition_count:
            raise PartitionsChanged(schema, len(rows), partition_count)
        if role is not None:
            live = await live_generation(connection, role.projection)
            if role.is_live != (role.generation == live):
                raise PointerMoved(f"generation {live} of {role.projection} is live by now")
        for row in rows:
            if row["leased"] and not (also_own_lease and row["owner"] == owner):
                return HeldByAnother(row["owner"])
        epoch = 1 + max(row["epoch"] for row in rows)
        await connection.execute(_TAKE.format(schema=schema), owner, epoch, LEASE_SECONDS)
    return Ownership(
        schema,
        owner,
        epoch,
        {row["partition"]: row["next_offset"] for row in rows},
        {row["partition"]: row["fingerprint"] for row in rows if row["fingerprint"] is not None},
    )


async def release(connection: Connection, ownership: Ownership) -> None:
    """Let go at once, so that another instance need not wait for the lease to end."""
    await connection.execute(_RELEASE.format(schema=ownership.schema), ownership.owner, ownership.epoch)


async def end_lease_of_the_gone(connection: Connection, schema: str) -> None:
    """End a lease whose owner has no connection any more: it was killed, and can neither commit nor release it."""
    await connection.execute(_END_LEASE_OF_THE_GONE.format(schema=schema))
