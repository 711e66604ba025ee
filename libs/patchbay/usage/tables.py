"""
The table of what was used: no part of the ledger, made of no event, and lost without harm.

The projector's process writes it, from what it hears; the API reads it. A row is one copy's count in one slot, so that
writing it again changes nothing.
"""

from typing import Final

TABLES: Final = """
CREATE SCHEMA IF NOT EXISTS usage;
CREATE TABLE IF NOT EXISTS usage.counts (
    id text COLLATE "C" NOT NULL,
    slot int NOT NULL,
    copy text COLLATE "C" NOT NULL,
    amount bigint NOT NULL,
    size_bytes bigint NOT NULL,
    PRIMARY KEY (id, slot, copy)
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS counts_by_slot ON usage.counts (slot);
CREATE TABLE IF NOT EXISTS usage.last_used (
    id text COLLATE "C" PRIMARY KEY,
    used_at bigint NOT NULL
) WITH (fillfactor = 70);
"""
UPSERT_COUNTS: Final = """
INSERT INTO usage.counts AS c (id, slot, copy, amount, size_bytes)
SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::bigint[], $5::bigint[])
ON CONFLICT (id, slot, copy) DO UPDATE
   SET amount = GREATEST(c.amount, excluded.amount), size_bytes = GREATEST(c.size_bytes, excluded.size_bytes)
"""
UPSERT_LAST_USED: Final = """
INSERT INTO usage.last_used AS u (id, used_at) SELECT * FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (id) DO UPDATE SET used_at = GREATEST(u.used_at, excluded.used_at)
"""
FORGET_COUNTS: Final = "DELETE FROM usage.counts WHERE slot < $1"
READ_COUNTS: Final = """
SELECT id, slot, copy, amount, size_bytes FROM usage.counts WHERE id = ANY($1::text[]) AND slot >= $2
"""
READ_LAST_USED: Final = "SELECT id, used_at FROM usage.last_used WHERE id = ANY($1::text[])"
