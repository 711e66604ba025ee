"""Streams that are not folded: which ones, from which height on, and why."""

from collections.abc import Iterable

from patchbay.postgres import Connection
from patchbay.process import metrics
from patchbay.projection.folding import Suspect
from patchbay.projection.statement import Change, Write, change_of_rows

_READ_QUARANTINE = "SELECT stream, from_height, reason FROM {schema}.quarantine ORDER BY stream"

# A stream that is there already was folded further before it failed again.
_UPSERT_QUARANTINE = Write(
    "quarantine",
    """INSERT INTO {schema}.quarantine (stream, from_height, reason, since)
       SELECT s, h, r, now() FROM unnest({0}::text[], {1}::bigint[], {2}::text[]) AS q (s, h, r)
       ON CONFLICT (stream) DO UPDATE SET from_height = excluded.from_height, reason = excluded.reason""",
)
_DELETE_QUARANTINE = Write("cured", "DELETE FROM {schema}.quarantine WHERE stream = ANY({0}::text[])")


_READ_SINCE = "SELECT extract(epoch FROM min(since))::float8 FROM {schema}.quarantine"


async def tell_quarantine(connection: Connection, schema: str, projection: str, streams: int) -> None:
    """Have metrics tell how many streams are quarantined, and since when the first one is."""
    since = await connection.fetchval(_READ_SINCE.format(schema=schema)) if streams else None
    metrics.streams_quarantined.labels(projection).set(streams)
    metrics.quarantined_since.labels(projection).set(since or 0)


async def read_quarantine(connection: Connection, schema: str) -> dict[str, Suspect]:
    """Return the quarantined streams, by stream."""
    rows = await connection.fetch(_READ_QUARANTINE.format(schema=schema))
    return {row["stream"]: Suspect(row["stream"], row["from_height"], row["reason"]) for row in rows}


def change_of_suspects(suspects: Iterable[Suspect]) -> Change:
    """Return the change that quarantines streams; there must be some."""
    return change_of_rows(_UPSERT_QUARANTINE, [(s.stream, s.from_height, s.reason) for s in suspects])


def change_of_cured(stream: str) -> Change:
    """Return the change that ends a quarantine."""
    return Change(_DELETE_QUARANTINE, ([stream],))
