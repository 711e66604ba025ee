"""Preparing the database for one projection, by its owner, so that its process needs no right to make anything."""

import sys

import msgspec

from patchbay.postgres import DATABASE_FAILURES, Connection, open_connection, why_refused
from patchbay.process import Secret, load_settings, run
from patchbay.projection.errors import ProjectionError
from patchbay.projection.generations import PREPARE_LOCK, ProjectionTables, prepare_database
from patchbay.projection.granting import grant_rights

_FAILURES: tuple[type[Exception], ...] = (ProjectionError, *DATABASE_FAILURES)


class PrepareSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What preparing needs to know."""

    database_url: Secret


def prepare_here(tables: ProjectionTables, beside: str = "") -> int:
    """
    Prepare the database in this process.

    Args:
        tables: Of the projection.
        beside: DDL of what its process keeps beside it, safe where all is there.

    Returns:
        The exit code: 0 it is prepared, 1 it is not, and standard error says why.
    """
    url = load_settings(PrepareSettings).database_url.reveal()
    codes: list[int] = []

    async def work(_stop: object) -> None:
        try:
            async with open_connection(url, name="preparing") as connection:
                await prepare(connection, tables, beside)
            codes.append(0)
        except _FAILURES as error:
            sys.stderr.write(f"{why_refused(error, url) or str(error) or type(error).__name__}\n")
            codes.append(1)

    run(work)
    return codes[0] if codes else 1


async def prepare(connection: Connection, tables: ProjectionTables, beside: str = "") -> None:
    """
    Make what is missing, and grant what is not granted yet.

    Raises:
        OtherShape: The live generation is of another version of this projection.
        DATABASE_FAILURES: The database is away, slow, or refuses.
    """
    await prepare_database(connection, tables)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", PREPARE_LOCK)
        if beside:
            await connection.execute(beside)
        await grant_rights(connection)
