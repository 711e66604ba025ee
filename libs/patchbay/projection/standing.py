"""How each generation of a projection stands: how far it is, and who projects it."""

import msgspec

from patchbay.postgres import Connection
from patchbay.projection.generations import Generation, read_generations

_READ = """
SELECT coalesce(sum(next_offset), 0)::bigint AS records, max(owner) AS owner,
       coalesce(bool_and(lease_until > clock_timestamp()), false) AS is_owned,
       (SELECT count(*) FROM {schema}.quarantine) AS quarantined
  FROM {schema}.checkpoints
"""


class GenerationStanding(msgspec.Struct, frozen=True):
    """One generation as it is at the moment."""

    generation: Generation
    records: int  # that it has passed
    behind_records: int  # the live one
    owner: str | None  # who projects it; None: nobody does
    quarantined: int  # streams that it does not fold

    @property
    def state(self) -> str:
        """What it is, in a word or two."""
        if self.generation.is_live:
            return "live"
        if self.generation.filled_at is None:
            return "incomplete" if self.owner is None else "being filled"
        return "complete" if self.owner is None else "kept current"


async def read_generation_standings(connection: Connection, projection: str) -> list[GenerationStanding]:
    """
    Return how every generation stands, the oldest first; none if the database is not prepared.

    Raises:
        DATABASE_FAILURES: The database is away, or slow.
    """
    generations = await read_generations(connection, projection)
    rows = [(await connection.fetch(_READ.format(schema=generation.schema)))[0] for generation in generations]
    live = next((row["records"] for g, row in zip(generations, rows, strict=True) if g.is_live), 0)
    return [
        GenerationStanding(
            generation,
            row["records"],
            max(0, live - row["records"]),
            row["owner"] if row["is_owned"] else None,
            row["quarantined"],
        )
        for generation, row in zip(generations, rows, strict=True)
    ]
