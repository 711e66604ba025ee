"""
What can go wrong with a projection.

ProjectionError
├── NotPrepared          the database has no tables of this projection yet
├── OtherShape           the live generation is of another version of the projection
├── PartitionsChanged    the checkpoints are of a log with another number of partitions
├── Fenced               somebody else owns the partitions by now: this consumer is a zombie
│   └── PointerMoved     the generation became the live one, or is it no longer
├── GenerationRefused    a generation cannot be rebuilt, swapped, compared or dropped as things are
└── Unprojectable        one record cannot be stored, its stream quarantined or not: a person is needed
"""


class ProjectionError(Exception):
    """The root of this tree."""


class NotPrepared(ProjectionError):
    """The database has no tables of this projection yet."""

    def __init__(self, projection: str) -> None:
        super().__init__(f"the database holds no projection {projection!r}; its own service prepares it at its start")
        self.projection = projection


class PartitionsChanged(ProjectionError):
    """The checkpoints are of a log with another number of partitions."""

    def __init__(self, schema: str, found: int, wanted: int) -> None:
        super().__init__(f"{schema} has checkpoints of {found} partitions, but the log has {wanted}")
        self.schema = schema
        self.found = found
        self.wanted = wanted


class Fenced(ProjectionError):
    """The checkpoints moved without this consumer: somebody else owns the partitions, nothing was written."""


class PointerMoved(Fenced):
    """Which generation is live has changed before the partitions were claimed."""


class OtherShape(ProjectionError):
    """The live generation is of another version of the projection."""

    def __init__(self, schema: str) -> None:
        super().__init__(
            f"{schema} is live and was made by another version, whose process has to run until this version's "
            "generation was built (`patchbay projection rebuild`) and swapped in (`patchbay projection swap`)"
        )
        self.schema = schema


class GenerationRefused(ProjectionError):
    """A generation cannot be rebuilt, swapped, compared or dropped as things are; nothing was changed."""


class Unprojectable(ProjectionError):
    """One record cannot be stored even with its stream quarantined."""

    def __init__(self, partition: int, offset: int, reason: str) -> None:
        super().__init__(f"the record at {partition}:{offset} cannot be projected: {reason}")
        self.partition = partition
        self.offset = offset
