"""From the log to Postgres: batch loop, checkpoint, lease, generations, quarantine."""

from patchbay.projection.errors import Fenced, NotPrepared, PartitionsChanged, ProjectionError, Unprojectable
from patchbay.projection.generations import (
    ProjectionTables,
    create_generation,
    live_generation,
    make_live,
    prepare_database,
    schema_of,
)

__all__ = [
    "Fenced",
    "NotPrepared",
    "PartitionsChanged",
    "ProjectionError",
    "ProjectionTables",
    "Unprojectable",
    "create_generation",
    "live_generation",
    "make_live",
    "prepare_database",
    "schema_of",
]
