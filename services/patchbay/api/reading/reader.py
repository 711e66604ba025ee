"""How every question to the projections is put: each statement checks in its own snapshot which generation is live."""

from typing import TYPE_CHECKING

import asyncpg

from patchbay.api.live import LIVE_COLUMNS, LiveGenerations
from patchbay.postgres import Pool

if TYPE_CHECKING:
    from asyncpg import Record

_GENERATIONS_TRIED = 3  # a pointer moves once in months; more often than this within one question is a fault


def with_pointers(query: str, order: str = "") -> str:
    """
    Return a statement that gives the rows of `query`, each beside both pointers, as one snapshot saw them.

    There is always a row: where `query` has none, its columns are null.

    Args:
        query: Names the schemas as `{read_model}` and `{routing}`.
        order: An ORDER BY list over the columns, named `found.…`.
    """
    statement = f"SELECT {LIVE_COLUMNS}, found.* FROM (VALUES (1)) AS one LEFT JOIN ({query}) AS found ON true"
    return f"{statement} ORDER BY {order}" if order else statement


class Reader:
    """Puts questions to the database; a statement written for a generation that is no longer live is put again."""

    def __init__(self, pool: Pool, live: LiveGenerations) -> None:
        self._pool = pool
        self._live = live

    async def fetch(self, statement: str, *parameters: object) -> "list[Record]":
        """
        Return the rows of a statement that `with_pointers` made: at least one.

        Raises:
            DatabaseFailure: One of `patchbay.postgres.DATABASE_FAILURES`.
        """
        for _ in range(_GENERATIONS_TRIED):
            written_for = self._live.current
            try:
                rows: list[Record] = await self._pool.fetch(self._live.sql(statement), *parameters)
            except asyncpg.UndefinedTableError:  # the generation is gone altogether
                await self._live.refresh()
                continue
            if not self._live.moved(written_for, rows[0]["live_read_model"], rows[0]["live_routing"]):
                return rows
        raise asyncpg.UndefinedTableError("no generation stayed live for as long as one statement takes")
