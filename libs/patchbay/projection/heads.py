"""Where every stream's chain ends, as far as this projection has read: in memory, and for the rest in the database."""

from collections.abc import Iterable, Mapping

from patchbay.eventlog import Head
from patchbay.postgres import Connection
from patchbay.projection.statement import Change, Write
from patchbay.projection.young_old import YoungOld

CACHED_HEADS = 100_000  # of each age; some 500 B each

_READ_HEADS = """
SELECT stream, height, digest, time, stopped_by FROM {schema}.heads WHERE stream = ANY($1::text[])
"""
UPSERT_HEADS = Write(
    "heads",
    """INSERT INTO {schema}.heads (stream, height, digest, time, stopped_by)
       SELECT * FROM unnest({0}::text[], {1}::bigint[], {2}::bytea[], {3}::text[], {4}::bytea[])
       ON CONFLICT (stream) DO UPDATE SET height = excluded.height, digest = excluded.digest,
          time = excluded.time, stopped_by = excluded.stopped_by""",
)


class Heads:
    """The heads as the last commit left them. True only while this consumer is the one that commits."""

    def __init__(self, schema: str, log_id: str) -> None:
        self._statement = _READ_HEADS.format(schema=schema)
        self._genesis = Head.genesis(log_id)
        self._known: YoungOld[str, Head] = YoungOld(CACHED_HEADS)

    async def of(self, connection: Connection, streams: Iterable[str]) -> dict[str, Head]:
        """Return the heads of `streams`; those that are not in memory are read in one round trip."""
        found: dict[str, Head] = {}
        missing = []
        for stream in streams:
            head = self._known.get(stream)
            if head is None:
                missing.append(stream)
            else:
                found[stream] = head
        if missing:
            found.update(dict.fromkeys(missing, self._genesis))
            for stream, height, digest, time, stopped_by in await connection.fetch(self._statement, missing):
                found[stream] = Head(height, digest.hex(), time, None if stopped_by is None else stopped_by.hex())
        return found

    def keep(self, heads: Mapping[str, Head]) -> None:
        """Take over heads that are committed."""
        self._known.update(heads)


def change_of_heads(heads: Mapping[str, Head]) -> Change:
    """Return the change that stores `heads`; there must be some."""
    ordered = heads.values()
    return Change(
        UPSERT_HEADS,
        (
            list(heads),
            [head.height for head in ordered],
            [bytes.fromhex(head.digest) for head in ordered],
            [head.time for head in ordered],
            [None if head.stopped_by is None else bytes.fromhex(head.stopped_by) for head in ordered],
        ),
    )
