"""One statement for all that a batch changes: it is its own transaction, in one round trip."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec


class CopyTarget(msgspec.Struct, frozen=True):
    """Where a plain insert puts its columns."""

    table: str
    columns: tuple[str, ...]
    schema: str | None = None  # None: the generation's


class Write(msgspec.Struct, frozen=True):
    """
    One data-modifying statement over columns that travel as arrays.

    `sql` names its arrays `{0}`, `{1}`, … and the generation's schema `{schema}`. All writes of one batch see the
    database as it was before the batch, so no two of them may touch the same row.
    """

    name: str
    sql: str
    copies_to: CopyTarget | None = None  # set if `sql` is a plain insert: many rows are copied instead


class Change(msgspec.Struct, frozen=True):
    """A write with its arrays."""

    write: Write
    columns: Sequence[Sequence[Any]]


def plain_insert(name: str, target: CopyTarget, types: Sequence[str]) -> Write:
    """
    Return the write that inserts rows as they are; a row that is there already fails it.

    Args:
        name: Of the write.
        target: Where they go.
        types: Of the columns, as Postgres names them.
    """
    arrays = ", ".join(f"{{{index}}}::{type_name}[]" for index, type_name in enumerate(types))
    columns = ", ".join(f'"{column}"' for column in target.columns)
    schema = target.schema or "{schema}"
    sql = f"INSERT INTO {schema}.{target.table} ({columns}) SELECT * FROM unnest({arrays})"
    return Write(name, sql, target)


def change_of_rows(write: Write, rows: Sequence[tuple[Any, ...]]) -> Change:
    """Return the change that `write` makes with `rows`, which all have one length; there must be some."""
    return Change(write, tuple(zip(*rows, strict=True)))


# The checkpoint decides: if one partition's was moved by somebody else, the division fails and with it everything.
_MOVE = """
WITH moved AS (
    UPDATE {schema}.checkpoints AS c
       SET next_offset = n.new, fingerprint = coalesce(n.fingerprint, c.fingerprint),
           lease_until = clock_timestamp() + make_interval(secs => $7)
      FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::bytea[]) AS n (partition, old, new, fingerprint)
     WHERE c.partition = n.partition AND c.next_offset = n.old AND c.owner = $5 AND c.epoch = $6
    RETURNING 1
)"""
_END = """
SELECT 1 / (count(*) = cardinality($1::int[]))::int AS owned, pg_notify($8, $9),
       (SELECT count(pg_notify($10, a.payload)) FROM unnest($11::text[]) AS a (payload)) FROM moved
"""
FIRST_FREE_PARAMETER = 12


@lru_cache(maxsize=256)  # the combinations of writes that occur together are few
def compose(schema: str, writes: tuple[Write, ...], column_counts: tuple[int, ...]) -> str:
    """Return the statement that moves the checkpoints and does all `writes`, or nothing at all."""
    parts, number = [_MOVE.format(schema=schema)], FIRST_FREE_PARAMETER
    for index, (write, count) in enumerate(zip(writes, column_counts, strict=True)):
        placeholders = [f"${number + position}" for position in range(count)]
        number += count
        parts.append(f"w{index} AS (\n{write.sql.format(*placeholders, schema=schema)}\n)")
    return ",\n".join(parts) + _END
