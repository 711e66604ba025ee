"""Looking at Postgres: its clock, and what each projection has written down about itself."""

import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Final

from patchbay.cli.examining.finding import Finding, page, unseen, well, wrong
from patchbay.postgres import DATABASE_FAILURES, Connection, open_connection
from patchbay.projection import NotPrepared, live_generation, schema_of

PROJECTIONS: Final = ("read_model", "routing")
LAG_RECORDS: Final = 20_000  # from here on a projection calls itself not ready
CLOCK_SECONDS: Final = 2.0
_SHOWN_STREAMS: Final = 5

_CLOCK: Final = "SELECT clock_timestamp()"
_CHECKPOINTS: Final = """
SELECT partition, next_offset, owner, lease_until > clock_timestamp() AS leased FROM {schema}.checkpoints
"""
_STOPPED: Final = "SELECT stream FROM {schema}.heads WHERE stopped_by IS NOT NULL ORDER BY stream"
_QUARANTINED: Final = """
SELECT stream, from_height, reason, since FROM {schema}.quarantine ORDER BY since, stream
"""


async def look_at_database(url: str | None, ends: Mapping[int, int] | None) -> list[Finding]:
    """
    Return what can be seen of the projections; nothing is written.

    Args:
        url: `postgresql://…`; a login that may read is enough.
        ends: Where the log's partitions end, if that is known.
    """
    if url is None:
        return [
            unseen("database", "No address of Postgres is known.", "set DATABASE_URL; a login that may read is enough")
        ]
    try:
        async with open_connection(url, name="doctor") as connection:
            found = [await _server(connection)]
            for projection in PROJECTIONS:
                found += [finding async for finding in _projection(connection, projection, ends)]
            return found
    except DATABASE_FAILURES as error:
        told = f"Postgres does not answer: {str(error) or type(error).__name__}."
        return [wrong("database", told, page("postgres-is-away"))]


async def _server(connection: Connection) -> Finding:
    before = time.time()
    there: datetime = await connection.fetchval(_CLOCK)
    here = datetime.fromtimestamp((before + time.time()) / 2, UTC)
    off_seconds = (here - there).total_seconds()
    found = connection.get_server_version()
    told = f"Postgres {found.major}.{found.minor} answers; this machine's clock is {off_seconds:+.1f} s from its clock."
    if abs(off_seconds) > CLOCK_SECONDS:
        return wrong("clock", told, page("the-clock-is-off"))
    return well("database", told)


async def _projection(
    connection: Connection, projection: str, ends: Mapping[int, int] | None
) -> AsyncIterator[Finding]:
    try:
        schema = schema_of(projection, await live_generation(connection, projection))
    except NotPrepared:
        yield wrong(projection, f"The projection {projection} has never run.", page("nobody-projects"))
        return
    rows = await connection.fetch(_CHECKPOINTS.format(schema=schema))
    owners = sorted({row["owner"] for row in rows if row["leased"]})
    if not owners:
        last = ", ".join(sorted({row["owner"] for row in rows if row["owner"]})) or "nobody"
        yield wrong(projection, f"Nobody projects {projection}; the last to do so was {last}.", page("nobody-projects"))
    yield _lag(projection, {row["partition"]: row["next_offset"] for row in rows}, ends, owners)
    for finding in await _troubled_streams(connection, projection, schema):
        yield finding


def _lag(
    projection: str, next_offsets: Mapping[int, int], ends: Mapping[int, int] | None, owners: list[str]
) -> Finding:
    check = f"{projection}_lag"
    if ends is None:
        return unseen(check, f"How far {projection} is behind is not known.", "set KAFKA_BOOTSTRAP_SERVERS")
    if set(next_offsets) - set(ends):
        told = f"{projection} has checkpoints of partitions that the log does not have: it is another log's."
        return wrong(check, told, page("a-projection-has-ended"))
    behind = {partition: end - next_offsets.get(partition, 0) for partition, end in ends.items()}
    ahead = sorted(partition for partition, lag in behind.items() if lag < 0)
    if ahead:
        told = f"{projection} has read further than the log reaches in partition {', '.join(map(str, ahead))}."
        return wrong(check, told, page("a-projection-has-ended"))
    lag = sum(behind.values())
    told = f"{projection} is {lag} records behind; {', '.join(owners) or 'nobody'} projects it."
    return wrong(check, told, page("lag")) if lag > LAG_RECORDS else well(check, told)


async def _troubled_streams(connection: Connection, projection: str, schema: str) -> list[Finding]:
    found = []
    stopped = [row["stream"] for row in await connection.fetch(_STOPPED.format(schema=schema))]
    if stopped:
        told = f"{projection} has stopped {len(stopped)} streams as broken: {_first(stopped)}."
        found.append(wrong(f"{projection}_broken", told, page("a-stream-has-stopped")))
    quarantined = await connection.fetch(_QUARANTINED.format(schema=schema))
    if quarantined:
        oldest = quarantined[0]
        told = (
            f"{projection} cannot fold {len(quarantined)} streams: {_first([row['stream'] for row in quarantined])}. "
            f"The oldest is so since {oldest['since']:%Y-%m-%d %H:%M:%SZ}, from height {oldest['from_height']} on: "
            f"{oldest['reason']}."
        )
        found.append(wrong(f"{projection}_quarantined", told, page("a-stream-is-quarantined")))
    return found


def _first(streams: list[str]) -> str:
    more = f" and {len(streams) - _SHOWN_STREAMS} more" if len(streams) > _SHOWN_STREAMS else ""
    return ", ".join(streams[:_SHOWN_STREAMS]) + more
