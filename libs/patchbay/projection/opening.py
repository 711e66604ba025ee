"""Taking up a generation that was claimed: what its owner has to know before the first batch."""

from typing import TYPE_CHECKING, TypeVar

import structlog

from patchbay.eventlog import LogIdentity
from patchbay.postgres import Connection
from patchbay.process import metrics
from patchbay.projection.ownership import Ownership
from patchbay.projection.quarantine import read_quarantine
from patchbay.projection.tenure import Tenure

if TYPE_CHECKING:
    from patchbay.projection.loop import Projection

log = structlog.get_logger()

E = TypeVar("E")


async def open_tenure(
    connection: Connection,
    ownership: Ownership,
    identity: LogIdentity,
    projection: "Projection[E]",
    *,
    is_live: bool,
) -> Tenure[E]:
    """
    Return what the owner of a generation works with.

    Args:
        connection: That it was claimed on.
        ownership: Of the generation.
        identity: Of the log.
        projection: What is made of the log.
        is_live: False for a generation beside the live one, which goes by its schema's name in metrics.

    Raises:
        DATABASE_FAILURES: The database is away, or slow.
    """
    name = projection.tables.projection if is_live else ownership.schema
    blocked = await read_quarantine(connection, ownership.schema)
    stopped = await connection.fetchval(f"SELECT count(*) FROM {ownership.schema}.heads WHERE stopped_by IS NOT NULL")
    metrics.streams_stopped.labels(name).set(stopped)
    metrics.streams_quarantined.labels(name).set(len(blocked))
    for suspect in blocked.values():
        log.error(
            "stream_still_quarantined",
            projection=name,
            stream=suspect.stream,
            height=suspect.from_height,
            reason=suspect.reason,
        )
    return Tenure(
        connection,
        ownership,
        identity,
        projection.fold(ownership.schema),
        projection=name,
        writes_history=projection.writes_history,
        blocked=blocked,
        is_live=is_live,
        on_committed=projection.on_committed if is_live else None,
    )
