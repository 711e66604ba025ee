"""
What can go wrong with the database.

DATABASE_FAILURES    the database is away, too slow, or refused a statement: try again later
DatabaseTooOld       a server that lacks what our statements use
DatabaseRefused      it does not let this process in, or not do what it has to: waiting does not mend that
"""

import asyncpg

from patchbay.settings.errors import Refused

# asyncpg's own tree has no common root; a timeout of ours and a refused connection belong here too.
DATABASE_FAILURES: tuple[type[Exception], ...] = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


class DatabaseTooOld(Exception):
    """The server's version is below the one that our statements are written for."""

    def __init__(self, version: str, needed: str) -> None:
        super().__init__(f"PostgreSQL {version} is too old: {needed} or newer is needed")
        self.version = version
        self.needed = needed


class DatabaseRefused(Refused):
    """The server does not let this process in, or not do what it has to."""
