"""How often keys and accounts are used: what copies of the API tell each other, and the table that outlives them."""

from patchbay.usage.slots import SLOT_SECONDS, SLOTS, WINDOW_SECONDS, slot_at
from patchbay.usage.tables import (
    FORGET_COUNTS,
    READ_COUNTS,
    READ_LAST_USED,
    TABLES,
    UPSERT_COUNTS,
    UPSERT_LAST_USED,
)
from patchbay.usage.tidings import ASK, CHANNEL, NOTIFY, Count, Tidings, pack, read

__all__ = [
    "ASK",
    "CHANNEL",
    "FORGET_COUNTS",
    "NOTIFY",
    "READ_COUNTS",
    "READ_LAST_USED",
    "SLOTS",
    "SLOT_SECONDS",
    "TABLES",
    "UPSERT_COUNTS",
    "UPSERT_LAST_USED",
    "WINDOW_SECONDS",
    "Count",
    "Tidings",
    "pack",
    "read",
    "slot_at",
]
