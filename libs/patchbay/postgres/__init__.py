"""Postgres: connections with bounds on everything, and wake-ups by NOTIFY."""

from patchbay.postgres.connections import BY_INDEX, IN_ORDER, Connection, Pool, open_connection, open_pool
from patchbay.postgres.errors import DATABASE_FAILURES, DatabaseRefused, DatabaseTooOld
from patchbay.postgres.listening import Wakes, listen
from patchbay.postgres.refusing import why_refused

__all__ = [
    "BY_INDEX",
    "DATABASE_FAILURES",
    "IN_ORDER",
    "Connection",
    "DatabaseRefused",
    "DatabaseTooOld",
    "Pool",
    "Wakes",
    "listen",
    "open_connection",
    "open_pool",
    "why_refused",
]
