"""Parts of accounts that few decisions need: the numbers of an assistant, and who has a name."""

from collections.abc import Iterable
from typing import Final

from patchbay.assistants.searching import fold_name

_NUMBERS_OF = """
UNION ALL
SELECT 'holding', g.number_id, g.account_id, g.assistant_id, NULL, NULL, NULL, g.registration, NULL, NULL, NULL
  FROM {read_model}.assignments g WHERE g.assistant_id = ANY($9::text[])
UNION ALL
SELECT 'number', n.number_id, n.phone_number, n.account_id, n.status, n.created_at, n.updated_at, n.registration, NULL,
       convert_to(n.fallback, 'UTF8'), NULL
  FROM {read_model}.assignments g JOIN {read_model}.numbers n USING (number_id) WHERE g.assistant_id = ANY($9::text[])
"""
# However many have a name, it is ambiguous from the second one on: the records of two are enough.
_NAMED = """
UNION ALL
SELECT 'named', assistant_id, account_id, name, NULL, NULL, NULL, NULL, NULL,
       CASE WHEN row_number() OVER (PARTITION BY account_id, name ORDER BY assistant_id) <= 2 THEN record END, NULL
  FROM (SELECT a.assistant_id, a.account_id, convert_from(a.record, 'UTF8')::json ->> 'name' AS name, a.record
          FROM {read_model}.listed_assistants l JOIN {read_model}.assistants a USING (assistant_id)
         WHERE l.account_id = ANY($1::text[]) AND l.folded_name = ANY($10::text[])) AS named
"""
MORE_PARTS: Final = ((9, _NUMBERS_OF), (10, _NAMED))


def folded(names: Iterable[str]) -> list[str]:
    """Return the names as the table keeps them to find them by."""
    return [fold_name(name) for name in names]
