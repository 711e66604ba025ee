"""Which assistant of an account holds which number, as a batch leaves it: each event replaces an assistant's list."""

from collections.abc import Iterable
from typing import Any

from patchbay.projection.statement import Change, Write

# account_id, number_id, assistant_id, then whatever more the projection keeps.
HoldingRow = tuple[Any, ...]

# `= ANY (ARRAY[…])` leads through an index as `=` does, and gives no plan that walks through the whole table.
_CLEAR = Write(
    "assignments_cleared",
    """DELETE FROM {schema}.assignments g
       USING unnest({0}::text[], {1}::text[]) AS c (account_id, assistant_id)
       WHERE g.assistant_id = ANY (ARRAY[c.assistant_id]) AND g.account_id = ANY (ARRAY[c.account_id])
         AND g.account_id || ' ' || g.number_id <> ALL({2}::text[])""",
)
_DELETE = Write(
    "assignments_deleted",
    """DELETE FROM {schema}.assignments g
       USING unnest({0}::text[], {1}::text[]) AS d (account_id, number_id)
       WHERE g.account_id = ANY (ARRAY[d.account_id]) AND g.number_id = ANY (ARRAY[d.number_id])""",
)


class DraftHoldings:
    """
    What a batch leaves of the table `assignments`: a map from account and number to the assistant.

    An event removes every entry of its assistant, then sets its list. What the table held before is not looked at; the
    three kinds of change that come out touch different rows.
    """

    def __init__(self, upsert: Write) -> None:
        """`upsert` stores rows of assignments, by account and number."""
        self._upsert = upsert
        self._rows: dict[tuple[str, str], HoldingRow | None] = {}  # None: nobody holds it
        self._numbers_of: dict[tuple[str, str], list[str]] = {}  # by account and assistant: all that have a row here

    def assign(self, account_id: str, assistant_id: str, rows: Iterable[HoldingRow]) -> None:
        """Replace the whole list of one assistant of one account."""
        for number_id in self._numbers_of.get((account_id, assistant_id), ()):
            row = self._rows[account_id, number_id]
            if row is not None and row[2] == assistant_id:
                self._rows[account_id, number_id] = None
        numbers = self._numbers_of[account_id, assistant_id] = []
        for row in rows:
            self._rows[account_id, row[1]] = row
            numbers.append(row[1])

    def changes(self) -> list[Change]:
        """Return what is to be written."""
        changes = []
        if self._numbers_of:
            accounts, assistants = zip(*self._numbers_of, strict=True)
            changes.append(Change(_CLEAR, (accounts, assistants, [" ".join(key) for key in self._rows])))
        if deleted := [key for key, row in self._rows.items() if row is None]:
            changes.append(Change(_DELETE, tuple(zip(*deleted, strict=True))))
        if rows := [row for row in self._rows.values() if row is not None]:
            changes.append(Change(self._upsert, tuple(zip(*rows, strict=True))))
        return changes
