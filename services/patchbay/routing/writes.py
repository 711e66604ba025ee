"""How the rows of the routing table are written."""

from typing import Final

from patchbay.projection import Write

UPSERT_NUMBERS: Final = Write(
    "numbers",
    """INSERT INTO {schema}.numbers
         (number_id, phone_number, account_id, registration, status, fallback, partition, "offset", updated_at)
       SELECT i, p, a, r, s, f, t, o, u::timestamptz
         FROM unnest({0}::text[], {1}::text[], {2}::text[], {3}::bigint[], {4}::text[], {5}::text[], {6}::int[],
                     {7}::bigint[], {8}::text[]) AS n (i, p, a, r, s, f, t, o, u)
       ON CONFLICT (number_id) DO UPDATE SET phone_number = excluded.phone_number, account_id = excluded.account_id,
          registration = excluded.registration, status = excluded.status, fallback = excluded.fallback,
          partition = excluded.partition, "offset" = excluded."offset", updated_at = excluded.updated_at""",
)
UPDATE_NUMBERS: Final = Write(
    "numbers_changed",
    """UPDATE {schema}.numbers n
          SET account_id = CASE WHEN c.is_freed THEN NULL ELSE n.account_id END,
              status = coalesce(c.status, n.status),
              fallback = CASE WHEN c.is_redirected THEN c.fallback ELSE n.fallback END,
              partition = c.partition, "offset" = c."offset", updated_at = c.time::timestamptz
         FROM unnest({0}::text[], {1}::bool[], {2}::text[], {3}::bool[], {4}::text[], {5}::int[], {6}::bigint[],
                     {7}::text[])
           AS c (number_id, is_freed, status, is_redirected, fallback, partition, "offset", time)
        WHERE n.number_id = ANY (ARRAY[c.number_id])""",
)
UPSERT_ASSIGNMENTS: Final = Write(
    "assignments",
    """INSERT INTO {schema}.assignments
         (account_id, number_id, assistant_id, registration, partition, "offset", updated_at)
       SELECT a, n, s, r, p, o, u::timestamptz
         FROM unnest({0}::text[], {1}::text[], {2}::text[], {3}::bigint[], {4}::int[], {5}::bigint[], {6}::text[])
           AS g (a, n, s, r, p, o, u)
       ON CONFLICT (account_id, number_id) DO UPDATE SET assistant_id = excluded.assistant_id,
          registration = excluded.registration, partition = excluded.partition, "offset" = excluded."offset",
          updated_at = excluded.updated_at""",
)
UPSERT_ASSISTANTS: Final = Write(
    "assistants_enabled",
    """INSERT INTO {schema}.assistants (assistant_id, account_id, partition, "offset", updated_at)
       SELECT s, a, p, o, u::timestamptz
         FROM unnest({0}::text[], {1}::text[], {2}::int[], {3}::bigint[], {4}::text[]) AS e (s, a, p, o, u)
       ON CONFLICT (assistant_id, account_id) DO UPDATE SET partition = excluded.partition,
          "offset" = excluded."offset", updated_at = excluded.updated_at""",
)
DELETE_ASSISTANTS: Final = Write(
    "assistants_disabled",
    """DELETE FROM {schema}.assistants a
       USING unnest({0}::text[], {1}::text[]) AS d (assistant_id, account_id)
       WHERE a.assistant_id = ANY (ARRAY[d.assistant_id]) AND a.account_id = ANY (ARRAY[d.account_id])""",
)
