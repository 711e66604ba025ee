"""Looking at this machine: whether there is room for what `patchbay up` keeps here."""

import shutil
from pathlib import Path
from typing import Final

from patchbay.cli.examining.finding import Finding, page, well, wrong

LEAST_BYTES: Final = 2 * 1024**3
LEAST_RATIO: Final = 0.05
_GIB: Final = 1024**3


def look_at_disk(directory: Path) -> list[Finding]:
    """Return how much room there is where `patchbay up` keeps its state; nothing if it keeps none there."""
    try:
        usage = shutil.disk_usage(directory)
    except OSError:
        return []
    return [judge_room(directory, free_bytes=usage.free, total_bytes=usage.total)]


def judge_room(directory: Path, *, free_bytes: int, total_bytes: int) -> Finding:
    """Return whether so much room is enough: Kafka and Postgres both end when there is none."""
    told = f"{free_bytes / _GIB:.1f} of {total_bytes / _GIB:.1f} GiB are free where {directory} lies."
    if free_bytes < LEAST_BYTES or free_bytes < LEAST_RATIO * total_bytes:
        return wrong("disk", told, page("the-disk-is-full"))
    return well("disk", told)
