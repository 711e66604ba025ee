"""Which generation is live, changed by one pointer in one transaction; and what becomes of those that are not."""

from collections.abc import Sequence

import msgspec

from patchbay.postgres import Connection
from patchbay.projection.errors import GenerationRefused, NotPrepared
from patchbay.projection.generations import PREPARE_LOCK, Generation, move_pointer, read_generations
from patchbay.projection.meeting import meeting

# Whoever projects either of them by now commits nothing more, and is believed by nobody: the one has to claim it as the
# live one, with the history to write, the other as one beside it.
_FENCE = """
UPDATE {schema}.checkpoints SET epoch = epoch + 1, owner = NULL, lease_until = '-infinity', backend_pid = NULL
"""
_QUARANTINED = """
SELECT q.stream FROM {other}.quarantine q
 WHERE NOT EXISTS (SELECT FROM {live}.quarantine l WHERE l.stream = q.stream) ORDER BY 1
"""


class Pair(msgspec.Struct, frozen=True):
    """The live generation and the one beside it."""

    live: Generation
    other: Generation | None

    @property
    def is_newer(self) -> bool:
        """True if the one beside it was made later: it is to be swapped in; else it is the way back."""
        return self.other is not None and self.other.generation > self.live.generation


async def read_pair(connection: Connection, projection: str) -> Pair:
    """
    Return what generations there are.

    Raises:
        NotPrepared: There is none yet.
        DATABASE_FAILURES: The database is away, or slow.
    """
    generations = await read_generations(connection, projection)
    live = [found for found in generations if found.is_live]
    others = [found for found in generations if not found.is_live]
    if not live:
        raise NotPrepared(projection)
    return Pair(live[0], others[-1] if others else None)


async def swap(
    connection: Connection, projection: str, *, back: bool, though_quarantined: bool = False
) -> tuple[Generation, Generation]:
    """
    Make the generation beside the live one the live one, at equal positions, in one transaction.

    Args:
        connection: Not in a transaction.
        projection: Its name.
        back: To the older one, which was live before; else to the newer one.
        though_quarantined: Even if it cannot fold streams that the live one can.

    Returns:
        What was live, and what is.

    Raises:
        NotPrepared: There is no such projection.
        GenerationRefused: There is no such generation, or it is not fit to be live.
        DATABASE_FAILURES: The database is away, or slow. Whether it happened, the pointer tells.
    """
    pair = await read_pair(connection, projection)
    live, other = pair.live, _fit(pair, back=back)
    async with meeting(connection, live, other):
        if (await read_pair(connection, projection)).live != live:
            raise GenerationRefused("somebody else has swapped at the same time")
        if not though_quarantined:
            statement = _QUARANTINED.format(other=other.schema, live=live.schema)
            if streams := [row["stream"] for row in await connection.fetch(statement)]:
                raise GenerationRefused(f"{other.schema} cannot fold streams that {live.schema} can: {_some(streams)}")
        for generation in (live, other):
            await connection.execute(_FENCE.format(schema=generation.schema))
        await move_pointer(connection, projection, other.generation)
    return live, other


async def drop(connection: Connection, projection: str) -> Generation:
    """
    Drop the generation beside the live one; return what it was.

    Raises:
        NotPrepared: There is no such projection.
        GenerationRefused: There is none beside it.
        DATABASE_FAILURES: The database is away, or slow.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", PREPARE_LOCK)
        await connection.execute("LOCK TABLE projection.live IN SHARE ROW EXCLUSIVE MODE")  # no swap meanwhile
        pair = await read_pair(connection, projection)
        if pair.other is None:
            raise GenerationRefused(f"there is nothing beside {pair.live.schema}")
        await connection.execute(
            "DELETE FROM projection.generations WHERE projection = $1 AND generation = $2",
            projection,
            pair.other.generation,
        )
        await connection.execute(_FENCE.format(schema=pair.other.schema))
        await connection.execute(f"DROP SCHEMA {pair.other.schema} CASCADE")
    return pair.other


def _fit(pair: Pair, *, back: bool) -> Generation:
    other = pair.other
    if other is None or pair.is_newer == back:
        there_is = f"; there is {other.schema}" if other else ""
        direction = "older" if back else "newer"
        raise GenerationRefused(f"there is no generation {direction} than {pair.live.schema}{there_is}")
    if other.filled_at is None:
        raise GenerationRefused(f"{other.schema} is not complete: its rebuild has not reached the live one yet")
    return other


def _some(streams: Sequence[str]) -> str:
    more = f" and {len(streams) - 5} more" if len(streams) > 5 else ""  # noqa: PLR2004 - as many as a line holds
    return ", ".join(streams[:5]) + more
