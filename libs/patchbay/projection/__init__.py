"""From the log to Postgres: batch loop, checkpoint, lease, generations, quarantine."""

from patchbay.projection.announcing import ACCEPTED_CHANNEL, Announced, announcements_of, read_announcement
from patchbay.projection.committing import CHANNEL
from patchbay.projection.errors import Fenced, NotPrepared, PartitionsChanged, ProjectionError, Unprojectable
from patchbay.projection.finding import find_log
from patchbay.projection.folding import Draft, Fold
from patchbay.projection.generations import (
    ProjectionTables,
    create_generation,
    live_generation,
    make_live,
    prepare_database,
    schema_of,
)
from patchbay.projection.holdings import DraftHoldings
from patchbay.projection.judging import Arrival
from patchbay.projection.loop import OpenReader, Projection, Projector
from patchbay.projection.progress import Progress
from patchbay.projection.statement import Change, CopyTarget, Write, change_of_rows, plain_insert
from patchbay.projection.young_old import YoungOld

__all__ = [
    "ACCEPTED_CHANNEL",
    "CHANNEL",
    "Announced",
    "Arrival",
    "Change",
    "CopyTarget",
    "Draft",
    "DraftHoldings",
    "Fenced",
    "Fold",
    "NotPrepared",
    "OpenReader",
    "PartitionsChanged",
    "Progress",
    "Projection",
    "ProjectionError",
    "ProjectionTables",
    "Projector",
    "Unprojectable",
    "Write",
    "YoungOld",
    "announcements_of",
    "change_of_rows",
    "create_generation",
    "find_log",
    "live_generation",
    "make_live",
    "plain_insert",
    "prepare_database",
    "read_announcement",
    "schema_of",
]
