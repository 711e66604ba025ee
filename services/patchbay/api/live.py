"""Which generation of each projection is live, checked by every statement in its own snapshot."""

from typing import TYPE_CHECKING

import asyncpg
import msgspec

from patchbay.postgres import Pool

if TYPE_CHECKING:
    from asyncpg import Record

_READ_POINTERS = "SELECT projection, generation FROM projection.live"

# A scalar for the SELECT list of a statement: both pointers as its own snapshot sees them.
LIVE_COLUMNS = (
    "(SELECT generation FROM projection.live WHERE projection = 'read_model') AS live_read_model, "
    "(SELECT generation FROM projection.live WHERE projection = 'routing') AS live_routing"
)


class Generations(msgspec.Struct, frozen=True):
    """The generations that a statement was written for."""

    read_model: int
    routing: int

    def write(self, statement: str) -> str:
        """Return the statement with `{read_model}` and `{routing}` replaced by the schemas' names."""
        return statement.replace("{read_model}", f"read_model_{self.read_model}").replace(
            "{routing}", f"routing_{self.routing}"
        )


class LiveGenerations:
    """The pointers as last seen. A statement that sees others refreshes them and is run again."""

    def __init__(self, pool: Pool, current: Generations) -> None:
        self._pool = pool
        self.current = current
        self._written: dict[tuple[Generations, str], str] = {}

    def sql(self, statement: str) -> str:
        """Return the statement for the generations last seen."""
        key = (self.current, statement)
        written = self._written.get(key)
        if written is None:
            written = self._written[key] = self.current.write(statement)
        return written

    async def fetch(self, pool: Pool, statement: str, *parameters: object) -> "list[Record]":
        """
        Run the statement for the generations last seen; where these are gone altogether, for those that are live.

        Raises:
            DatabaseFailure: One of `patchbay.postgres.DATABASE_FAILURES`.
        """
        try:
            return await pool.fetch(self.sql(statement), *parameters)
        except asyncpg.UndefinedTableError:
            await self.refresh()
            return await pool.fetch(self.sql(statement), *parameters)

    def moved(self, written_for: Generations, read_model: int, routing: int) -> bool:
        """
        True if a statement saw other pointers than it was written for; they are taken over.

        Args:
            written_for: What was current when it was put: by now another one may have seen the pointers move.
            read_model: As the statement saw it.
            routing: The same.
        """
        if read_model == written_for.read_model and routing == written_for.routing:
            return False
        self.current = Generations(read_model, routing)
        self._written.clear()
        return True

    async def refresh(self) -> None:
        """Read the pointers again (needed when an old generation is gone altogether)."""
        self.current = await read_generations(self._pool)
        self._written.clear()


async def read_generations(pool: Pool) -> Generations:
    """Return both pointers."""
    pointers = {row["projection"]: row["generation"] for row in await pool.fetch(_READ_POINTERS)}
    return Generations(pointers["read_model"], pointers["routing"])
