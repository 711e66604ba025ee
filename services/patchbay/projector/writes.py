"""How the rows of the read model are written."""

from typing import Final

from patchbay.projection import CopyTarget, Write, plain_insert

# Plain inserts on purpose: a second event that creates what is there fails, and its stream is quarantined.
INSERT_ACCOUNTS: Final = plain_insert(
    "accounts",
    CopyTarget("accounts", ("account_id", "slug", "name", "created_at")),
    ("text", "text", "text", "text"),
)
INSERT_KEYS: Final = Write(
    "keys",
    """INSERT INTO {schema}.keys (key_id, account_id, secret_sha256, name, hint, scopes, expires_at,
                                   requests_per_hour, created_at, revoked_at, retires_at, replaced_by)
       SELECT k, a, s, n, h, ARRAY(SELECT json_array_elements_text(p::json)), e, q, c, r, t, b
         FROM unnest({0}::text[], {1}::text[], {2}::bytea[], {3}::text[], {4}::text[], {5}::text[], {6}::text[],
                     {7}::int[], {8}::text[], {9}::text[], {10}::text[], {11}::text[])
             AS i (k, a, s, n, h, p, e, q, c, r, t, b)""",
)
# A key can be revoked and replaced in one batch. However often it is replaced: the earliest end counts.
UPDATE_KEYS: Final = Write(
    "keys_changed",
    """UPDATE {schema}.keys k SET revoked_at = coalesce(c.revoked_at, k.revoked_at),
              retires_at = LEAST(k.retires_at, c.retires_at), replaced_by = coalesce(c.replaced_by, k.replaced_by)
         FROM unnest({0}::text[], {1}::text[], {2}::text[], {3}::text[], {4}::text[])
           AS c (key_id, account_id, revoked_at, retires_at, replaced_by)
        WHERE k.key_id = c.key_id AND k.account_id IS NOT DISTINCT FROM c.account_id""",
)
INSERT_ASSISTANTS: Final = plain_insert(
    "assistants_created",
    CopyTarget("assistants", ("assistant_id", "account_id", "version", "created_at", "updated_at", "record")),
    ("text", "text", "int", "text", "text", "bytea"),
)
# Rows are changed by `= ANY (ARRAY[…])`, here and elsewhere: it leads through the index as `=` does, and no plan can be
# made of it that walks through the whole table, which looks cheap while the table is small, and outlives that.
UPDATE_ASSISTANTS: Final = Write(
    "assistants_changed",
    """UPDATE {schema}.assistants a SET version = u.version, updated_at = u.updated_at, record = u.record
         FROM unnest({0}::text[], {1}::int[], {2}::text[], {3}::bytea[])
           AS u (assistant_id, version, updated_at, record)
        WHERE a.assistant_id = ANY (ARRAY[u.assistant_id])""",
)
DELETE_ASSISTANTS: Final = Write(
    "assistants_deleted",
    """DELETE FROM {schema}.assistants a USING unnest({0}::text[]) AS d (assistant_id)
        WHERE a.assistant_id = ANY (ARRAY[d.assistant_id])""",
)
INSERT_VERSIONS: Final = plain_insert(
    "versions",
    CopyTarget("versions", ("assistant_id", "version", "stream", "height")),
    ("text", "int", "text", "bigint"),
)
INSERT_MILESTONES: Final = plain_insert(
    "milestones", CopyTarget("milestones", ("assistant_id", "version", "record")), ("text", "int", "bytea")
)
# Whose a number is, and who holds it under which registration, is looked up as it was before the batch: where the batch
# itself changed it, the rows say so.
INSERT_NUMBER_EVENTS: Final = Write(
    "number_events",
    """INSERT INTO {schema}.number_events (number_id, account_id, stream, time, height, assistant_id, registration)
       SELECT e.number_id, coalesce(e.account_id, n.account_id), e.stream, e.time, e.height, e.assistant_id,
              e.registration
         FROM unnest({0}::text[], {1}::text[], {2}::text[], {3}::timestamptz[], {4}::bigint[], {5}::text[],
                     {6}::bigint[], {7}::bool[])
           AS e (number_id, account_id, stream, time, height, assistant_id, registration, is_certain)
         LEFT JOIN {schema}.numbers n ON e.account_id IS NULL AND n.number_id = e.number_id
        WHERE coalesce(e.account_id, n.account_id) IS NOT NULL
          AND (e.is_certain OR NOT EXISTS (
              SELECT FROM {schema}.assignments g
               WHERE g.account_id = e.account_id AND g.number_id = e.number_id
                 AND g.assistant_id = e.assistant_id AND g.registration = e.registration))""",
)
UPSERT_NUMBERS: Final = Write(
    "numbers",
    """INSERT INTO {schema}.numbers (number_id, phone_number, account_id, registration, status, fallback, created_at,
                                      updated_at)
       SELECT * FROM unnest({0}::text[], {1}::text[], {2}::text[], {3}::bigint[], {4}::text[], {5}::text[],
                            {6}::text[], {7}::text[])
       ON CONFLICT (number_id) DO UPDATE SET phone_number = excluded.phone_number, account_id = excluded.account_id,
          registration = excluded.registration, status = excluded.status, fallback = excluded.fallback,
          created_at = excluded.created_at, updated_at = excluded.updated_at""",
)
UPDATE_NUMBERS: Final = Write(
    "numbers_changed",
    """UPDATE {schema}.numbers n
          SET account_id = CASE WHEN c.is_released THEN NULL ELSE n.account_id END,
              status = coalesce(c.status, n.status),
              fallback = CASE WHEN c.is_redirected THEN c.fallback ELSE n.fallback END,
              updated_at = c.updated_at
         FROM unnest({0}::text[], {1}::bool[], {2}::text[], {3}::bool[], {4}::text[], {5}::text[])
           AS c (number_id, is_released, status, is_redirected, fallback, updated_at)
        WHERE n.number_id = ANY (ARRAY[c.number_id])""",
)
UPSERT_ASSIGNMENTS: Final = Write(
    "assignments",
    """INSERT INTO {schema}.assignments (account_id, number_id, assistant_id, registration)
       SELECT * FROM unnest({0}::text[], {1}::text[], {2}::text[], {3}::bigint[])
       ON CONFLICT (account_id, number_id) DO UPDATE SET assistant_id = excluded.assistant_id,
          registration = excluded.registration""",
)
READ_ASSISTANTS: Final = "SELECT record FROM {schema}.assistants WHERE assistant_id = ANY($1::text[])"
