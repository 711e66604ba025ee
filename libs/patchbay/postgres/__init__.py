"""Postgres: connections with bounds on everything, and wake-ups by NOTIFY."""

from patchbay.postgres.connections import BY_INDEX, IN_ORDER, Connection, Pool, open_connection, open_pool
from patchbay.postgres.errors import DATABASE_FAILURES, DatabaseTooOld
from patchbay.postgres.listening import Wakes, listen

__all__ = [
    "BY_INDEX",
    "DATABASE_FAILURES",
    "IN_ORDER",
    "Connection",
    "DatabaseTooOld",
    "Pool",
    "Wakes",
    "listen",
    "open_connection",
    "open_pool",
]
