"""From the log to Postgres: batch loop, checkpoint, lease, generations, quarantine."""

from patchbay.projection.announcing import ACCEPTED_CHANNEL, Announced, announcements_of, read_announcement
from patchbay.projection.committing import CHANNEL
from patchbay.projection.comparing import Comparison, Difference, Table, comparing
from patchbay.projection.errors import (
    Fenced,
    GenerationRefused,
    NotPrepared,
    OtherShape,
    PartitionsChanged,
    PointerMoved,
    ProjectionError,
    Unprojectable,
)
from patchbay.projection.finding import find_log
from patchbay.projection.folding import Draft, Fold
from patchbay.projection.following import Advance, Follower
from patchbay.projection.generations import (
    Generation,
    ProjectionTables,
    create_generation,
    live_generation,
    make_live,
    prepare_database,
    read_generations,
    schema_of,
)
from patchbay.projection.granting import (
    API_ROLE,
    CLOSE_DATABASE,
    GRANT_RIGHTS,
    MAKE_ROLES,
    PROJECTOR_ROLE,
    ROLES,
    ROUTER_ROLE,
    ROUTING_ROLE,
    grant_rights,
    missing_roles,
)
from patchbay.projection.holdings import DraftHoldings
from patchbay.projection.judging import Arrival
from patchbay.projection.keeping import keeping_generations
from patchbay.projection.loop import OpenReader, Projection, Projector
from patchbay.projection.preparing import prepare, prepare_here
from patchbay.projection.progress import Progress
from patchbay.projection.rebuilding import RebuildProgress, begin_rebuild, rebuild, rebuild_here
from patchbay.projection.standing import GenerationStanding, read_generation_standings
from patchbay.projection.statement import Change, CopyTarget, Write, change_of_rows, plain_insert
from patchbay.projection.swapping import Pair, drop, read_pair, swap
from patchbay.projection.traced import traced
from patchbay.projection.young_old import YoungOld

__all__ = [
    "ACCEPTED_CHANNEL",
    "API_ROLE",
    "CHANNEL",
    "CLOSE_DATABASE",
    "GRANT_RIGHTS",
    "MAKE_ROLES",
    "PROJECTOR_ROLE",
    "ROLES",
    "ROUTER_ROLE",
    "ROUTING_ROLE",
    "Advance",
    "Announced",
    "Arrival",
    "Change",
    "Comparison",
    "CopyTarget",
    "Difference",
    "Draft",
    "DraftHoldings",
    "Fenced",
    "Fold",
    "Follower",
    "Generation",
    "GenerationRefused",
    "GenerationStanding",
    "NotPrepared",
    "OpenReader",
    "OtherShape",
    "Pair",
    "PartitionsChanged",
    "PointerMoved",
    "Progress",
    "Projection",
    "ProjectionError",
    "ProjectionTables",
    "Projector",
    "RebuildProgress",
    "Table",
    "Unprojectable",
    "Write",
    "YoungOld",
    "announcements_of",
    "begin_rebuild",
    "change_of_rows",
    "comparing",
    "create_generation",
    "drop",
    "find_log",
    "grant_rights",
    "keeping_generations",
    "live_generation",
    "make_live",
    "missing_roles",
    "plain_insert",
    "prepare",
    "prepare_database",
    "prepare_here",
    "read_announcement",
    "read_generation_standings",
    "read_generations",
    "read_pair",
    "rebuild",
    "rebuild_here",
    "schema_of",
    "swap",
    "traced",
]
